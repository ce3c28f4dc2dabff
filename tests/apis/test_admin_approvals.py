"""Approvals in the administration: adam sees what waits first, decides with a reason; others only look."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apis.models import Api, Application, Approval, BusinessPlan, Person, Subscription
from apis.permissions import Actor
from apis.services import approving, plans, subscribing
from tests.apis.browsing import words
from tests.apis.office import at, buttons, desk
from tests.apis.world import everything


@pytest.fixture
def waiting(adam: Person, sam: Person, phone: Application, chat: Api) -> Approval:
    """sam asks for Bronze at Chat."""
    bronze = BusinessPlan.objects.get(name="Bronze")
    plans.business_plan_update(actor=Actor.of(adam), plan=bronze, approval=True)
    subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Bronze")
    return Approval.objects.get()


def decided(waiting: Approval, adam: Person) -> Approval:
    """Another request of sam's, older or newer, that was rejected."""
    approving.approval_decide(actor=Actor.of(adam), approval=waiting, decision="reject", reason="No")
    return waiting


def test_adam_ticks_needs_approval_in_the_form_of_a_plan(adam: Person) -> None:
    gold = BusinessPlan.objects.get(name="Gold")
    office = desk(adam)
    office.done(office.press(at(gold), approval="on"))
    gold.refresh_from_db()
    assert gold.approval
    office.done(office.press(at(gold), approval=None))
    gold.refresh_from_db()
    assert not gold.approval


def test_adam_is_told_how_many_wait_and_finds_them_first(
    adam: Person, sam: Person, chat: Api, waiting: Approval
) -> None:
    decided(waiting, adam)
    tablet = subscribing.application_create(actor=Actor.of(sam), name="Tablet")
    subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=tablet, business_plan="Bronze")
    watch = subscribing.application_create(actor=Actor.of(sam), name="Watch")
    last = subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=watch, business_plan="Bronze")
    subscribing.subscription_delete(actor=Actor.of(sam), subscription=last)
    office = desk(adam)
    page = office.open(reverse("admin:index"))
    items = [item for group in page.context["sidebar_navigation"] for item in group["items"]]
    assert next(item for item in items if item["title"] == "Approvals")["badge"] == 1
    assert "1 Waiting for you" in words(page)
    said = words(office.open(at(Approval, "changelist")))
    assert said.index("Tablet on Chat") < said.index("Watch on Chat") < said.index("Phone on Chat")
    for text in ("the plan Bronze", "sam", "for 0", "Withdrawn", "Rejected"):
        assert text in said


def test_adam_approves_with_a_word(adam: Person, waiting: Approval) -> None:
    office = desk(adam)
    page = office.open(at(waiting))
    assert buttons(page) == ["Approve…", "Reject…"]
    form = at(waiting, "decide", "approve")
    assert "sam asks for: the plan Bronze. The application may connect at once" in words(office.open(form))
    assert "Phone on Chat 1.0.0: Approved." in office.done(office.client.post(form, {"reason": "Welcome"}))
    assert Subscription.objects.get().state == "unblocked"
    said = office.open(at(waiting))
    assert buttons(said) == []
    assert "Welcome" in words(said)


def test_adam_rejects_and_too_many_words_are_refused_beside_the_field(adam: Person, waiting: Approval) -> None:
    office = desk(adam)
    form = at(waiting, "decide", "reject")
    assert office.refused(office.client.post(form, {"reason": "x" * 501})).keys() == {"reason"}
    office.done(office.client.post(form, {"reason": "No contract yet"}))
    assert Subscription.objects.get().state == "rejected"
    assert office.client.get(at(waiting, "decide", "perhaps")).status_code == 404


def test_the_second_administrator_is_told_that_the_first_was_faster(adam: Person, waiting: Approval) -> None:
    nina = Person.objects.create_user("nina", roles=["administrator"])
    form = at(waiting, "decide", "approve")
    seen = desk(nina)
    seen.open(form)
    desk(adam).client.post(at(waiting, "decide", "reject"), {"reason": ""})
    late = seen.client.post(form, {"reason": ""})
    assert seen.refused(late, 409) == {"": ["adam has rejected this request already."]}
    assert Subscription.objects.get().state == "rejected"


@pytest.mark.parametrize("name", ["carol", "pia"])
def test_who_sees_apis_sees_what_is_asked_there_and_decides_nothing(
    people: dict[str, Person], waiting: Approval, name: str
) -> None:
    office = desk(people[name])
    assert "Phone on Chat" in words(office.open(at(Approval, "changelist")))
    assert buttons(office.open(at(waiting))) == []
    before = everything()
    answer = office.client.post(at(waiting, "decide", "approve"), {"reason": ""})
    assert office.refused(answer, 403) == {"": ["This needs the administrator role."]}
    assert office.client.post(at(waiting), {"state": "approved"}).status_code == 403
    assert office.client.post(at(waiting, "delete"), {"post": "yes"}).status_code == 403
    assert everything() == before


def test_nobody_else_comes_in(people: dict[str, Person], waiting: Approval) -> None:
    for name in ("sam", "eve", "vic"):
        for address in (at(Approval, "changelist"), at(waiting), at(waiting, "decide", "approve")):
            assert desk(people[name]).client.get(address).status_code in {302, 403}


def test_a_subscription_that_waits_shows_its_request_and_no_way_round_it(pia: Person, waiting: Approval) -> None:
    row = waiting.subscription
    assert row is not None
    page = desk(pia).open(at(row))
    assert buttons(page) == []
    assert "Subscription: Phone on Chat 1.0.0: Waiting" in words(page)
