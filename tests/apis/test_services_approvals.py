"""A plan that needs approval: sam asks, adam decides, and until then there is no subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis import selectors, selectors_approvals
from apis.errors import Conflict, Forbidden, Invalid, Missing, ServiceError
from apis.models import Api, Application, Approval, BusinessPlan, Person, Subscription, SubscriptionTerm
from apis.permissions import Actor
from apis.services import approving, designs, plans, publishing, subscribing
from tests.apis.world import everything, last_entry

Kind, State = Approval.Kind, Approval.State


@pytest.fixture
def careful(adam: Person, chat: Api) -> BusinessPlan:
    """Bronze, which Chat offers, needs approval now."""
    plan = BusinessPlan.objects.get(name="Bronze")
    return plans.business_plan_update(actor=Actor.of(adam), plan=plan, approval=True)


@pytest.fixture
def asked(sam: Person, phone: Application, chat: Api, careful: BusinessPlan) -> Subscription:
    """sam's subscription to Chat, on hold."""
    return subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Bronze")


@pytest.fixture
def moving(sam: Person, phone: Application, chat: Api, careful: BusinessPlan) -> Subscription:
    """sam's subscription under Unlimited, which asks for Bronze."""
    row = subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Unlimited")
    return subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=row, business_plan="Bronze")


def request_of(row: Subscription) -> Approval:
    return Approval.objects.get(subscription=row, state=State.WAITING)


def fresh(row: Subscription) -> Subscription:
    return Subscription.objects.select_related("business_plan").get(pk=row.pk)


def decide(adam: Person, approval: Approval, decision: str, reason: str = "") -> Approval:
    return approving.approval_decide(actor=Actor.of(adam), approval=approval, decision=decision, reason=reason)


# Asking -----------------------------------------------------------------------------------------------------------


def test_a_subscription_under_such_a_plan_is_on_hold_and_somebody_is_asked(asked: Subscription, sam: Person) -> None:
    approval = request_of(asked)
    assert asked.state == "on_hold"
    assert not asked.has_right
    assert (approval.kind, approval.asked_by, approval.subject) == (Kind.SUBSCRIPTION, sam, "Phone on Chat 1.0.0")
    assert approval.wanted == {"plan": "Bronze"}
    assert (last_entry().action, last_entry().api) == ("ask_subscription", asked.api)


def test_nothing_is_billed_before_it_is_approved(asked: Subscription, adam: Person) -> None:
    plans.business_plan_update(actor=Actor.of(adam), plan=asked.business_plan, description="Other words")
    assert not SubscriptionTerm.objects.exists()
    decide(adam, request_of(asked), "approve")
    term = SubscriptionTerm.objects.get()
    assert term.began_at > asked.created_at
    assert (term.plan, term.ended_at) == ("Bronze", None)


def test_an_administrator_asks_nobody(adam: Person, phone: Application, chat: Api, careful: BusinessPlan) -> None:
    made = subscribing.subscription_create(actor=Actor.of(adam), api=chat, application=phone, business_plan="Bronze")
    assert made.state == "unblocked"
    assert not Approval.objects.exists()


def test_subscriptions_that_are_there_when_a_plan_begins_to_need_approval_stay(
    subscription: Subscription, careful: BusinessPlan
) -> None:
    assert fresh(subscription).state == "unblocked"


@pytest.mark.parametrize("act", [
    lambda actor, row: subscribing.subscription_block(actor=actor, subscription=row),
    lambda actor, row: subscribing.subscription_unblock(actor=actor, subscription=row),
])  # fmt: skip
def test_nobody_gets_past_the_approval_by_unblocking(
    people: dict[str, Person], asked: Subscription, act: Callable[[Actor, Subscription], Any]
) -> None:
    before = everything()
    for name in ("pia", "adam"):
        with pytest.raises(Conflict) as refused:
            act(Actor.of(people[name]), asked)
        assert refused.value.code == "subscription_on_hold"
    assert everything() == before


def test_a_new_version_takes_over_no_subscription_that_was_not_approved(asked: Subscription, paul: Person) -> None:
    newer = designs.api_version_create(actor=Actor.of(paul), api=asked.api, version="2.0.0")
    publishing.api_transition(actor=Actor.of(paul), api=newer, action="publish")
    assert not newer.subscriptions.exists()


# Deciding ---------------------------------------------------------------------------------------------------------


