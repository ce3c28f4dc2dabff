"""Administrators decide what waits for them; who asked may take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import transaction

from apis.errors import Conflict, Forbidden, Invalid
from apis.lifecycle import LABELS, SUBSCRIBABLE, State
from apis.models import Approval, Subscription
from apis.permissions import Actor, owns
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.requests import settle
from apis.services.terms import terms_begin, terms_change
from apis.validators import text_problem

REASON_LIMIT: Final = 500  # characters, as the column has
DECISIONS: Final = {"approve": Approval.State.APPROVED, "reject": Approval.State.REJECTED}


@transaction.atomic
def approval_decide(*, actor: Actor, approval: Approval, decision: str, reason: str = "") -> Approval:
    """Approve or reject what waits; it holds for new handshakes at once.

    Args:
        decision: "approve" or "reject".
        reason: for who asked; may be empty.

    Raises: Forbidden for anybody but administrators; Invalid; Conflict (`already_decided`) where somebody was faster,
        or where what is asked for is not possible any more.
    """
    actor.require(Capability.ADMINISTER)
    problems = {
        "decision": "" if decision in DECISIONS else f"This should be one of: {', '.join(DECISIONS)}.",
        "reason": text_problem(reason, REASON_LIMIT, "Reason"),
    }
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)
    subscription = _held_subscription(approval)
    _hold_waiting(approval)
    before, after = _apply(actor, approval, subscription, decision)
    settle(actor, approval, DECISIONS[decision], reason)
    record(
        actor, f"{decision}_request", approval.subject, api=approval.api, kind=approval.kind, before=before,
        after=after, reason=reason, asked_by=approval.asked_by_name,
    )  # fmt: skip
    return approval


@transaction.atomic
def approval_withdraw(*, actor: Actor, approval: Approval) -> Approval:
    """Take a request back: who asked, or the owner of its application. A subscription that waited is gone then.

    Raises: Forbidden; Conflict (`already_decided`).
    """
    mine = approval.asked_by_id == actor.person.pk or (approval.application and owns(actor, approval.application))
    if not mine:
        raise Forbidden("Only who asked for it takes it back.")
    subscription = _held_subscription(approval)
    _hold_waiting(approval)
    settle(actor, approval, Approval.State.WITHDRAWN)
    record(actor, "withdraw_request", approval.subject, api=approval.api, kind=approval.kind)
    if approval.kind == Approval.Kind.SUBSCRIPTION and subscription is not None:
        key = subscription.pk
        subscription.delete()
        announce("subscription", key)
        approval.refresh_from_db()
    return approval


def _held_subscription(approval: Approval) -> Subscription | None:
    """The subscription that a request is about, locked first; None where there is none any more."""
    rows = Subscription.objects.select_for_update(of=("self",)).select_related(
        "api__version_set", "application__owner", "business_plan"
    )
    return rows.filter(pk=approval.subscription_id).first() if approval.subscription_id else None


def _hold_waiting(approval: Approval) -> None:
    """Lock a request. Raises: Conflict unless it still waits."""
    hold(approval)
    if not approval.is_waiting:
        done = Approval.State(approval.state).label.lower()
        raise Conflict(f"{approval.decided_by_name} has {done} this request already.", code="already_decided")


def _apply(actor: Actor, approval: Approval, subscription: Subscription | None, decision: str) -> tuple[str, str]:
    """Do what was decided. Returns: (before, after) of what it is about, in words. Raises: Conflict."""
    if subscription is None:
        raise Conflict("What was asked for is not there any more.", code="already_decided")
    return _KINDS[Approval.Kind(approval.kind)](actor, approval, subscription, decision == "approve")


def _decide_subscription(
    actor: Actor, approval: Approval, subscription: Subscription, approved: bool
) -> tuple[str, str]:
    before, api = subscription.state, subscription.api
    if approved and api.state not in SUBSCRIBABLE:
        raise Conflict(f"{api} is {LABELS[State(api.state)]} and takes no new subscriptions.", code="not_subscribable")
    subscription.state = Subscription.State.UNBLOCKED if approved else Subscription.State.REJECTED
    subscription.save(update_fields=["state", "updated_at"])
    terms_change([subscription])
    announce("subscription", subscription.pk)
    return before, subscription.state


def _decide_plan(actor: Actor, approval: Approval, subscription: Subscription, approved: bool) -> tuple[str, str]:
    before = subscription.business_plan.name
    if not approved:
        return before, before
    if approval.business_plan is None:
        raise Conflict("The plan that was asked for is not there any more.", code="plan_missing")
    terms_begin([subscription])
    subscription.business_plan = approval.business_plan
    subscription.save(update_fields=["business_plan", "updated_at"])
    terms_change([subscription])
    announce("subscription", subscription.pk)
    return before, subscription.business_plan.name


_KINDS: Final[dict[Approval.Kind, Callable[[Actor, Approval, Subscription, bool], tuple[str, str]]]] = {
    Approval.Kind.SUBSCRIPTION: _decide_subscription,
    Approval.Kind.PLAN_CHANGE: _decide_plan,
}
