"""Business plans and application plans: administrators write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from apis import shapes
from apis.errors import Conflict, Invalid, Taken
from apis.models import ApplicationPlan, BusinessPlan
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.validators import DESCRIPTION_LIMIT, name_problem, text_problem

AnyPlan = TypeVar("AnyPlan", BusinessPlan, ApplicationPlan)

_SHAPES: dict[str, Callable[[Any], tuple[Any, shapes.Problems]]] = {"limits": shapes.limits, "burst": shapes.burst}
_WORDS: dict[str, Callable[[Any], str]] = {
    "name": name_problem,
    "description": lambda text: text_problem(text, DESCRIPTION_LIMIT, "Description"),
    "on_spent": lambda word: (
        ""
        if word in BusinessPlan.OnSpent.values
        else f"This should be one of: {', '.join(BusinessPlan.OnSpent.values)}."
    ),
    "stop_on_quota": shapes.flag,
    "subscriptionless": shapes.flag,
}
FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    BusinessPlan: (
        "name", "description", "limits", "burst", *shapes.SESSION_CHECKS, "on_spent", "stop_on_quota",
        "subscriptionless",
    ),
    ApplicationPlan: ("name", "description", "limits"),
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
        elif name in shapes.SESSION_CHECKS:
            problems[name] = shapes.SESSION_CHECKS[name](value)
        else:
            problems[name] = _WORDS[name](value)
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
    hold(plan)
    before = {field: getattr(plan, field) for field in done}
    for field, value in done.items():
        setattr(plan, field, value)
    _save(plan)
    record(actor, "update_plan", plan, before=before, after=done)
    announce("plan", plan.pk)
    return plan


def _delete(actor: Actor, plan: BusinessPlan | ApplicationPlan) -> None:
    actor.require(Capability.ADMINISTER)
    hold(plan)
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
