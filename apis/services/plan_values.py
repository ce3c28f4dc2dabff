"""What the fields of plans may hold: the checks that every kind of plan shares, by the name of the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import models

from apis import shapes, shapes_plans
from apis.errors import Invalid
from apis.models import ApiPlan, ApplicationPlan, BusinessPlan, CustomPlan
from apis.selectors_portal import role_names
from apis.validators import DESCRIPTION_LIMIT, name_problem, text_problem

# Fields that are checked and put in order: value -> (normal form, problems by path).
_SHAPES: Final[dict[str, Callable[[Any], tuple[Any, shapes.Problems]]]] = {
    "limits": shapes.limits,
    "burst": shapes.burst,
    "groups": shapes_plans.groups,
    "attributes": shapes_plans.attributes,
    "permission": lambda value: shapes_plans.permission(value, role_names()),
    "price": shapes_plans.money(2),
    "unit_price": shapes_plans.money(6),
}
# Fields that are only checked: value -> what is wrong with it, or "".
_WORDS: Final[dict[str, Callable[[Any], str]]] = {
    "name": name_problem,
    "description": lambda text: text_problem(text, DESCRIPTION_LIMIT, "Description"),
    **shapes.SESSION_CHECKS,
    "on_spent": shapes_plans.one_of(BusinessPlan.OnSpent.values),
    "notice": shapes.flag,
    "warn_at": shapes_plans.WARN_CHECK,
    "stop_on_quota": shapes.flag,
    "subscriptionless": shapes.flag,
    "approval": shapes.flag,
    "billing": shapes_plans.one_of(BusinessPlan.Billing.values),
    "currency": shapes_plans.currency_problem,
    "cycle": shapes_plans.one_of(shapes_plans.CYCLES),
    "unit_events": shapes_plans.UNIT_CHECK,
    "key": shapes_plans.key_problem,
    "enabled": shapes.flag,
}
FIELDS: Final[dict[type[models.Model], tuple[str, ...]]] = {
    BusinessPlan: (
        "name", "description", "limits", "burst", *shapes.SESSION_CHECKS, "on_spent", "notice", "warn_at",
        "stop_on_quota", "subscriptionless", "approval", "billing", "price", "currency", "cycle", "unit_price",
        "unit_events", "attributes", "permission",
    ),
    ApplicationPlan: ("name", "description", "limits"),
    ApiPlan: ("name", "description", "limits", "groups"),
    CustomPlan: ("name", "description", "key", "limits", "enabled"),
}  # fmt: skip


def plan_values(kind: type[models.Model], values: dict[str, Any]) -> dict[str, Any]:
    """The given fields of a plan in normal form.

    Raises: Invalid with a path for each problem, e.g. "limits/0/amount".
    """
    problems = dict.fromkeys(values.keys() - set(FIELDS[kind]), "This field is not known here.")
    done = {name: value for name, value in values.items() if name not in problems}
    for name, value in list(done.items()):
        if name in _SHAPES:
            done[name], found = _SHAPES[name](value)
            problems |= {f"{name}/{path}".rstrip("/"): text for path, text in found.items()}
        else:
            problems[name] = _WORDS[name](value)
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)
    return done


def check_whole(plan: models.Model) -> None:
    """What fields ask of each other, once all are set. Raises: Invalid."""
    if isinstance(plan, BusinessPlan):
        priced = plan.price is not None or plan.unit_price is not None
        if plan.billing == BusinessPlan.Billing.COMMERCIAL and not priced:
            raise Invalid({"price": "A commercial plan has a price, a price for each unit, or both."})
    if isinstance(plan, CustomPlan) and not plan.limits:
        raise Invalid({"limits": "A custom plan needs at least one limit."})
