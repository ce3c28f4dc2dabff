"""adam makes plans of every kind; APIs, topics and subscriptions take them, and only those who may."""

from __future__ import annotations

from typing import Any

import pytest

from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.models import Api, ApiPlan, Application, BusinessPlan, Change, CustomPlan, Person, Subscription
from apis.permissions import Actor
from apis.selectors_plans import plans_open_to
from apis.services import designs, plans, publishing, subscribing, topics
from tests.apis.world import everything, last_entry

EVENTS = {"kind": "events", "amount": 10, "per": "minute"}
GROUP = {"name": "office", "conditions": [{"type": "ip", "value": "10.0.0.0/8"}], "limits": [EVENTS]}


@pytest.fixture
def calm(adam: Person) -> ApiPlan:
    return plans.api_plan_create(actor=Actor.of(adam), name="Calm", limits=[EVENTS], groups=[GROUP])


def gold_for(adam: Person, **permission: Any) -> BusinessPlan:
    """Bronze is open to some only."""
    bronze = BusinessPlan.objects.get(name="Bronze")
    return plans.business_plan_update(actor=Actor.of(adam), plan=bronze, permission=permission)


def test_an_api_plan_is_completed_and_told_to_gateways(calm: ApiPlan) -> None:
    calm.refresh_from_db()
    assert calm.groups[0]["conditions"] == [{"type": "ip", "name": "", "value": "10.0.0.0/8", "invert": False}]
    assert calm.groups[0]["limits"] == [{**EVENTS, "direction": "both"}]
    assert (last_entry().action, last_entry().detail["kind"]) == ("create_plan", "API plan")
    assert Change.objects.filter(kind="api_plan", subject=str(calm.pk)).exists()
    assert calm.group_lines == [("address is 10.0.0.0/8", "10 events per minute")]


def test_the_name_of_an_api_plan_stays(adam: Person, calm: ApiPlan) -> None:
    actor = Actor.of(adam)
    plans.api_plan_update(actor=actor, plan=calm, name="Calm", limits=[])
    with pytest.raises(Invalid) as refused:
        plans.api_plan_update(actor=actor, plan=calm, name="Loud")
    assert set(refused.value.fields) == {"name"}
    with pytest.raises(Taken):
        plans.api_plan_create(actor=actor, name="Calm")


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"groups": [{**GROUP, "conditions": []}]}, {"groups/0/conditions"}),
        ({"groups": [{**GROUP, "limits": [{**EVENTS, "per": "eon"}]}]}, {"groups/0/limits/0/per"}),
        ({"limits": 7, "key": "{user}"}, {"limits", "key"}),
    ],
)
def test_a_bad_api_plan_is_refused_field_by_field(
    adam: Person, calm: ApiPlan, values: dict[str, Any], fields: set[str]
) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        plans.api_plan_update(actor=Actor.of(adam), plan=calm, **values)
    assert set(refused.value.fields) == fields
    assert everything() == before


def test_a_custom_plan_needs_a_key_and_a_limit(adam: Person) -> None:
    actor = Actor.of(adam)
    for values, fields in (
        ({"limits": [EVENTS]}, {"key"}),
        ({"key": "{moon}", "limits": [EVENTS]}, {"key"}),
        ({"key": "{user}"}, {"limits"}),
    ):
        with pytest.raises(Invalid) as refused:
            plans.custom_plan_create(actor=actor, name="Each", **values)
        assert set(refused.value.fields) == fields
    plan = plans.custom_plan_create(actor=actor, name="Each", key="{user}:{api}", limits=[EVENTS])
    with pytest.raises(Invalid):
        plans.custom_plan_update(actor=actor, plan=plan, limits=[])
    assert plans.custom_plan_update(actor=actor, plan=CustomPlan.objects.get(), enabled=False).limits
    assert Change.objects.filter(kind="custom_plan", subject=str(plan.pk)).count() == 2
    plans.custom_plan_delete(actor=actor, plan=plan)
    assert not CustomPlan.objects.exists()


