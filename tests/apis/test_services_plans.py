"""adam the administrator keeps plans and environments; what is in use stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.models import Api, Application, ApplicationPlan, BusinessPlan, Environment, Person, Subscription
from apis.permissions import Actor
from apis.services import designs, environments, plans
from tests.apis.world import everything, last_entry

EVENTS = {"kind": "events", "amount": 10, "per": "minute"}


def test_a_plan_needs_a_name_only_and_is_unlimited_then(adam: Person) -> None:
    plan = plans.business_plan_create(actor=Actor.of(adam), name="Open")
    assert (plan.limits, plan.burst, plan.max_sessions, plan.on_spent) == ([], None, None, "close")
    assert plan.limit_lines == ["unlimited"]
    assert (last_entry().action, last_entry().detail["kind"]) == ("create_plan", "business plan")


def test_everything_a_business_plan_can_say(adam: Person) -> None:
    actor = Actor.of(adam)
    plan = plans.business_plan_create(
        actor=actor,
        name="Full",
        description="All of it.",
        limits=[EVENTS, {"kind": "bytes", "amount": 5000, "per": "day", "direction": "in"}],
        burst={"amount": 3, "per": "second"},
        max_sessions=2,
        max_session_s=60,
        max_message_bytes=125,
        on_spent="hold",
        stop_on_quota=False,
    )
    plan.refresh_from_db()
    assert plan.limits[0] == {**EVENTS, "direction": "both"}
    assert plan.limit_lines == ["10 events per minute", "5,000 bytes sent per day"]
    plans.business_plan_update(actor=actor, plan=plan, limits=[], burst=None, max_sessions=None)
    plan.refresh_from_db()
    assert (plan.limits, plan.burst, plan.max_sessions, plan.max_session_s) == ([], None, None, 60)
    detail = last_entry().detail
    assert detail["before"]["max_sessions"] == 2
    assert detail["after"] == {"limits": [], "burst": None, "max_sessions": None}


BAD: list[tuple[dict[str, Any], set[str]]] = [
    ({"name": ""}, {"name"}),
    ({"name": "a/b"}, {"name"}),
    ({"description": "\x00"}, {"description"}),
    ({"limits": [EVENTS, {**EVENTS, "amount": 0}]}, {"limits/1/amount"}),
    ({"limits": [EVENTS, EVENTS]}, {"limits"}),
    ({"limits": None}, {"limits"}),
    ({"limits": [{**EVENTS, "amount": 10**400}]}, {"limits/0/amount"}),
    ({"colour": "red"}, {"colour"}),
]
BAD_BUSINESS: list[tuple[dict[str, Any], set[str]]] = [
    ({"burst": {"amount": 1, "per": "day"}}, {"burst/per"}),
    ({"burst": 5}, {"burst"}),
    ({"max_sessions": 0}, {"max_sessions"}),
    ({"max_sessions": True}, {"max_sessions"}),
    ({"max_session_s": 10**12}, {"max_session_s"}),
    ({"max_message_bytes": 124}, {"max_message_bytes"}),
    ({"max_message_bytes": 64 * 1024 * 1024 + 1}, {"max_message_bytes"}),
    ({"on_spent": "explode"}, {"on_spent"}),
    ({"stop_on_quota": "yes"}, {"stop_on_quota"}),
    ({"stop_on_quota": None}, {"stop_on_quota"}),
    ({"name": "", "max_sessions": -1}, {"name", "max_sessions"}),
]


@pytest.mark.parametrize(("values", "fields"), [*BAD, *BAD_BUSINESS])
def test_a_bad_business_plan_is_refused_field_by_field(adam: Person, values: dict[str, Any], fields: set[str]) -> None:
    actor = Actor.of(adam)
    bronze = BusinessPlan.objects.get(name="Bronze")
    before = everything()
    for attempt in (
        lambda: plans.business_plan_create(actor=actor, **{"name": "New", **values}),
        lambda: plans.business_plan_update(actor=actor, plan=bronze, **values),
    ):
        with pytest.raises(Invalid) as refused:
            attempt()
        assert set(refused.value.fields) == fields
    assert everything() == before


@pytest.mark.parametrize(("values", "fields"), [*BAD, ({"max_sessions": 1}, {"max_sessions"})])
def test_a_bad_application_plan_is_refused_field_by_field(
    adam: Person, values: dict[str, Any], fields: set[str]
) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        plans.application_plan_create(actor=Actor.of(adam), **{"name": "New", **values})
    assert set(refused.value.fields) == fields
    assert everything() == before


def test_a_name_is_taken_within_its_kind_only(adam: Person) -> None:
    actor = Actor.of(adam)
    with pytest.raises(Taken, match="already exists"):
        plans.business_plan_create(actor=actor, name="Bronze")
    with pytest.raises(Taken):
        plans.business_plan_update(actor=actor, plan=BusinessPlan.objects.get(name="Gold"), name="Bronze")
    assert BusinessPlan.objects.filter(name="Gold").exists()
    assert plans.application_plan_create(actor=actor, name="Bronze").name == "Bronze"


def test_a_plan_that_an_api_offers_cannot_be_deleted(adam: Person, chat: Api) -> None:
    before = everything()
    with pytest.raises(Conflict, match="in use by 1 apis"):
        plans.business_plan_delete(actor=Actor.of(adam), plan=BusinessPlan.objects.get(name="Bronze"))
    assert everything() == before


def test_a_plan_that_a_subscription_runs_under_cannot_be_deleted(
    adam: Person, chat: Api, subscription: Subscription
) -> None:
    actor = Actor.of(adam)
    designs.api_update(actor=actor, api=chat, business_plans=["Unlimited"])
    with pytest.raises(Conflict, match="in use by 1 subscriptions"):
        plans.business_plan_delete(actor=actor, plan=subscription.business_plan)


def test_an_application_plan_in_use_cannot_be_deleted(adam: Person, phone: Application) -> None:
    with pytest.raises(Conflict, match="in use by 1 applications"):
        plans.application_plan_delete(actor=Actor.of(adam), plan=phone.plan)


def test_plans_that_nobody_uses_go(adam: Person) -> None:
    actor = Actor.of(adam)
    plans.business_plan_delete(actor=actor, plan=BusinessPlan.objects.get(name="Silver"))
    plans.application_plan_delete(actor=actor, plan=ApplicationPlan.objects.get(name="10PerMin"))
    assert (last_entry().action, last_entry().subject) == ("delete_plan", "10PerMin")


def environment() -> Environment:
    return Environment.objects.get(name="Default")


WRITES: dict[str, Callable[[Actor], object]] = {
    "business_plan_create": lambda actor: plans.business_plan_create(actor=actor, name="New"),
    "business_plan_update": lambda actor: plans.business_plan_update(
        actor=actor, plan=BusinessPlan.objects.get(name="Gold"), description="x"
    ),
    "business_plan_delete": lambda actor: plans.business_plan_delete(
        actor=actor, plan=BusinessPlan.objects.get(name="Gold")
    ),
    "application_plan_create": lambda actor: plans.application_plan_create(actor=actor, name="New"),
    "application_plan_update": lambda actor: plans.application_plan_update(
        actor=actor, plan=ApplicationPlan.objects.get(name="10PerMin"), limits=[]
    ),
    "application_plan_delete": lambda actor: plans.application_plan_delete(
        actor=actor, plan=ApplicationPlan.objects.get(name="10PerMin")
    ),
    "environment_create": lambda actor: environments.environment_create(actor=actor, name="Europe", ws_port=80),
    "environment_update": lambda actor: environments.environment_update(
        actor=actor, environment=environment(), host="example.com"
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_only_administrators_write_plans_and_environments(people: dict[str, Person], write: str) -> None:
    before = everything()
    for name in ("carol", "pia", "paul", "sam", "vic"):
        with pytest.raises(Forbidden, match="administrator role"):
            WRITES[write](Actor.of(people[name]))
    with pytest.raises(Forbidden):
        WRITES[write](Actor.of(people["adam"], ["api:read"]))
    assert everything() == before
    WRITES[write](Actor.of(people["adam"], ["admin"]))
    assert everything() != before


# Environments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"host": ""}, {"host"}),
        ({"host": "http://x"}, {"host"}),
        ({"host": "a..b"}, {"host"}),
        ({"host": "x\x00"}, {"host"}),
        ({"ws_port": 0}, {"ws_port"}),
        ({"wss_port": 65536}, {"wss_port"}),
        ({"ws_port": None, "wss_port": None}, {"ws_port"}),
        ({"region": "eu"}, {"region"}),
    ],
)
def test_a_bad_environment_is_refused(adam: Person, values: dict[str, Any], fields: set[str]) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        environments.environment_update(actor=Actor.of(adam), environment=environment(), **values)
    assert set(refused.value.fields) == fields
    assert everything() == before


@pytest.mark.parametrize("host", ["gateway.example.com", "10.0.0.1", "[::1]", "localhost", "a"])
def test_hosts_that_clients_can_use(adam: Person, host: str) -> None:
    made = environments.environment_create(actor=Actor.of(adam), name="Europe", host=host, wss_port=443)
    assert (made.host, last_entry().action) == (host, "create_environment")


def test_environment_names_are_taken_once(adam: Person) -> None:
    with pytest.raises(Taken):
        environments.environment_create(actor=Actor.of(adam), name="Default", ws_port=80)


def test_an_environment_stays_while_something_is_deployed_there_and_the_last_one_always(
    adam: Person, chat: Api
) -> None:
    actor = Actor.of(adam)
    with pytest.raises(Conflict, match="1 API"):
        environments.environment_delete(actor=actor, environment=environment())
    empty = environments.environment_create(actor=actor, name="Europe", ws_port=80)
    environments.environment_delete(actor=actor, environment=empty)
    chat.deployments.all().delete()
    with pytest.raises(Conflict) as refused:
        environments.environment_delete(actor=actor, environment=environment())
    assert refused.value.code == "last_one"
