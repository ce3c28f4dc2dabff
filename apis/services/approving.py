"""Administrators decide what waits for them; who asked may take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from apis.errors import Conflict, Forbidden, Invalid
from apis.lifecycle import LABELS, SUBSCRIBABLE, State
from apis.models import Api, Application, Approval, Subscription
from apis.permissions import Actor, can_manage_subscription, owns
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.publishing import api_transition, revision_deploy
from apis.services.record import announce, record
from apis.services.requests import settle
from apis.services.terms import terms_begin, terms_change
from apis.validators import text_problem
from apis.words import phrase

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
        "decision": ""
        if decision in DECISIONS
        else phrase("This should be one of: {known}.", known=", ".join(DECISIONS)),
        "reason": text_problem(reason, REASON_LIMIT, "Reason"),
    }
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)
    subject = _held_subject(approval)
    _hold_waiting(approval)
    if subject is None:
        raise Conflict("What was asked for is not there any more.", code="already_decided")
    settle(actor, approval, DECISIONS[decision], reason)
    before, after = _KINDS[Approval.Kind(approval.kind)](actor, approval, subject, decision == "approve")
    record(
        actor, f"{decision}_request", approval.subject, api=approval.api, kind=approval.kind, before=before,
        after=after, reason=reason, asked_by=approval.asked_by_name,
    )  # fmt: skip
    return approval


@transaction.atomic
def approval_withdraw(*, actor: Actor, approval: Approval) -> Approval:
    """Take a request back: who asked, or the owner of its application. A subscription that waited is gone then.

    Raises: Forbidden, also where who asked may not ask any more, or by a token whose scopes do not let them; Conflict
        (`already_decided`).
    """
    _require_asker(actor, approval)
    subject = _held_subject(approval)
    _hold_waiting(approval)
    settle(actor, approval, Approval.State.WITHDRAWN)
    record(actor, "withdraw_request", approval.subject, api=approval.api, kind=approval.kind)
    if approval.kind in {Approval.Kind.SUBSCRIPTION, Approval.Kind.APPLICATION} and subject is not None:
        key = subject.pk
        subject.delete()
        announce(approval.kind, key)
        approval.refresh_from_db()
    return approval


def _require_asker(actor: Actor, approval: Approval) -> None:
    if approval.kind == Approval.Kind.TRANSITION:
        actor.require(Capability.PUBLISH_APIS)
    elif approval.kind == Approval.Kind.DEPLOYMENT:
        actor.require(Capability.DEPLOY_APIS)
    else:
        actor.require(Capability.USE_APPLICATIONS, Capability.MANAGE_SUBSCRIPTIONS)
        if approval.application is not None and owns(actor, approval.application):
            return
        if approval.subscription is not None and not can_manage_subscription(actor, approval.subscription):
            raise Forbidden("This subscription is not yours to manage.")
    if approval.asked_by_id != actor.person.pk:
        raise Forbidden("Only who asked for it takes it back.")


def _held_subject(approval: Approval) -> Any:
    """What a request is about, locked before it; None where that is gone."""
    if approval.kind in {Approval.Kind.TRANSITION, Approval.Kind.DEPLOYMENT}:
        rows: QuerySet[Any] = Api.objects.select_related("version_set")
        key = approval.api_id
    elif approval.kind in {Approval.Kind.APPLICATION, Approval.Kind.KEYS}:
        rows, key = Application.objects.select_related("owner"), approval.application_id
    else:
        rows = Subscription.objects.select_related("api__version_set", "application__owner", "business_plan")
        key = approval.subscription_id
    return rows.select_for_update(of=("self",)).filter(pk=key).first() if key else None


def _hold_waiting(approval: Approval) -> None:
    """Lock a request. Raises: Conflict unless it still waits."""
    hold(approval)
    if not approval.is_waiting:
        done = Approval.State(approval.state).label.lower()
        raise Conflict(
            phrase(
                "{decided_by_name} has {done} this request already.",
                decided_by_name=approval.decided_by_name,
                done=done,
            ),
            code="already_decided",
        )


def _decide_subscription(
    actor: Actor, approval: Approval, subscription: Subscription, approved: bool
) -> tuple[str, str]:
    before, api = subscription.state, subscription.api
    if approved and api.state not in SUBSCRIBABLE:
        raise Conflict(
            phrase("{api} is {labels} and takes no new subscriptions.", api=api, labels=LABELS[State(api.state)]),
            code="not_subscribable",
        )
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


def _decide_transition(actor: Actor, approval: Approval, api: Api, approved: bool) -> tuple[str, str]:
    before = api.state
    if approved:
        checklist = dict.fromkeys(approval.wanted["checklist"], True)
        api = api_transition(actor=actor, api=api, action=approval.wanted["action"], checklist=checklist)
    return before, api.state


def _decide_application(actor: Actor, approval: Approval, application: Application, approved: bool) -> tuple[str, str]:
    before = application.state
    application.state = Application.State.APPROVED if approved else Application.State.REJECTED
    application.save(update_fields=["state", "updated_at"])
    announce("application", application.pk)
    return before, application.state


def _decide_keys(actor: Actor, approval: Approval, application: Application, approved: bool) -> tuple[str, str]:
    """Nothing is made yet: the owner makes the keys, and is the only one who sees their secret."""
    return "", approval.wanted["key_type"] if approved else ""


def _decide_deployment(actor: Actor, approval: Approval, api: Api, approved: bool) -> tuple[str, str]:
    number = approval.wanted["revision"]
    if not approved:
        return "", ""
    revision = api.revisions.filter(number=number).first()
    if revision is None:
        raise Conflict("The revision that was asked for is not there any more.", code="revision_missing")
    revision_deploy(actor=actor, revision=revision, environments=approval.wanted["environments"])
    return "", str(revision)


_KINDS: Final[dict[Approval.Kind, Callable[[Actor, Approval, Any, bool], tuple[str, str]]]] = {
    Approval.Kind.SUBSCRIPTION: _decide_subscription,
    Approval.Kind.PLAN_CHANGE: _decide_plan,
    Approval.Kind.TRANSITION: _decide_transition,
    Approval.Kind.APPLICATION: _decide_application,
    Approval.Kind.KEYS: _decide_keys,
    Approval.Kind.DEPLOYMENT: _decide_deployment,
}
