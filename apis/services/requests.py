"""Requests that wait for an administrator: asked, taken back. Other services call this in their own transaction.

Locks are taken in one order everywhere: the thing that is asked about first, then its request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from apis.errors import Conflict
from apis.models import Api, Application, Approval, BusinessPlan, Revision, Subscription
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.approval_rules import deployment_waits
from apis.services.record import record

# Words that mean something else in a history entry: only a step that was taken has a checklist there.
_IN_HISTORY: Final = {"action": "step", "checklist": "check_items"}


def needs_approval(actor: Actor, plan: BusinessPlan) -> bool:
    """Whether a subscription under this plan must wait; administrators would only ask themselves."""
    return plan.approval and not actor.can(Capability.ADMINISTER)


def ask(
    actor: Actor,
    kind: Approval.Kind,
    subject: object,
    *,
    api: Api | None = None,
    application: Application | None = None,
    subscription: Subscription | None = None,
    business_plan: BusinessPlan | None = None,
    **wanted: Any,
) -> Approval:
    """Write down what somebody asks for; its history entry is named `ask_` and the kind.

    Args:
        subject: what it is about; its text is kept.
        wanted: what is done once it is approved (JSON).
    """
    approval = Approval.objects.create(
        kind=kind,
        subject=str(subject)[:200],
        api=api,
        application=application,
        subscription=subscription,
        business_plan=business_plan,
        wanted=wanted,
        asked_by=actor.person,
        asked_by_name=actor.person.get_username(),
    )
    detail = {_IN_HISTORY.get(name, name): value for name, value in wanted.items()}
    record(actor, f"ask_{kind.value}", subject, api=api, approval=str(approval.pk), **detail)
    return approval


def ask_for_subscription(actor: Actor, subscription: Subscription) -> Approval:
    """A subscription on hold asks for its plan."""
    return ask(
        actor, Approval.Kind.SUBSCRIPTION, subscription, api=subscription.api, application=subscription.application,
        subscription=subscription, business_plan=subscription.business_plan,
        plan=subscription.business_plan.name,
    )  # fmt: skip


def ask_for_plan(actor: Actor, subscription: Subscription, plan: BusinessPlan) -> Approval:
    """A subscription asks for another plan; until it is approved, the one it has counts."""
    return ask(
        actor, Approval.Kind.PLAN_CHANGE, subscription, api=subscription.api, application=subscription.application,
        subscription=subscription, business_plan=plan, before=subscription.business_plan.name, after=plan.name,
    )  # fmt: skip


def ask_for_transition(actor: Actor, api: Api, action: str, checklist: Iterable[str]) -> Approval:
    """An API asks for a step of its lifecycle, in the place of what it asked for before."""
    withdraw_waiting(actor, api=api)
    vars(api)["step_waits"] = True  # what a page knew before (apis.selectors_pages) holds no more
    return ask(actor, Approval.Kind.TRANSITION, api, api=api, action=str(action), checklist=sorted(checklist))


def ask_for_application(actor: Actor, application: Application) -> Approval:
    """An application asks to be one."""
    return ask(actor, Approval.Kind.APPLICATION, application, application=application, plan=application.plan.name)


def deployment_asked(actor: Actor, revision: Revision, environments: Sequence[Any]) -> bool:
    """A revision asks to be deployed where that waits for approval, in the place of what its API asked for before.

    Args:
        environments: as `publishing.revision_deploy` takes them.

    Returns: whether it had to ask.
    """
    api = revision.api
    withdraw_waiting(actor, api=api, kind=Approval.Kind.DEPLOYMENT)
    if not deployment_waits(actor):
        return False
    ask(
        actor, Approval.Kind.DEPLOYMENT, f"{revision} of {api}", api=api,
        revision=revision.number, environments=list(environments),
    )  # fmt: skip
    return True


def require_approved(application: Application) -> None:
    """Raises: Conflict for an application that waits for approval, or was rejected: it has no keys or subscriptions."""
    if application.state != Application.State.APPROVED:
        waits = application.state == Application.State.ON_HOLD
        why = "waits for an administrator's approval" if waits else "was rejected by an administrator"
        raise Conflict(f"{application} {why}.", code=f"application_{application.state}")


def settle(actor: Actor, approval: Approval, state: Approval.State, reason: str = "") -> None:
    """Write down what became of a request, and who did it."""
    approval.state = state
    approval.reason = reason
    approval.decided_by, approval.decided_by_name = actor.person, actor.person.get_username()
    approval.decided_at = timezone.now()
    approval.save(update_fields=["state", "reason", "decided_by", "decided_by_name", "decided_at"])


def withdraw_waiting(
    actor: Actor,
    *,
    subscription: Subscription | None = None,
    application: Application | None = None,
    api: Api | None = None,
    kind: Approval.Kind = Approval.Kind.TRANSITION,
) -> bool:
    """Take back what waits for a subscription, an application or an API, which is held. Returns: whether any did.

    Args:
        kind: of what an API asked for.
    """
    about = Q(api=api, kind=kind)
    if subscription or application:
        about = Q(subscription=subscription) if subscription else Q(application=application)
    rows = Approval.objects.select_for_update(of=("self",)).filter(about, state=Approval.State.WAITING)
    waiting = list(rows.order_by("pk"))
    for approval in waiting:
        settle(actor, approval, Approval.State.WITHDRAWN)
        record(actor, "withdraw_request", approval.subject, api=approval.api, kind=approval.kind)
    return bool(waiting)