def test_only_administrators_decide(people: dict[str, Person], asked: Subscription) -> None:
    approval, before = request_of(asked), everything()
    for name, person in people.items():
        if name != "adam":
            with pytest.raises(Forbidden):
                approving.approval_decide(actor=Actor.of(person), approval=approval, decision="approve")
    assert everything() == before


def test_adam_approves_and_the_subscription_is_one(asked: Subscription, adam: Person) -> None:
    done = decide(adam, request_of(asked), "approve", "Welcome")
    assert (done.state, done.decided_by, done.reason) == (State.APPROVED, adam, "Welcome")
    assert fresh(asked).state == "unblocked"
    entry = last_entry()
    assert (entry.action, entry.api, entry.actor) == ("approve_request", asked.api, adam)
    assert (entry.detail["before"], entry.detail["after"]) == ("on_hold", "unblocked")


def test_adam_rejects_and_sam_reads_why_and_may_ask_again(asked: Subscription, adam: Person, sam: Person) -> None:
    decide(adam, request_of(asked), "reject", "No contract yet")
    rejected = fresh(asked)
    assert rejected.state == "rejected"
    assert rejected.rejection is not None
    assert rejected.rejection.reason == "No contract yet"
    with pytest.raises(Conflict, match="subscribe again"):
        subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=rejected, business_plan="Unlimited")
    again = subscribing.subscription_create(
        actor=Actor.of(sam), api=asked.api, application=asked.application, business_plan="Bronze"
    )
    assert (again.state, Subscription.objects.count()) == ("on_hold", 1)
    assert [row.state for row in Approval.objects.all()] == [State.WAITING, State.REJECTED]


def test_whoever_decides_second_is_told_who_was_first(asked: Subscription, adam: Person) -> None:
    seen_by_one, seen_by_other = request_of(asked), request_of(asked)
    decide(adam, seen_by_one, "approve")
    before = everything()
    for decision in ("reject", "approve"):
        with pytest.raises(Conflict, match="adam has approved this request already") as refused:
            decide(adam, seen_by_other, decision)
        assert refused.value.code == "already_decided"
    assert everything() == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"decision": "maybe"}, "decision"),
        ({"decision": ""}, "decision"),
        ({"decision": "reject", "reason": "x" * 501}, "reason"),
        ({"decision": "reject", "reason": "\x00"}, "reason"),
    ],
)
def test_bad_decisions(asked: Subscription, adam: Person, values: dict[str, str], field: str) -> None:
    approval, before = request_of(asked), everything()
    with pytest.raises(Invalid) as refused:
        approving.approval_decide(actor=Actor.of(adam), approval=approval, **values)
    assert list(refused.value.fields) == [field]
    assert everything() == before


def test_what_is_no_longer_on_offer_can_only_be_rejected(asked: Subscription, adam: Person, paul: Person) -> None:
    publishing.api_transition(actor=Actor.of(paul), api=asked.api, action="deprecate")
    approval = request_of(asked)
    with pytest.raises(Conflict) as refused:
        decide(adam, approval, "approve")
    assert refused.value.code == "not_subscribable"
    with pytest.raises(Conflict) as refused:  # nor is another plan a way in
        subscribing.subscription_change_plan(actor=Actor.of(paul), subscription=asked, business_plan="Unlimited")
    assert refused.value.code == "not_subscribable"
    decide(adam, approval, "reject")
    assert fresh(asked).state == "rejected"


# Taking back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["subscription", "request"])
def test_sam_takes_his_request_back(asked: Subscription, sam: Person, adam: Person, way: str) -> None:
    approval = request_of(asked)
    if way == "subscription":
        subscribing.subscription_delete(actor=Actor.of(sam), subscription=asked)
    else:
        approving.approval_withdraw(actor=Actor.of(sam), approval=approval)
    assert not Subscription.objects.exists()
    assert Approval.objects.get().state == State.WITHDRAWN
    assert not SubscriptionTerm.objects.exists()
    with pytest.raises(Conflict, match="sam has withdrawn"):
        decide(adam, approval, "approve")


def test_nobody_else_takes_it_back(people: dict[str, Person], asked: Subscription) -> None:
    approval, before = request_of(asked), everything()
    for name in ("carol", "pia", "eve", "vic"):
        with pytest.raises(ServiceError):
            approving.approval_withdraw(actor=Actor.of(people[name]), approval=approval)
    assert everything() == before


