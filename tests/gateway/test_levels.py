"""Limits of every level over real sockets: who shares one, which conditions lead to it, and that refusals name it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.sync.client import connect

from apis.models import ApiPlan, CustomPlan
from apis.permissions import Actor
from apis.services import keys, people, subscribing
from tests.gateway.backends import Backend, until
from tests.gateway.test_plans import talk
from tests.gateway.test_topics import design
from tests.gateway.world import Deal, World, closed

FREE = 1_000


def events(amount: int, per: str = "day", **more: str) -> list[dict[str, Any]]:
    return [{"kind": "events", "amount": amount, "per": per, "direction": "in", **more}]


class Administrator:
    """adam, over REST: so that the gateway's very next handshake knows."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._made: list[str] = []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.world.gateway.rest(self.world.people["adam"], method, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def api_plan(self, deal: Deal, **plan: Any) -> dict[str, Any]:
        """Make a plan, and give it to the API."""
        made: dict[str, Any] = self.call("POST", "/api-plans", {"name": f"Of {deal.api.name}", **plan})
        self.call("PATCH", f"/apis/{deal.api.pk}", {"api_plan": made["name"]})
        return made

    def custom_plan(self, **plan: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.call("POST", "/custom-plans", plan)
        self._made.append(made["id"])
        return made

    def tidy(self) -> None:
        """Custom plans count for everybody: none may outlive its test."""
        for key in self._made:
            self.call("DELETE", f"/custom-plans/{key}")


@pytest.fixture
def adam(world: World) -> Any:
    made = Administrator(world)
    yield made
    made.tidy()


def another(world: World, deal: Deal, name: str) -> Deal:
    """A second application of sam's that subscribes to the same API."""
    application = subscribing.application_create(actor=world.actors["sam"], name=f"{name} {deal.api.name}")
    return world.subscribe(deal.api, application, deal.subscription.business_plan.name)


def of_sue(world: World, deal: Deal) -> Deal:
    """An application of somebody else's."""
    name = f"sue-{deal.api.pk}"[:30]
    sue = Actor.of(people.person_create(actor=world.actors["adam"], username=name, roles=["subscriber"]))
    application = subscribing.application_create(actor=sue, name="Own")
    row = subscribing.subscription_create(
        actor=sue, api=deal.api, application=application, business_plan=deal.subscription.business_plan.name
    )
    token, _ = keys.token_generate(actor=sue, application=application, key_type="production")
    return Deal(deal.gateway, deal.api, application, row, token)


# An API and its topics ---------------------------------------------------------------------------------------------


def test_two_applications_spend_one_limit_of_an_api(world: World, backend: Backend, adam: Administrator) -> None:
    deal = world.deal(backend.url)
    plan = adam.api_plan(deal, limits=events(10))
    other = another(world, deal, "Second")
    with deal.connect() as one, other.connect() as two:
        assert talk(one, 4) == 4
        assert talk(two, 20) == 6
        code, reason = closed(two)
        assert (code, reason["limit"]["level"]) == (4429, "api")
    refused = other.knock()
    assert (refused.status, refused.code) == (429, "quota_exceeded")
    assert refused.problem["limit"] == {
        "level": "api", "name": plan["name"], "amount": 10, "per": "day", "kind": "events",
    }  # fmt: skip
    assert '"api-events-per-day-in";r=0' in refused.headers["ratelimit"]
    assert world.deal(backend.url).knock().status == 101  # another API is another counter


def test_a_topic_has_a_counter_of_its_own(world: World, backend: Backend, adam: Administrator) -> None:
    deal = world.deal(backend.url)
    adam.call("POST", "/api-plans", {"name": f"News of {deal.api.name}", "limits": events(3)})
    design(world, deal, {"name": "/news", "api_plan": f"News of {deal.api.name}"}, {"name": "/*"})
    with deal.connect("/news") as news, deal.connect("/rooms") as rooms:
        assert talk(news, 9) == 3
        assert closed(news)[1]["limit"]["level"] == "topic"
        assert talk(rooms, 9) == 9
    assert deal.knock("/news").problem["limit"]["level"] == "topic"


# Conditions --------------------------------------------------------------------------------------------------------

CONDITIONS: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"type": "ip", "value": "127.0.0.0/8"}, {}, ""),
    ({"type": "header", "name": "X-Site", "value": "/^off/"}, {"X-Site": "office"}, ""),
    ({"type": "query", "name": "site", "value": "office"}, {}, "?site=office"),
    ({"type": "claim", "name": "key_type", "value": "sandbox", "invert": True}, {}, ""),
]


