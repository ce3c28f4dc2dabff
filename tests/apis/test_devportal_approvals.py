"""sam asks for a plan that needs approval: what the developer portal tells him while he waits, and afterwards."""

from __future__ import annotations

import pytest

from apis.models import Api, Application, Approval, BusinessPlan, Person, Subscription
from apis.permissions import Actor
from apis.services import approving, plans, subscribing
from tests.apis.browsing import Visit, page, page_of


@pytest.fixture
def careful(adam: Person, chat: Api) -> BusinessPlan:
    """Bronze, which Chat offers, needs approval now."""
    plan = BusinessPlan.objects.get(name="Bronze")
    return plans.business_plan_update(actor=Actor.of(adam), plan=plan, approval=True)


@pytest.fixture
def asked(sam: Person, phone: Application, chat: Api, careful: BusinessPlan) -> Subscription:
    """sam's subscription to Chat, on hold."""
    return subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Bronze")


def decide(adam: Person, decision: str, reason: str = "") -> None:
    approval = Approval.objects.get(state="waiting")
    approving.approval_decide(actor=Actor.of(adam), approval=approval, decision=decision, reason=reason)


def plan_page(row: Subscription) -> str:
    return f"/devportal/subscriptions/{row.pk}/plan"


def test_a_plan_that_needs_approval_says_so_before_anybody_asks(sam: Person, chat: Api, careful: BusinessPlan) -> None:
    for visit in (Visit(), Visit(sam)):
        assert "Needs approval: an administrator says yes" in visit.see(page_of(chat)).words
    assert "Bronze: 1,000 events per minute; needs approval" in Visit(sam).see(page_of(chat)).words


def test_sam_asks_and_reads_what_happens_next(
    sam: Person, phone: Application, chat: Api, careful: BusinessPlan
) -> None:
    shown = Visit(sam).do(page_of(chat, "subscribe"), application=str(phone.pk), plan="Bronze")
    for text in (
        "Phone asks for Chat 1.0.0 with Bronze: an administrator decides.",
        "Bronze: waits for an administrator.",
        "Waits for approval",
        "the gateway refuses its connections; you can generate keys already",
        "Refused until the subscription is approved.",
        "The gateway refuses Phone until an administrator has approved its subscription.",
    ):
        assert text in shown.words, text
    assert "Go to the keys of Phone" in shown.buttons
    assert "Withdraw" in shown.buttons
    assert "Generate token" not in shown.buttons


def test_keys_can_be_made_meanwhile_and_the_page_says_what_they_are_good_for(sam: Person, asked: Subscription) -> None:
    here = page(asked.application)
    assert "until an administrator has approved the subscription: Chat 1.0.0" in Visit(sam).see(here).words
    Visit(sam).send(f"{here}keys/production/generate", grant_types=["client_credentials"])
    shown = Visit(sam).see(page_of(asked.api))
    assert "Generate token" not in shown.buttons
    assert "Refused until the subscription is approved." in shown.words


def test_once_approved_the_way_goes_on(sam: Person, adam: Person, asked: Subscription) -> None:
    decide(adam, "approve")
    shown = Visit(sam).see(page_of(asked.api))
    assert "Subscribe (done)" in shown.words
    assert "Active" in shown.words
    assert "Waits for approval" not in shown.words


def test_a_rejection_gives_its_reason_and_the_way_to_ask_again(sam: Person, adam: Person, asked: Subscription) -> None:
    decide(adam, "reject", "Please sign <the> contract")
    for here in (page_of(asked.api), page(asked.application)):
        shown = Visit(sam).see(here)
        assert "Rejected" in shown.words
        assert "Please sign <the> contract" in shown.words
        assert "Remove" in shown.buttons
    answer = Visit(sam).do(page_of(asked.api, "subscribe"), application=str(asked.application_id), plan="Unlimited")
    assert "Phone is subscribed to Chat 1.0.0 with Unlimited." in answer.words
    assert Subscription.objects.get().state == "unblocked"


def test_sam_withdraws(sam: Person, asked: Subscription) -> None:
    here = f"/devportal/subscriptions/{asked.pk}/remove"
    assert "Take back what Phone asks for" in Visit(sam).see(here).words
    assert "asks for Chat 1.0.0 no longer" in Visit(sam).do(here, **{"from": "api"}).words
    assert not Subscription.objects.exists()
    assert Approval.objects.get().state == "withdrawn"


def test_a_change_of_plan_is_shown_while_it_waits_and_can_be_cancelled(
    sam: Person, adam: Person, subscription: Subscription
) -> None:
    unlimited = BusinessPlan.objects.get(name="Unlimited")
    plans.business_plan_update(actor=Actor.of(adam), plan=unlimited, approval=True)
    visit, form = Visit(sam), {"from": "application"}
    shown = visit.do(plan_page(subscription), plan="Unlimited", **form)
    assert "asks for Unlimited; until an administrator has decided, Bronze counts" in shown.words
    for here in (page_of(subscription.api), page(subscription.application)):
        assert "Asks for Unlimited: an administrator decides. Until then Bronze counts." in visit.see(here).words
        assert "Cancel the request" in visit.see(here).buttons
    assert "asks for Unlimited no longer" in visit.do(plan_page(subscription), plan="Bronze", **form).words
    assert Approval.objects.get().state == "withdrawn"
    visit.do(plan_page(subscription), plan="Unlimited", **form)
    decide(adam, "reject", "Too early")
    said = visit.see(page(subscription.application)).words
    assert "The change to Unlimited was rejected" in said
    assert "Too early" in said


def test_another_plan_without_approval_ends_the_waiting(sam: Person, asked: Subscription) -> None:
    shown = Visit(sam).do(plan_page(asked), plan="Unlimited", **{"from": "api"})
    assert "now has the plan Unlimited" in shown.words
    assert Subscription.objects.get().state == "unblocked"


def test_eve_sees_nothing_of_it(eve: Person, asked: Subscription) -> None:
    assert Visit(eve).see(f"/devportal/subscriptions/{asked.pk}/remove").status == 404
    assert "Phone" not in Visit(eve).see(page_of(asked.api)).words
