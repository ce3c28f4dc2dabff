"""API categories: administrators keep them, creators put APIs under them, the developer portal filters by them."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from apis.errors import Conflict, Invalid, Taken
from apis.models import ApiCategory
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.record import record
from apis.services.row_editions import mine_of
from apis.validators import name_problem, text_problem
from apis.words import phrase

FIELDS: Final = ("name", "description")
USES_SHOWN: Final = 5


def _refuse(values: dict[str, Any]) -> None:
    problems = dict.fromkeys(values.keys() - set(FIELDS), "This field is not known here.")
    for field in FIELDS:
        if field in values and not isinstance(values[field], str):
            problems[field] = "This should be a text."
    if isinstance(values.get("name"), str):
        problems["name"] = name_problem(values["name"])
    if isinstance(values.get("description"), str):
        problems["description"] = text_problem(values["description"], 500, "Description")
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)


def _save(category: ApiCategory) -> None:
    taken = Taken({"name": phrase("An API category named {name} already exists.", name=category.name)})
    if ApiCategory.objects.filter(name__iexact=category.name).exclude(pk=category.pk).exists():
        raise taken
    try:
        with transaction.atomic():
            category.save()
    except IntegrityError:
        raise taken from None


@transaction.atomic
def category_create(*, actor: Actor, name: str, description: str = "") -> ApiCategory:
    """Raises: Forbidden for anybody but administrators; Invalid, Taken."""
    actor.require(Capability.ADMINISTER)
    values = {"name": name, "description": description}
    _refuse(values)
    category = ApiCategory(**values)
    _save(category)
    record(actor, "create_category", category, after=values)
    return category


@transaction.atomic
def category_update(*, actor: Actor, category: ApiCategory, seen: int | None = None, **values: Any) -> ApiCategory:
    """Rename or describe a category; APIs keep it.

    Args:
        seen: the edition of the category that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Missing, Invalid, Taken, Stale.
    """
    actor.require(Capability.ADMINISTER)
    _refuse(values)
    hold(category)
    values, before = mine_of(category, seen, values)
    for field, value in values.items():
        setattr(category, field, value)
    _save(category)
    record(actor, "update_category", category, before=before, after=values)
    return category


@transaction.atomic
def category_delete(*, actor: Actor, category: ApiCategory) -> None:
    """Raises: Forbidden, Missing; Conflict naming the APIs that have it."""
    actor.require(Capability.ADMINISTER)
    hold(category)
    if uses := [str(api) for api in category.apis.select_related("version_set")]:
        more = f" and {len(uses) - USES_SHOWN} more" if len(uses) > USES_SHOWN else ""
        raise Conflict(
            phrase(
                "{category} is in use: {uses}{more}.", category=category, uses="; ".join(uses[:USES_SHOWN]), more=more
            ),
            code="in_use",
        )
    record(actor, "delete_category", category, before={field: getattr(category, field) for field in FIELDS})
    category.delete()
