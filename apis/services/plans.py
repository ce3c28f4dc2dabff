"""Business plans and application plans: administrators write them."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from apis import shapes
from apis.errors import Conflict, Invalid, Taken
from apis.models import ApplicationPlan, BusinessPlan
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.record import announce, record
from apis.validators import DESCRIPTION_LIMIT, name_problem, text_problem

AnyPlan = TypeVar("AnyPlan", BusinessPlan, ApplicationPlan)

_OPTIONAL_NUMBERS = {
    "max_sessions": shapes.whole(1, 1_000_000),
    "max_session_s": shapes.whole(1, 366 * 86_400),
    "max_message_bytes": shapes.whole(125, 64 * 1024 * 1024),
}
FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    BusinessPlan: (
        "name", "description", "limits", "burst", *_OPTIONAL_NUMBERS, "on_spent", "stop_on_quota",
    ),
    ApplicationPlan: ("name", "description", "limits"),
}  # fmt: skip


def plan_values(kind: type[models.Model], values: dict[str, Any]) -> dict[str, Any]:
    """The given fields of a plan in normal form.

    Raises: Invalid with a path for each problem, e.g. "limits/0/amount".
    """
    problems: dict[str, str] = {}
    done = dict(values)
    for unknown in values.keys() - set(FIELDS[kind]):
        problems[unknown] = "This field is not known here."
    if "name" in values:
        problems["name"] = name_problem(values["name"])
    if "description" in values:
        problems["description"] = text_problem(values["description"], DESCRIPTION_LIMIT, "Description")
    for field, check in (("limits", shapes.limits), ("burst", shapes.burst)):
        if field in values:
            done[field], found = check(values[field])
            problems |= {f"{field}/{path}".rstrip("/"): text for path, text in found.items()}
    for field, check_number in _OPTIONAL_NUMBERS.items():
        if values.get(field) is not None:
            problems[field] = check_number(values[field])
    if "on_spent" in values and values["on_spent"] not in BusinessPlan.OnSpent.values:
        problems["on_spent"] = f"This should be one of: {', '.join(BusinessPlan.OnSpent.values)}."
    if "stop_on_quota" in values and not isinstance(values["stop_on_quota"], bool):
        problems["stop_on_quota"] = "This should be true or false."
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)
    return done


def _create(kind: type[AnyPlan], actor: Actor, values: dict[str, Any]) -> AnyPlan:
    actor.require(Capability.ADMINISTER)
    if "name" not in values:
        raise Invalid({"name": "Name should not be empty."})
    done = plan_values(kind, values)
    plan = kind(**done)
    _save(plan)
    record(actor, "create_plan", plan, kind=kind._meta.verbose_name)
    announce("plan", plan.pk)
    return plan


def _save(plan: BusinessPlan | ApplicationPlan) -> None:
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError:
        raise Taken({"name": f"A plan named {plan.name} already exists."}) from None


def _update(actor: Actor, plan: AnyPlan, values: dict[str, Any]) -> AnyPlan:
    actor.require(Capability.ADMINISTER)
    done = plan_values(type(plan), values)
    before = {field: getattr(plan, field) for field in done}
    for field, value in done.items():
        setattr(plan, field, value)
    _save(plan)
    record(actor, "update_plan", plan, before=before, after=done)
    announce("plan", plan.pk)
    return plan


def _delete(actor: Actor, plan: BusinessPlan | ApplicationPlan) -> None:
    actor.require(Capability.ADMINISTER)
    uses = ["subscriptions", "apis"] if isinstance(plan, BusinessPlan) else ["applications"]
    for use in uses:
        if count := getattr(plan, use).count():
            raise Conflict(f"{plan} is in use by {count} {use}.", code="in_use")
    key = plan.pk
    record(actor, "delete_plan", plan)
    plan.delete()
    announce("plan", key)


@transaction.atomic
def business_plan_create(*, actor: Actor, **values: Any) -> BusinessPlan:
    """Raises: Forbidden for anybody but administrators; Invalid, Taken."""
    return _create(BusinessPlan, actor, values)


@transaction.atomic
def business_plan_update(*, actor: Actor, plan: BusinessPlan, **values: Any) -> BusinessPlan:
    """Change a plan; live sessions follow within a second. Raises: Forbidden, Invalid, Taken."""
    return _update(actor, plan, values)


@transaction.atomic
def business_plan_delete(*, actor: Actor, plan: BusinessPlan) -> None:
    """Raises: Forbidden; Conflict while an API offers it or a subscription runs under it."""
    _delete(actor, plan)


@transaction.atomic
def application_plan_create(*, actor: Actor, **values: Any) -> ApplicationPlan:
    """Raises: Forbidden for anybody but administrators; Invalid, Taken."""
    return _create(ApplicationPlan, actor, values)


@transaction.atomic
def application_plan_update(*, actor: Actor, plan: ApplicationPlan, **values: Any) -> ApplicationPlan:
    """Raises: Forbidden, Invalid, Taken."""
    return _update(actor, plan, values)


@transaction.atomic
def application_plan_delete(*, actor: Actor, plan: ApplicationPlan) -> None:
    """Raises: Forbidden; Conflict while an application runs under it."""
    _delete(actor, plan)
