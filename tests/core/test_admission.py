"""May sam come in? Every check, and the order they are made in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.admission import Admission, MayUse, Room, Standing, WhoIs
from gateway.core.matching import RoutingTable
from gateway.core.rejections import Rejection
from gateway.core.snapshot import (
    ApiSnapshot,
    EndpointSnapshot,
    Entitlement,
    PlanSnapshot,
    Principal,
    Runtime,
    TopicSnapshot,
)
from gateway.core.throttling import Limit, Throttle

NOW = 1_800_000_000.0
PRODUCTION = EndpointSnapshot((("ws://up:1", 1),))
BEARER = ((b"authorization", b"Bearer token"),)


class Case:
    """Everything is in order, unless a test changes it."""

    def __init__(self, **changes: Any) -> None:
        self.headers = changes.pop("headers", BEARER)
        self.path = changes.pop("path", "/echo/1/room")
        topic = TopicSnapshot("/*", scopes=changes.pop("scopes", frozenset()))
        endpoints = changes.pop("endpoints", {"production": PRODUCTION})
        state = changes.pop("state", "published")
        api = ApiSnapshot("api", "Echo", "/echo", "1", "/echo/1", state, (topic,), endpoints)
        self.table = RoutingTable([replace(api, runtime=changes.pop("runtime", Runtime()))])
        self.principal = changes.pop("principal", Principal("oauth", "key", "7", "app", expires_at=NOW + 60))
        self.plan = changes.pop("plan", PlanSnapshot())
        subscription = changes.pop("subscription", "unblocked")
        self.entitlement = Entitlement(
            "sub", "api", "app", "App", "sam", subscription, changes.pop("owner_active", True), self.plan
        )
        if changes.pop("unsubscribed", False):
            self.entitlement = None
        self.standing = Standing(changes.pop("throttles", ()), changes.pop("sessions", 0))
        assert not changes
        self.asked: list[type] = []

    def admit(self) -> Admission:
        admission = Admission(self.headers)
        answers = {WhoIs: self.principal, MayUse: self.entitlement, Room: self.standing}
        steps = admission.steps(self.path, self.headers, self.table, NOW)
        answer = None
        while True:
            try:
                question = steps.send(answer)
            except StopIteration as done:
                self.admitted = done.value
                return admission
            self.asked.append(type(question))
            answer = answers[type(question)]

    def refusal(self) -> Rejection:
        with pytest.raises(Rejection) as caught:
            self.admit()
        return caught.value


def spent() -> Throttle:
    throttle = Throttle(Limit("events", 5, "minute"), NOW)
    throttle.taken = 5
    return throttle


def test_sam_comes_in() -> None:
    case = Case()
    admission = case.admit()
    assert admission.route is not None
    assert (admission.route.rest, admission.endpoint) == ("/room", PRODUCTION)
    assert case.admitted is case.entitlement
    assert case.asked == [WhoIs, MayUse, Room]


# Each row is wrong in everything that comes after it, too: the code names the check that must come first.
TOO_MANY = {"plan": PlanSnapshot(max_sessions=1), "sessions": 1}
ORDER: list[tuple[str, dict[str, Any]]] = [
    ("not_found", {"path": "/nowhere"}),
    ("api_blocked", {"state": "blocked"}),
    ("missing_credentials", {"headers": ()}),
    ("invalid_token", {"principal": None}),
    ("subscription_required", {"unsubscribed": True}),
    ("subscription_blocked", {"subscription": "blocked"}),
    ("wrong_key_type", {"endpoints": {"sandbox": PRODUCTION}}),
    ("insufficient_scope", {"scopes": frozenset({"rooms:read"})}),
    ("quota_exceeded", {"throttles": (spent(),)}),
    ("too_many_connections", TOO_MANY),
]


@pytest.mark.parametrize("row", range(len(ORDER)), ids=[code for code, _ in ORDER])
def test_the_checks_are_made_in_the_order_of_the_contract(row: int) -> None:
    changes: dict[str, Any] = {}
    for _, wrong in reversed(ORDER[row:]):
        changes |= wrong
    assert Case(**changes).refusal().code == ORDER[row][0]


@pytest.mark.parametrize("state", ["prereleased", "published", "deprecated"])
def test_open_states_are_invocable(state: str) -> None:
    Case(state=state).admit()


def test_nobody_has_a_subscription_to_a_created_api() -> None:
    assert Case(state="created").refusal().code == "subscription_required"


def test_a_retired_api_is_not_there_even_if_it_is_still_deployed() -> None:
    assert Case(state="retired").refusal().code == "not_found"


def test_an_expired_token_is_invalid() -> None:
    assert Case(principal=Principal("oauth", "key", expires_at=NOW)).refusal().code == "invalid_token"


@pytest.mark.parametrize(("key_type", "code"), [("production", "subscription_blocked"), ("sandbox", None)])
def test_a_production_block_leaves_the_sandbox_open(key_type: str, code: str | None) -> None:
    principal = Principal("oauth", "key", "7", "app", key_type)
    case = Case(
        subscription="production_blocked",
        principal=principal,
        endpoints=dict.fromkeys(["production", "sandbox"], PRODUCTION),
    )
    if code:
        assert case.refusal().code == code
    else:
        case.admit()


def test_an_application_of_a_disabled_person_is_blocked() -> None:
    assert Case(owner_active=False).refusal().code == "subscription_blocked"


def test_a_missing_scope_is_named() -> None:
    rejection = Case(scopes=frozenset({"a", "b"}), principal=Principal("oauth", "k", scopes=frozenset({"a"}))).refusal()
    assert rejection.detail.endswith("lacks: b.")
    assert rejection.headers == (("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="a b"'),)


def test_a_spent_plan_says_when_to_come_back() -> None:
    fields = dict(Case(throttles=(spent(),)).refusal().headers)
    assert fields["Retry-After"] == "60"
    assert fields["RateLimit"] == '"events-per-minute";r=0;t=60'
    assert fields["RateLimit-Policy"] == '"events-per-minute";q=5;w=60'


def test_a_plan_that_holds_lets_sam_in_to_wait() -> None:
    Case(throttles=(spent(),), plan=PlanSnapshot(on_spent="hold")).admit()


def test_handshakes_are_charged_and_given_back_when_the_upstream_refuses() -> None:
    limit = Throttle(Limit("handshakes", 2, "minute"), NOW)
    tolls = [Case(throttles=(limit,)).admit().toll for _ in range(2)]
    assert Case(throttles=(limit,)).refusal().code == "quota_exceeded"
    tolls[0].undo()
    Case(throttles=(limit,)).admit()


def test_a_refused_handshake_costs_nothing() -> None:
    limit = Throttle(Limit("handshakes", 2, "minute"), NOW)
    Case(throttles=(limit,), **TOO_MANY).refusal()
    Case(throttles=(limit, spent())).refusal()
    assert limit.taken == 0


def test_what_was_known_stays_known_when_the_door_closes() -> None:
    case = Case(subscription="blocked")
    admission = Admission(case.headers)
    steps = admission.steps(case.path, case.headers, case.table, NOW)
    steps.send(None)
    steps.send(case.principal)
    with pytest.raises(Rejection):
        steps.send(case.entitlement)
    assert admission.route is not None
    assert (admission.route.api.api_id, admission.entitlement) == ("api", case.entitlement)


@pytest.mark.parametrize(
    ("runtime", "standing", "words"),
    [
        (Runtime(max_sessions=2), Standing((), 0, 2, 0), "This API allows 2 concurrent sessions."),
        (Runtime(max_sessions_per_ip=1), Standing((), 0, 9, 1), "This API allows an address 1 concurrent session."),
        (
            Runtime(max_sessions_per_application=3),
            Standing((), 3, 9, 3),
            "This API allows an application 3 concurrent sessions.",
        ),
    ],
)
def test_an_api_that_is_full_says_of_what(runtime: Runtime, standing: Standing, words: str) -> None:
    case = Case(runtime=runtime)
    case.standing = standing
    refusal = case.refusal()
    assert (refusal.code, refusal.detail) == ("too_many_connections", words)
    case.standing = Standing((), standing.sessions - 1, standing.at_api - 1, standing.from_address - 1)
    case.admit()


@pytest.mark.parametrize(
    ("api", "plan", "largest", "longest"),
    [(None, None, 1 << 20, None), (5, None, 5, 5), (None, 5, 5, 5), (4, 5, 4, 4), (5, 4, 4, 4), (5 << 20,) * 4],
)
def test_the_tightest_of_api_and_plan_wins_and_the_default_where_neither_says_anything(
    api: int | None, plan: int | None, largest: int, longest: int | None
) -> None:
    runtime = Runtime(max_message_bytes=api, max_session_s=api)
    limits = PlanSnapshot(max_message_bytes=plan, max_session_s=plan)
    assert (runtime.message_bytes(limits), runtime.session_s(limits)) == (largest, longest)
