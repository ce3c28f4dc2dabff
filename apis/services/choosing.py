"""Plans, categories and roles by their names, for what is to have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apis.errors import Invalid
from apis.models import ApiCategory, ApiPlan, BusinessPlan, Role
from apis.roles import BUILT_IN_ROLES
from apis.selectors_portal import role_names
from apis.shapes_about import names_problem
from apis.words import phrase


def plans_named(names: Iterable[str], field: str = "business_plans") -> list[BusinessPlan]:
    """The business plans with these names, in that order.

    Raises: Invalid naming the first one that does not exist.
    """
    wanted = list(dict.fromkeys(names))
    found = {plan.name: plan for plan in BusinessPlan.objects.filter(name__in=wanted)}
    for name in wanted:
        if name not in found:
            raise Invalid({field: phrase("There is no business plan named {name}.", name=name)})
    return [found[name] for name in wanted]


def api_plan_named(name: str | None) -> ApiPlan | None:
    """The API plan with this name, held until the transaction ends; None or "" for none. Raises: Invalid."""
    if not name:
        return None
    row = ApiPlan.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise Invalid({"api_plan": phrase("There is no API plan named {name}.", name=name)})
    return row


def categories_held(names: Any) -> tuple[list[ApiCategory], str]:
    """The categories with these names, held until the transaction ends, and what is wrong with the list, or ""."""
    rows = list(ApiCategory.objects.order_by("name"))
    if problem := names_problem(names, [row.name for row in rows], "category", "categories"):
        return [], problem
    wanted = [row.pk for row in rows if row.name in names]
    return list(ApiCategory.objects.select_for_update().filter(pk__in=wanted).order_by("name")), ""


def roles_problem(names: Any) -> str:
    """What is wrong with a list of roles, or "". Custom ones are held until the transaction ends, so none goes."""
    if problem := names_problem(names, role_names(), "role", "roles"):
        return problem
    custom = set(names) - set(BUILT_IN_ROLES)
    held = list(Role.objects.select_for_update().filter(name__in=custom).order_by("pk")) if custom else []
    gone = sorted(custom - {role.name for role in held})
    return phrase("Unknown roles: {gone}.", gone=", ".join(gone)) if gone else ""
