"""Reads about roles and categories: which there are, and where each is in use."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, QuerySet

from apis.errors import Missing
from apis.models import Api, ApiCategory, BusinessPlan, Person, Role, Scope
from apis.roles import BUILT_IN_ROLES
from apis.words import phrase


def custom_roles() -> QuerySet[Role]:
    """Those that administrators keep, by name. Everybody who signs in may know them: APIs are shown to them by name."""
    return Role.objects.order_by("name")


def role_names() -> list[str]:
    """Every role that a person may hold: the built-in ones first."""
    return [*BUILT_IN_ROLES, *custom_roles().values_list("name", flat=True)]


def role_choices() -> list[tuple[str, str]]:
    """(value, words) of every role, for a form."""
    return [(name, name.capitalize() if name in BUILT_IN_ROLES else name) for name in role_names()]


def role_get(role_id: UUID | str) -> Role:
    """Raises: Missing."""
    row = Role.objects.filter(pk=role_id).first()
    if row is None:
        raise Missing("There is no such role.")
    return row


def role_holders(name: str) -> QuerySet[Person]:
    """People who were given the role."""
    return Person.objects.filter(roles__names_any=[name]).order_by("username")


def role_uses(role: Role) -> list[str]:
    """Where a role is named, in words: by people, APIs, scopes and business plans."""
    name = role.name
    apis = Api.objects.select_related("version_set")
    found = [phrase("person {person}", person=person) for person in role_holders(name)]
    found += [phrase("access control of {api}", api=api) for api in apis.filter(access_roles__names_any=[name])]
    found += [phrase("visibility of {api}", api=api) for api in apis.filter(visible_roles__names_any=[name])]
    found += [phrase("scope {scope}", scope=scope) for scope in Scope.objects.filter(roles__names_any=[name])]
    return found + [
        phrase("business plan {row}", row=row) for row in BusinessPlan.objects.all() if name in row.permission["roles"]
    ]


def categories() -> QuerySet[ApiCategory]:
    """All of them, each with how many APIs have it (`api_count`)."""
    return ApiCategory.objects.annotate(api_count=Count("apis")).order_by("name")


def category_get(category_id: UUID | str) -> ApiCategory:
    """Raises: Missing."""
    row = categories().filter(pk=category_id).first()
    if row is None:
        raise Missing("There is no such API category.")
    return row