@pytest.mark.parametrize(("condition", "headers", "query"), CONDITIONS, ids=lambda one: str(one)[:30])
def test_the_group_that_fits_counts_instead(
    world: World, backend: Backend, adam: Administrator, condition: Any, headers: dict[str, str], query: str
) -> None:
    deal = world.deal(backend.url)
    group = {"name": "office", "conditions": [condition], "limits": events(2)}
    adam.api_plan(deal, limits=events(FREE, "hour"), groups=[group])
    answer = deal.knock(query, **headers)
    assert answer.status == 101
    assert "api-events-per-day-in" in answer.headers["ratelimit-policy"]
    assert "api-events-per-hour-in" not in answer.headers["ratelimit-policy"]
    if headers or query:
        assert "api-events-per-hour-in" in deal.knock().headers["ratelimit-policy"]
    with deal.connect(query, additional_headers=headers) as client:
        assert talk(client, 9) == 2
        assert closed(client)[0] == 4429


# Keys of one's own -------------------------------------------------------------------------------------------------


def test_a_custom_key_counts_each_person_apart(world: World, backend: Backend, adam: Administrator) -> None:
    deal = world.deal(backend.url)
    other = another(world, deal, "Second")
    sues = of_sue(world, deal)
    adam.custom_plan(name=f"Each {deal.api.pk}"[:50], key="{user}:{api}", limits=events(5))
    with deal.connect() as one, other.connect() as two, sues.connect() as three:
        assert talk(one, 3) == 3
        assert talk(two, 9) == 2  # the same person with another application
        assert closed(two)[1]["limit"]["level"] == "custom"
        assert talk(three, 9) == 5
    assert deal.knock().problem["limit"]["level"] == "custom"


def test_a_custom_plan_that_is_off_counts_nobody(world: World, backend: Backend, adam: Administrator) -> None:
    deal = world.deal(backend.url)
    made = adam.custom_plan(name=f"Off {deal.api.pk}"[:50], key="{api}", limits=events(1), enabled=False)
    with deal.connect() as client:
        assert talk(client, 5) == 5
        adam.call("PATCH", f"/custom-plans/{made['id']}", {"enabled": True})
        until(lambda: talk(client, 1) == 0)
        assert closed(client)[0] == 4429


def test_who_comes_without_a_credential_counts_by_address_and_with_everybody(
    world: World, backend: Backend, adam: Administrator
) -> None:
    deal = world.deal(backend.url)
    design(world, deal, {"name": "/news", "security": "none"}, {"name": "/*"})
    adam.api_plan(deal, limits=events(5))
    with deal.connect() as client:
        assert talk(client, 3) == 3
    answer = deal.knock("/news", token="")
    assert answer.status == 101
    assert '"events-per-day"' in answer.headers["ratelimit-policy"]  # of the plan that needs no subscription
    with connect(deal.gateway.url(deal.path + "/news"), proxy=None) as client:
        assert talk(client, 9) == 2
        assert closed(client)[1]["limit"]["level"] == "api"


# What the backend is told ------------------------------------------------------------------------------------------


def test_the_attributes_of_a_plan_are_claims_of_the_assertion(
    world: World, backend: Backend, adam: Administrator
) -> None:
    deal = world.deal(backend.url, plan={"attributes": {"tier": "gold", "x:seats": "7"}})
    adam.call("PUT", f"/apis/{deal.api.pk}/security", {"backend_jwt": True})

    def told() -> dict[str, Any]:
        with deal.connect() as client:
            talk(client, 1)
        text = backend.requests[-1].headers["X-JWT-Assertion"].split(".")[1]
        claims: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return claims

    assert {name: told()[name] for name in ("tier", "x:seats")} == {"tier": "gold", "x:seats": "7"}
    plan = deal.subscription.business_plan
    adam.call("PATCH", f"/business-plans/{plan.pk}", {"attributes": {"tier": "lead"}})
    claims = told()
    assert (claims["tier"], "x:seats" in claims) == ("lead", False)