@pytest.mark.parametrize("who", ["carol", "paul", "pia", "sam", "vic"])
def test_nobody_but_administrators_writes_plans(
    who: str, request: pytest.FixtureRequest, adam: Person, calm: ApiPlan
) -> None:
    own = plans.custom_plan_create(actor=Actor.of(adam), name="Each", key="{user}", limits=[EVENTS])
    actor, before = Actor.of(request.getfixturevalue(who)), everything()
    for attempt in (
        lambda: plans.api_plan_create(actor=actor, name="New"),
        lambda: plans.api_plan_update(actor=actor, plan=calm, limits=[]),
        lambda: plans.api_plan_delete(actor=actor, plan=calm),
        lambda: plans.custom_plan_create(actor=actor, name="New", key="{user}", limits=[EVENTS]),
        lambda: plans.custom_plan_update(actor=actor, plan=own, enabled=False),
        lambda: plans.custom_plan_delete(actor=actor, plan=own),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert everything() == before


# Where API plans are taken -----------------------------------------------------------------------------------------


def test_a_publisher_gives_an_api_a_plan_and_takes_it_off(pia: Person, carol: Person, chat: Api, calm: ApiPlan) -> None:
    designs.api_update(actor=Actor.of(pia), api=chat, api_plan="Calm")
    assert Api.objects.get(pk=chat.pk).api_plan == calm
    assert last_entry().detail == {"before": {"api_plan": None}, "after": {"api_plan": "Calm"}}
    with pytest.raises(Invalid, match="no API plan named"):
        designs.api_update(actor=Actor.of(pia), api=chat, api_plan="Loud")
    with pytest.raises(Forbidden):  # published: its plans are the publisher's
        designs.api_update(actor=Actor.of(carol), api=chat, api_plan=None)
    copy = designs.api_version_create(actor=Actor.of(carol), api=chat, version="9")
    assert copy.api_plan == calm
    designs.api_update(actor=Actor.of(pia), api=chat, api_plan=None)
    assert Api.objects.get(pk=chat.pk).api_plan is None


def test_an_api_plan_stays_while_anything_names_it(adam: Person, chat: Api, calm: ApiPlan) -> None:
    actor = Actor.of(adam)

    def refusal() -> str:
        with pytest.raises(Conflict) as refused:
            plans.api_plan_delete(actor=actor, plan=calm)
        assert refused.value.code == "in_use"
        return str(refused.value)

    designs.api_update(actor=actor, api=chat, api_plan="Calm")
    assert "1 apis" in refusal()
    designs.api_update(actor=actor, api=chat, api_plan=None)
    topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/news", "api_plan": "Calm"}])
    assert "topic /news" in refusal()
    revision = publishing.revision_create(actor=actor, api=chat)
    topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/news"}])
    assert "revision" in refusal()
    publishing.revision_delete(actor=actor, revision=revision)
    plans.api_plan_delete(actor=actor, plan=calm)
    assert not ApiPlan.objects.exists()


def test_a_topic_names_a_plan_that_there_is(carol: Person, chat: Api, calm: ApiPlan) -> None:
    actor = Actor.of(carol)
    with pytest.raises(Invalid) as refused:
        topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/a"}, {"name": "/b", "api_plan": "Loud"}])
    assert set(refused.value.fields) == {"topics/1/api_plan"}
    topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/b", "api_plan": "Calm"}])
    assert publishing.revision_create(actor=actor, api=chat).design["topics"][0]["api_plan"] == "Calm"


# Who may subscribe -------------------------------------------------------------------------------------------------


def test_a_plan_that_is_not_open_to_somebody_is_not_theirs_to_choose(
    adam: Person, sam: Person, chat: Api, phone: Application
) -> None:
    gold_for(adam, mode="allow", roles=["publisher"])
    with pytest.raises(Invalid) as refused:
        subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Bronze")
    assert set(refused.value.fields) == {"business_plan"}
    assert "Bronze;" not in str(refused.value.fields).split("it offers")[1]
    row = subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Unlimited")
    with pytest.raises(Invalid):
        subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=row, business_plan="Bronze")
    assert [plan.name for plan in plans_open_to(Actor.of(sam), chat)] == ["Unlimited"]
    assert [plan.name for plan in plans_open_to(None, chat)] == ["Unlimited"]
    gold_for(adam, mode="deny", roles=["publisher"])
    subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=row, business_plan="Bronze")


def test_who_has_a_plan_keeps_it_when_it_is_closed_to_them(adam: Person, subscription: Subscription) -> None:
    gold_for(adam, mode="deny", roles=["subscriber"])
    subscription.refresh_from_db()
    assert (subscription.state, subscription.business_plan.name) == ("unblocked", "Bronze")


def test_an_administrator_gives_any_plan(adam: Person, subscription: Subscription) -> None:
    gold_for(adam, mode="deny", roles=["subscriber"])
    subscribing.subscription_change_plan(actor=Actor.of(adam), subscription=subscription, business_plan="Unlimited")
    subscribing.subscription_change_plan(actor=Actor.of(adam), subscription=subscription, business_plan="Bronze")


def test_the_terms_tell_what_it_costs_and_what_happens(adam: Person) -> None:
    plan = plans.business_plan_create(
        actor=Actor.of(adam), name="Pro", limits=[EVENTS, {"kind": "seconds", "amount": 3600, "per": "day"}],
        on_spent="drop", notice=True, warn_at=80, billing="commercial", price="9.90", unit_price="0.000010",
        cycle="month",
    )  # fmt: skip
    plan.refresh_from_db()
    assert plan.terms == [
        "10 events per minute",
        "3,600 seconds of connection time per day",
        "when it is spent, messages are dropped until there is room again, and the sender is told",
        "who asks for it is warned at 80 %",
        "9.90 EUR per month and 0.00001 EUR per 1,000 events",
    ]
    assert BusinessPlan.objects.get(name="Bronze").price_line == "free"
