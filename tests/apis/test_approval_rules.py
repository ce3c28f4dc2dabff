"""What else may need approval: steps of the lifecycle and new applications. Off unless adam says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from oauth2_provider.models import Application as OAuthClient

from apis.errors import Conflict, Forbidden, Invalid
from apis.models import Api, Application, Approval, ApprovalRules, Person, Subscription
from apis.permissions import Actor
from apis.services import api_keys, approval_rules, approving, designs, keys, publishing, subscribing
from tests.apis.browsing import Visit, at, page, page_of
from tests.apis.conftest import Rest
from tests.apis.office import at as at_desk
from tests.apis.office import desk
from tests.apis.world import everything, last_entry
from tests.conftest import CHAT


@pytest.fixture
def careful(adam: Person) -> ApprovalRules:
    """Publishing, retiring and new applications need approval."""
    return approval_rules.approval_rules_set(actor=Actor.of(adam), transitions=["retire", "publish"], applications=True)


@pytest.fixture
def design(paul: Person) -> Api:
    """An API of paul's that could be published."""
    return designs.api_create(actor=Actor.of(paul), **CHAT)


def decide(adam: Person, decision: str, reason: str = "") -> Approval:
    approval = Approval.objects.get(state="waiting")
    return approving.approval_decide(actor=Actor.of(adam), approval=approval, decision=decision, reason=reason)


def state_of(api: Api) -> str:
    return Api.objects.get(pk=api.pk).state


# The rules --------------------------------------------------------------------------------------------------------


def test_nothing_needs_approval_unless_adam_says_so(adam: Person) -> None:
    now = approval_rules.rules()
    assert (now.transitions, now.applications) == ([], False)
    approval_rules.approval_rules_set(actor=Actor.of(adam), transitions=["publish"])
    approval_rules.approval_rules_set(actor=Actor.of(adam), applications=True)
    now = approval_rules.rules()
    assert (now.transitions, now.applications) == (["publish"], True)
    assert (last_entry().detail["before"], last_entry().detail["after"]) == (
        {"applications": False}, {"applications": True},
    )  # fmt: skip


