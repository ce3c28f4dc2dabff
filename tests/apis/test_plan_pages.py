"""API plans in the publisher portal, and business plans in the developer portal: shown to whom they are open."""

from __future__ import annotations

import pytest

from apis.models import Api, ApiPlan, BusinessPlan, Person, Subscription, Topic
from apis.permissions import Actor
from apis.services import designs, plans
from tests.apis.browsing import Browsers, Visit, at, page_of, words

EVENTS = {"kind": "events", "amount": 10, "per": "minute"}
GROUP = {"name": "office", "conditions": [{"type": "ip", "value": "10.0.0.0/8"}], "limits": [EVENTS]}


@pytest.fixture
def calm(adam: Person) -> ApiPlan:
    return plans.api_plan_create(actor=Actor.of(adam), name="Calm", limits=[EVENTS], groups=[GROUP])


def test_a_publisher_chooses_the_api_plan_on_the_runtime_page(
    pia: Person, carol: Person, chat: Api, calm: ApiPlan
) -> None:
    shown = Visit(pia).see(at(chat, "runtime/"))
    assert "10 events per minute where address is 10.0.0.0/8" in shown.words
    assert shown.is_checked("api_plan", "")
    saved = Visit(pia).do(at(chat, "api-plan/"), api_plan="Calm")
    assert "The API plan is Calm." in saved.words
    assert saved.is_checked("api_plan", "Calm")
    theirs = Visit(carol).see(at(chat, "runtime/"))  # published: its plans are the publisher's
    assert "Calm: 10 events per minute" in theirs.words
    assert "Save the API plan" not in theirs.buttons
    assert Visit(carol).send(at(chat, "api-plan/"), api_plan="").status == 403
    assert "no API plan named Loud" in Visit(pia).do(at(chat, "api-plan/"), api_plan="Loud").words
    Visit(pia).do(at(chat, "api-plan/"), api_plan="")
    assert Api.objects.get(pk=chat.pk).api_plan is None


def test_without_api_plans_the_runtime_page_says_who_makes_them(pia: Person, chat: Api) -> None:
    shown = Visit(pia).see(at(chat, "runtime/"))
    assert "There are no API plans yet. An administrator can make one." in shown.words


def test_a_topic_takes_its_plan_in_the_dialog(carol: Person, chat: Api, calm: ApiPlan) -> None:
    dialog = at(chat, "topics/edit")
    assert "Calm: 10 events per minute" in Visit(carol).see(dialog).words
    topic = {"name": "/news", "subscribe": "yes", "publish": "yes", "url_mapping": "", "security": "oauth"}
    assert "API plan Calm" in Visit(carol).do(dialog, **topic, api_plan="Calm").words
    assert Topic.objects.get(api=chat, name="/news").api_plan == "Calm"
    refused = Visit(carol).send(f"{dialog}?name=/news", **topic, api_plan="Loud")
    assert refused.status == 400
    assert "no API plan named Loud" in refused.beside("api_plan")


def only_for(adam: Person, mode: str, *roles: str) -> None:
    bronze = BusinessPlan.objects.get(name="Bronze")
    plans.business_plan_update(actor=Actor.of(adam), plan=bronze, permission={"mode": mode, "roles": list(roles)})


def test_a_plan_is_hidden_from_whom_it_is_not_open_to(
    visit: Browsers, adam: Person, sam: Person, chat: Api, phone: object
) -> None:
    only_for(adam, "deny", "subscriber")
    for person in (sam, None):
        assert "Bronze" not in words(visit(person).get(page_of(chat)))
    answer = visit(sam).post(page_of(chat, "subscribe"), {"application": str(phone.pk), "plan": "Bronze"})  # type: ignore[attr-defined]
    assert answer.status_code == 400
    assert not Subscription.objects.exists()


def test_an_api_without_a_plan_for_somebody_says_so(visit: Browsers, adam: Person, sam: Person, chat: Api) -> None:
    designs.api_update(actor=Actor.of(adam), api=chat, business_plans=["Bronze"])
    only_for(adam, "allow", "creator")
    assert "no business plan to people of your roles" in words(visit(sam).get(page_of(chat)))


def test_who_has_such_a_plan_keeps_it_and_may_change(
    visit: Browsers, adam: Person, sam: Person, chat: Api, subscription: Subscription
) -> None:
    only_for(adam, "deny", "subscriber")
    shown = words(visit(sam).get(page_of(chat)))
    assert "Bronze" in shown
    visit(sam).post(f"/devportal/subscriptions/{subscription.pk}/plan", {"plan": "Unlimited"})
    subscription.refresh_from_db()
    assert subscription.business_plan.name == "Unlimited"


def test_the_terms_of_a_plan_stand_on_the_apis_page(visit: Browsers, adam: Person, sam: Person, chat: Api) -> None:
    bronze = BusinessPlan.objects.get(name="Bronze")
    plans.business_plan_update(
        actor=Actor.of(adam), plan=bronze, billing="commercial", price="9.90", on_spent="drop", notice=True, warn_at=90
    )
    shown = words(visit(sam).get(page_of(chat)))
    assert "9.90 EUR per month" in shown
    assert "Bronze: 1,000 events per minute; 9.90 EUR per month" in shown  # where one is chosen
    assert "messages are dropped until there is room again, and the sender is told" in shown