def test_deleting_the_application_takes_its_requests_back(asked: Subscription, sam: Person) -> None:
    subscribing.application_delete(actor=Actor.of(sam), application=asked.application)
    assert Approval.objects.get().state == State.WITHDRAWN


def test_a_plan_somebody_waits_for_is_in_use(moving: Subscription, adam: Person, careful: BusinessPlan) -> None:
    designs.api_update(actor=Actor.of(adam), api=moving.api, business_plans=["Unlimited"])
    with pytest.raises(Conflict, match="Somebody waits for Bronze"):
        plans.business_plan_delete(actor=Actor.of(adam), plan=careful)


# Changes of plan --------------------------------------------------------------------------------------------------


def test_the_old_plan_counts_until_the_new_one_is_approved(moving: Subscription, adam: Person) -> None:
    assert (moving.state, moving.business_plan.name) == ("unblocked", "Unlimited")
    pending = fresh(moving).pending_plan
    assert pending is not None
    assert pending.name == "Bronze"
    assert last_entry().detail["before"] == "Unlimited"
    decide(adam, request_of(moving), "approve")
    assert fresh(moving).business_plan.name == "Bronze"
    assert fresh(moving).pending_plan is None
    assert [row.plan for row in SubscriptionTerm.objects.order_by("began_at")] == ["Unlimited", "Bronze"]


def test_a_rejected_change_leaves_the_plan(moving: Subscription, adam: Person) -> None:
    decide(adam, request_of(moving), "reject", "Too early")
    row = fresh(moving)
    assert (row.state, row.business_plan.name, row.pending_plan) == ("unblocked", "Unlimited", None)
    assert row.rejection is not None
    assert row.rejection.reason == "Too early"


def test_choosing_the_present_plan_takes_the_request_back(moving: Subscription, sam: Person) -> None:
    subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=moving, business_plan="Unlimited")
    assert Approval.objects.get().state == State.WITHDRAWN
    assert fresh(moving).business_plan.name == "Unlimited"


def test_a_request_on_hold_that_chooses_a_plan_without_approval_waits_no_longer(
    asked: Subscription, sam: Person
) -> None:
    subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=asked, business_plan="Unlimited")
    row = fresh(asked)
    assert (row.state, row.business_plan.name) == ("unblocked", "Unlimited")
    assert Approval.objects.get().state == State.WITHDRAWN
    assert SubscriptionTerm.objects.get().plan == "Unlimited"


def test_a_publisher_who_moves_a_subscription_to_such_a_plan_asks_too(
    pia: Person, subscription: Subscription, adam: Person
) -> None:
    unlimited = BusinessPlan.objects.get(name="Unlimited")
    plans.business_plan_update(actor=Actor.of(adam), plan=unlimited, approval=True)
    subscribing.subscription_change_plan(actor=Actor.of(pia), subscription=subscription, business_plan="Unlimited")
    assert request_of(subscription).asked_by == pia
    assert fresh(subscription).business_plan.name == "Bronze"


def test_a_blocked_subscription_stays_blocked_under_the_approved_plan(
    moving: Subscription, pia: Person, adam: Person
) -> None:
    subscribing.subscription_block(actor=Actor.of(pia), subscription=moving)
    decide(adam, request_of(moving), "approve")
    assert (fresh(moving).state, fresh(moving).business_plan.name) == ("blocked", "Bronze")


# Who sees what ----------------------------------------------------------------------------------------------------


def test_whose_requests_somebody_sees(people: dict[str, Person], asked: Subscription) -> None:
    seen = {name: selectors_approvals.approvals_visible(Actor.of(one)).count() for name, one in people.items()}
    assert seen == {"carol": 1, "pia": 1, "paul": 1, "adam": 1, "sam": 1, "eve": 0, "vic": 0}
    waiting = {name: selectors_approvals.waiting_count(Actor.of(one)) for name, one in people.items()}
    assert waiting == {"adam": 1, "carol": 0, "pia": 0, "paul": 0, "sam": 0, "eve": 0, "vic": 0}
    with pytest.raises(Missing):
        selectors_approvals.approval_get(Actor.of(people["eve"]), request_of(asked).pk)
    assert selectors.subscriptions_visible(Actor.of(people["sam"])).count() == 1