def test_only_administrators_make_rules(people: dict[str, Person]) -> None:
    for name, person in people.items():
        if name != "adam":
            with pytest.raises(Forbidden):
                approval_rules.approval_rules_set(actor=Actor.of(person), applications=True)
    assert not ApprovalRules.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"transitions": ["fly"]}, "transitions"),
        ({"transitions": ["publish", "publish"]}, "transitions"),
        ({"transitions": "publish"}, "transitions"),
        ({"transitions": [[]]}, "transitions"),
        ({"applications": "yes"}, "applications"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_rules(adam: Person, values: dict[str, Any], field: str) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        approval_rules.approval_rules_set(actor=Actor.of(adam), **values)
    assert list(refused.value.fields) == [field]
    assert everything() == before


def test_adam_ticks_them_in_the_administration(adam: Person) -> None:
    office = desk(adam)
    rules = at_desk(ApprovalRules, "changelist")
    office.done(office.press(rules, transitions=["publish", "deprecate"], applications="on"))
    now = approval_rules.rules()
    assert (now.transitions, now.applications) == (["publish", "deprecate"], True)


def test_rules_over_rest(rest: Callable[..., Rest], people: dict[str, Person]) -> None:
    assert rest(people["sam"]).get("/approval-rules").ok() == {
        "transitions": [], "applications": False, "production_keys": False, "sandbox_keys": False, "deployments": False,
    }  # fmt: skip
    rest(people["pia"]).patch("/approval-rules", {"applications": True}).refused(403)
    adam = rest(people["adam"])
    assert adam.patch("/approval-rules", {"transitions": ["retire", "publish"]}).ok()["transitions"] == [
        "publish", "retire",
    ]  # fmt: skip
    assert adam.patch("/approval-rules", {"transitions": ["fly"]}).refused(400).keys() == {"#/transitions"}


# Steps of the lifecycle -------------------------------------------------------------------------------------------


def test_paul_asks_to_publish_and_adam_does_it(paul: Person, adam: Person, design: Api, careful: ApprovalRules) -> None:
    asked = publishing.api_transition(actor=Actor.of(paul), api=design, action="publish")
    assert (asked.state, state_of(design)) == ("created", "created")
    approval = Approval.objects.get()
    assert (approval.kind, approval.api, approval.wanted["action"]) == ("transition", design, "publish")
    assert decide(adam, "approve").state == "approved"
    assert state_of(design) == "published"
    assert Api.objects.get(pk=design.pk).deployments.exists()


def test_a_rejected_step_is_not_taken_and_paul_reads_why_until_another_is(
    paul: Person, adam: Person, design: Api, careful: ApprovalRules
) -> None:
    publishing.api_transition(actor=Actor.of(paul), api=design, action="publish")
    decide(adam, "reject")
    assert state_of(design) == "created"
    page = at(design, "lifecycle/")
    assert "adam rejected what paul asked for: Publish." in Visit(paul).see(page).words
    publishing.api_transition(actor=Actor.of(adam), api=design, action="publish")
    assert "adam rejected" not in Visit(paul).see(page).words


def test_what_is_not_possible_any_more_is_refused_and_goes_on_waiting(
    paul: Person, adam: Person, design: Api, careful: ApprovalRules
) -> None:
    publishing.api_transition(actor=Actor.of(paul), api=design, action="publish")
    design.business_plans.clear()
    with pytest.raises(Conflict) as refused:
        decide(adam, "approve")
    assert refused.value.code == "requirements_missing"
    assert Approval.objects.get().state == "waiting"


def test_another_step_takes_the_place_of_the_one_that_waits(
    paul: Person, adam: Person, design: Api, careful: ApprovalRules
) -> None:
    publishing.api_transition(actor=Actor.of(paul), api=design, action="publish")
    publishing.api_transition(actor=Actor.of(paul), api=design, action="prerelease")
    assert (state_of(design), Approval.objects.get().state) == ("prereleased", "withdrawn")
    assert publishing.api_transition(actor=Actor.of(adam), api=design, action="publish").state == "published"


def test_rest_says_202_and_the_portal_says_who_decides(
    rest: Callable[..., Rest], paul: Person, design: Api, careful: ApprovalRules
) -> None:
    answer = rest(paul).post(f"/apis/{design.pk}/transitions", {"action": "publish"}).ok(202)
    assert answer["state"] == "created"
    other = {**CHAT, "name": "Other", "context": "/other"}
    assert rest(paul).post("/apis?publish=true", other).ok(202)["state"] == "created"
    shown = Visit(paul).see(at(design, "lifecycle/"))
    assert "paul asks for: Publish. An administrator decides." in shown.words
    assert "The request is taken back." in Visit(paul).do(at(design, "lifecycle/"), withdraw="yes").words
    said = Visit(paul).do(at(design, "lifecycle/"), action="publish", confirmed="yes").words
    assert "Publish waits for an administrator; until then Chat 1.0.0 is created." in said


# Applications -----------------------------------------------------------------------------------------------------


def test_a_new_application_can_do_nothing_until_it_is_approved(
    sam: Person, adam: Person, chat: Api, careful: ApprovalRules
) -> None:
    actor = Actor.of(sam)
    phone = subscribing.application_create(actor=actor, name="Phone")
    assert phone.state == "on_hold"
    before = everything()
    for act in (
        lambda: keys.keys_generate(actor=actor, application=phone, key_type="production"),
        lambda: keys.token_generate(actor=actor, application=phone, key_type="production"),
        lambda: api_keys.api_key_create(actor=actor, application=phone, key_type="production"),
        lambda: subscribing.subscription_create(actor=actor, api=chat, application=phone, business_plan="Bronze"),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "application_on_hold"
    assert everything() == before
    decide(adam, "approve")
    phone.refresh_from_db()
    keys.keys_generate(actor=actor, application=phone, key_type="production")
    subscribing.subscription_create(actor=actor, api=chat, application=phone, business_plan="Bronze")
    assert (OAuthClient.objects.count(), Subscription.objects.count()) == (1, 1)


def test_sam_reads_that_it_waits_and_why_not(sam: Person, adam: Person, chat: Api, careful: ApprovalRules) -> None:
    Visit(sam).do("/devportal/applications/new", name="Phone", plan="Unlimited")
    phone = Application.objects.get()
    shown = Visit(sam).see(page(phone))
    assert "This application waits for an administrator." in shown.words
    assert "Generate keys" not in shown.buttons
    assert "On hold" in Visit(sam).see("/devportal/applications/").words
    refused = Visit(sam).send(page_of(chat, "subscribe"), application=str(phone.pk), plan="Bronze")
    assert (refused.status, "waits for an administrator's approval" in refused.words) == (409, True)
    decide(adam, "reject", "Which team is this?")
    assert "Which team is this?" in Visit(sam).see(page(phone)).words


def test_an_application_that_waits_is_taken_back_with_its_request(
    rest: Callable[..., Rest], sam: Person, careful: ApprovalRules
) -> None:
    caller = rest(sam)
    assert caller.post("/applications", {"name": "Phone"}).ok(202)["state"] == "on_hold"
    caller.delete(f"/approvals/{Approval.objects.get().pk}").ok(204)
    assert not Application.objects.exists()
    made = caller.post("/applications", {"name": "Phone"}).ok(202)
    caller.delete(f"/applications/{made['id']}").ok(204)
    assert set(Approval.objects.values_list("state", flat=True)) == {"withdrawn"}


def test_applications_that_are_there_stay(phone: Application, careful: ApprovalRules) -> None:
    phone.refresh_from_db()
    assert phone.state == "approved"


def test_an_administrator_asks_nobody(adam: Person, careful: ApprovalRules) -> None:
    assert subscribing.application_create(actor=Actor.of(adam), name="Mine").state == "approved"