# The tightest wins -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tight", "level"), [("plan", "subscription"), ("application", "application"), ("api", "api"), ("key", "custom")]
)
def test_the_tightest_wins_and_is_named(
    world: World, backend: Backend, adam: Administrator, tight: str, level: str
) -> None:
    amounts = {name: 3 if name == tight else FREE for name in ("plan", "application", "api", "key")}
    deal = world.deal(
        backend.url, plan={"limits": events(amounts["plan"])}, application_plan=events(amounts["application"])
    )
    adam.api_plan(deal, limits=events(amounts["api"]))
    adam.custom_plan(name=f"Tight {deal.api.pk}"[:50], key="{api}:{ip}", limits=events(amounts["key"]))
    with deal.connect() as client:
        assert talk(client, 9) == 3
        code, reason = closed(client)
        assert (code, reason["limit"]["level"]) == (4429, level)
    problem = deal.knock().problem
    assert (problem["limit"]["level"], problem["limit"]["amount"]) == (level, 3)
    assert problem["limit"]["name"] in problem["detail"]


# Who is connected --------------------------------------------------------------------------------------------------


def test_a_plan_given_to_an_api_counts_for_who_is_connected(
    world: World, backend: Backend, adam: Administrator
) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        assert talk(client, 5) == 5
        made = adam.api_plan(deal, limits=events(2))
        until(lambda: talk(client, 1) == 0)
        assert closed(client)[1]["limit"]["level"] == "api"
    adam.call("PATCH", f"/api-plans/{made['id']}", {"limits": events(FREE)})
    with deal.connect() as client:
        assert talk(client, 9) == 9
        adam.call("PATCH", f"/apis/{deal.api.pk}", {"api_plan": None})
        assert "api-" not in deal.knock().headers.get("ratelimit", "")
        assert talk(client, 5) == 5
    assert ApiPlan.objects.filter(pk=made["id"]).exists()


def test_a_condition_is_remembered_while_its_plan_changes(world: World, backend: Backend, adam: Administrator) -> None:
    deal = world.deal(backend.url)
    group = {"name": "office", "conditions": [{"type": "header", "name": "X-Site", "value": "office"}]}
    made = adam.api_plan(deal, limits=events(FREE), groups=[{**group, "limits": events(FREE)}])
    with ExitStack() as stack:
        inside = stack.enter_context(deal.connect(additional_headers={"X-Site": "office"}))
        outside = stack.enter_context(deal.connect())
        assert talk(inside, 3) == talk(outside, 3) == 3
        adam.call("PATCH", f"/api-plans/{made['id']}", {"groups": [{**group, "limits": events(4)}]})
        until(lambda: talk(inside, 1) == 0)
        assert talk(outside, 9) == 9


def credits_of(adam: Administrator, deal: Deal) -> list[dict[str, Any]]:
    """What its plans leave the live session of a deal."""
    rows = adam.call("GET", f"/sessions?api={deal.api.pk}")["results"]
    return [credit for row in rows for credit in row["credits"]]


def test_an_address_stays_in_its_counter_while_plans_change(
    world: World, backend: Backend, adam: Administrator
) -> None:
    deal = world.deal(backend.url)
    made = adam.custom_plan(name=f"Ip {deal.api.pk}"[:50], key="{ip}:{api}", limits=events(5))
    with deal.connect() as client:
        assert talk(client, 3) == 3
        adam.call("PATCH", f"/custom-plans/{made['id']}", {"name": f"New {deal.api.pk}"[:50], "limits": events(8)})
        until(lambda: [row["left"] for row in credits_of(adam, deal) if row["limit"].startswith("custom-New")] == [5])
        assert talk(client, 20) == 5
        assert closed(client)[1]["limit"]["level"] == "custom"


def test_a_condition_on_the_address_counts_for_who_is_connected(
    world: World, backend: Backend, adam: Administrator
) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        assert talk(client, 3) == 3
        group = {"name": "here", "conditions": [{"type": "ip", "value": "127.0.0.1"}], "limits": events(2)}
        adam.api_plan(deal, limits=events(FREE), groups=[group])
        until(lambda: talk(client, 1) == 0)
        assert closed(client)[0] == 4429


def test_nobody_is_left_with_a_custom_plan(world: World) -> None:
    """What the tests of this file made for everybody is gone."""
    assert not CustomPlan.objects.exists()


def test_plans_of_apis_stay_while_they_are_in_use(world: World, backend: Backend, adam: Administrator) -> None:
    deal = world.deal(backend.url)
    made = adam.api_plan(deal, limits=events(FREE))
    plan = ApiPlan.objects.get(pk=made["id"])
    answer = world.gateway.rest(world.people["adam"], "DELETE", f"/api-plans/{plan.pk}")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_use")
