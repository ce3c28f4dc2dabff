"""Business plans, application plans, API plans and custom plans: administrators write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeVar

from django.db import IntegrityError, models, transaction

from apis import scoping
from apis.errors import Conflict, Invalid, Taken
from apis.models import ApiPlan, ApplicationPlan, Approval, BusinessPlan, CustomPlan
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.plan_values import check_whole, plan_values
from apis.services.record import announce, record
from apis.services.row_editions import mine_of
from apis.services.terms import of_plan, terms_begin, terms_change
from apis.words import phrase

AnyPlan = TypeVar("AnyPlan", BusinessPlan, ApplicationPlan, ApiPlan, CustomPlan)
# What gateways hear of a change (apis.signals.KINDS).
_KINDS: Final[dict[type[models.Model], str]] = {
    BusinessPlan: "plan",
    ApplicationPlan: "plan",
    ApiPlan: "api_plan",
    CustomPlan: "custom_plan",
}
_USES: Final[dict[type[models.Model], tuple[str, ...]]] = {
    BusinessPlan: ("subscriptions", "apis"),
    ApplicationPlan: ("applications",),
    ApiPlan: ("apis",),
    CustomPlan: (),
}
USES_SHOWN: Final = 5


def _create(kind: type[AnyPlan], actor: Actor, values: dict[str, Any]) -> AnyPlan:
    actor.require(Capability.ADMINISTER)
    if "name" not in values:
        raise Invalid({"name": "Name should not be empty."})
    if kind is CustomPlan and "key" not in values:
        raise Invalid({"key": "This should not be empty."})
    done = plan_values(kind, values)
    plan = kind(**done)
    check_whole(plan)
    _save(plan)
    record(actor, "create_plan", plan, kind=kind._meta.verbose_name_raw, after=_written(done))
    announce(_KINDS[kind], plan.pk)
    return plan


def _save(plan: AnyPlan) -> None:
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError:
        raise Taken({"name": phrase("A plan named {name} already exists.", name=plan.name)}) from None


def _update(actor: Actor, plan: AnyPlan, values: dict[str, Any], seen: int | None) -> AnyPlan:
    actor.require(Capability.ADMINISTER)
    done = plan_values(type(plan), values)
    hold(plan)
    done, before = mine_of(plan, seen, done)
    if isinstance(plan, ApiPlan) and done.get("name", plan.name) != plan.name:
        raise Invalid({"name": "The name of an API plan stays: topics and revisions carry it."})
    for field, value in done.items():
        setattr(plan, field, value)
    check_whole(plan)
    _save(plan)
    kind = plan._meta.verbose_name_raw
    record(actor, "update_plan", plan, kind=kind, before=_written(before), after=_written(done))
    announce(_KINDS[type(plan)], plan.pk)
    return plan


def _written(values: dict[str, Any]) -> dict[str, Any]:
    """Fields as the history keeps them (JSON)."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def _facts(plan: AnyPlan) -> dict[str, Any]:
    """Every field of a plan that a person sets."""
    fields = [field for field in plan._meta.concrete_fields if not (field.primary_key or field.is_relation)]
    return {field.name: getattr(plan, field.name) for field in fields if not isinstance(field, models.DateTimeField)}


def _delete(actor: Actor, plan: AnyPlan) -> None:
    actor.require(Capability.ADMINISTER)
    hold(plan)
    for use in _USES[type(plan)]:
        if count := getattr(plan, use).count():
            raise Conflict(phrase("{plan} is in use by {count} {use}.", plan=plan, count=count, use=use), code="in_use")
    if isinstance(plan, BusinessPlan) and plan.approvals.filter(state=Approval.State.WAITING).exists():
        raise Conflict(phrase("Somebody waits for {plan}; decide that first.", plan=plan), code="in_use")
    if isinstance(plan, ApiPlan) and (uses := scoping.api_plan_uses(plan)):
        more = f" and {len(uses) - USES_SHOWN} more" if len(uses) > USES_SHOWN else ""
        raise Conflict(
            phrase("{plan} is in use: {uses}{more}.", plan=plan, uses="; ".join(uses[:USES_SHOWN]), more=more),
            code="in_use",
        )
    key = plan.pk
    record(actor, "delete_plan", plan, kind=plan._meta.verbose_name_raw, before=_written(_facts(plan)))
    plan.delete()
    announce(_KINDS[type(plan)], key)


@transaction.atomic
def business_plan_create(*, actor: Actor, **values: Any) -> BusinessPlan:
    """Raises: Forbidden for anybody but administrators; Invalid, Taken."""
    return _create(BusinessPlan, actor, values)


@transaction.atomic
def business_plan_update(*, actor: Actor, plan: BusinessPlan, seen: int | None = None, **values: Any) -> BusinessPlan:
    """Change a plan; live sessions follow within a second, and its subscriptions run under new terms from now on.

    Args:
        seen: the edition of the plan that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Invalid, Taken; Stale where somebody else changed the same meanwhile.
    """
    actor.require(Capability.ADMINISTER)
    terms_begin(of_plan(plan))
    done = _update(actor, plan, values, seen)
    terms_change(of_plan(done))
    return done


@transaction.atomic
def business_plan_delete(*, actor: Actor, plan: BusinessPlan) -> None:
    """Raises: Forbidden; Conflict while an API offers it or a subscription runs under it."""
    _delete(actor, plan)


@transaction.atomic
def application_plan_create(*, actor: Actor, **values: Any) -> ApplicationPlan:
    """Raises: Forbidden for anybody but administrators; Invalid, Taken."""
    return _create(ApplicationPlan, actor, values)


@transaction.atomic
def application_plan_update(
    *, actor: Actor, plan: ApplicationPlan, seen: int | None = None, **values: Any
) -> ApplicationPlan:
    """Raises: Forbidden, Invalid, Taken, Stale."""
    return _update(actor, plan, values, seen)


@transaction.atomic
def application_plan_delete(*, actor: Actor, plan: ApplicationPlan) -> None:
    """Raises: Forbidden; Conflict while an application runs under it."""
    _delete(actor, plan)


@transaction.atomic
def api_plan_create(*, actor: Actor, **values: Any) -> ApiPlan:
    """Raises: Forbidden for anybody but administrators; Invalid, Taken."""
    return _create(ApiPlan, actor, values)


@transaction.atomic
def api_plan_update(*, actor: Actor, plan: ApiPlan, seen: int | None = None, **values: Any) -> ApiPlan:
    """Change a plan, except its name; live sessions follow within a second. Raises: Forbidden, Invalid, Stale."""
    return _update(actor, plan, values, seen)


@transaction.atomic
def api_plan_delete(*, actor: Actor, plan: ApiPlan) -> None:
    """Raises: Forbidden; Conflict while an API has it, or a topic as it is designed or in a revision."""
    _delete(actor, plan)


@transaction.atomic
def custom_plan_create(*, actor: Actor, **values: Any) -> CustomPlan:
    """Raises: Forbidden for anybody but administrators; Invalid, Taken."""
    return _create(CustomPlan, actor, values)


@transaction.atomic
def custom_plan_update(*, actor: Actor, plan: CustomPlan, seen: int | None = None, **values: Any) -> CustomPlan:
    """Change a plan, or switch it on and off; live sessions follow within a second.

    Raises: Forbidden, Invalid, Taken, Stale.
    """
    return _update(actor, plan, values, seen)


@transaction.atomic
def custom_plan_delete(*, actor: Actor, plan: CustomPlan) -> None:
    """Sessions do not count by it any more. Raises: Forbidden."""
    _delete(actor, plan)
