"""Somebody sets the clock an hour forward or back: lifetimes, tokens, suspensions and limits take no notice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.core.clocks import SteadyClock
from gateway.core.endpoints import Url
from gateway.core.levels import plan_levels
from gateway.core.session import Session
from gateway.core.snapshot import ApiSnapshot, Entitlement, PlanSnapshot, Principal, Runtime, SuspensionPolicy
from gateway.core.suspension import CONNECT_FAILED, DIAL_ERRORS, Suspension
from gateway.core.throttling import Limit
from gateway.registry import Registry, places_of
from gateway.usage import Recorder

HOUR = 3600.0
NOON = 1_800_000_000.0
jumps = pytest.mark.parametrize("jump", [HOUR, -HOUR])


class Link:
    """The corridor's side, written down."""

    over = True  # nothing for the patrol to look at

    def __init__(self) -> None:
        self.closed: list[int] = []

    def close(self, code: int, reason: str = "", *, upstream_code: int = 1001) -> None:
        self.closed.append(code)

    def resume(self, direction: Any) -> None: ...


class Machine:
    """A registry on a machine whose clock can be set, with sam's session."""

    def __init__(self, plan: PlanSnapshot, expires_s: float = 24 * HOUR, **runtime: Any) -> None:
        self.wall, self.uptime = NOON, 50.0
        clock = SteadyClock(lambda: self.wall, lambda: self.uptime)
        self.registry = Registry(Recorder(None, lambda: self.wall), clock)  # type: ignore[arg-type]
        entitlement = Entitlement("sub", "api", "app", "App", "olga", business_plan=plan)
        principal = Principal("oauth", "key", "7", "app", "production", "sam", expires_at=NOON + expires_s)
        api = ApiSnapshot("api", "Echo", "/e", "1", "/e/1", "published", (), {}, runtime=Runtime(**runtime))
        self.throttles = self.registry.counters.of(plan_levels(entitlement, principal.end_user))
        self.session = Session(
            self.registry, session_id="r1", api=api, principal=principal, entitlement=entitlement, client="",
            upstream="", throttles=self.throttles,
        )  # fmt: skip
        self.link = Link()
        self.session.attach(self.link)
        self.registry.enter(places_of("sub", "api", ""))
        self.registry.open(self.session, Url("ws://up", Suspension(SuspensionPolicy())))

    def passes(self, seconds: float, jump: float = 0.0) -> list[int]:
        """Time passes, then somebody sets the clock; the codes that the session was closed with so far."""
        self.wall += seconds + jump
        self.uptime += seconds
        self.registry.look_at_the_clock()
        return self.link.closed


@jumps
async def test_nobody_is_disconnected_and_everybody_in_time(jump: float) -> None:
    machine = Machine(PlanSnapshot(max_session_s=1800))
    assert machine.passes(10, jump) == []
    assert machine.passes(1780) == []
    assert machine.passes(11) == [4408]


@jumps
async def test_a_token_lives_as_long_as_it_was_given(jump: float) -> None:
    machine = Machine(PlanSnapshot(), expires_s=1800)
    assert machine.passes(10, jump) == []
    assert machine.passes(1780, -jump) == []
    assert machine.passes(11) == [4401]


@jumps
async def test_no_plan_is_spent_twice(jump: float) -> None:
    machine = Machine(PlanSnapshot(limits=(Limit("events", 5, "hour", "in"),)))
    purse = machine.session.purse_in
    machine.session.scanner_in.events = 0
    machine.throttles[0].taken = 5
    assert machine.passes(10, jump) == []
    assert not purse.refill(machine.session.scanner_in)
    assert machine.passes(10, -jump) == []
    assert not purse.refill(machine.session.scanner_in)
    machine.passes(HOUR)
    assert purse.refill(machine.session.scanner_in)


@jumps
async def test_control_looks_at_everything_again_because_what_it_remembers_may_be_of_another_time(jump: float) -> None:
    machine = Machine(PlanSnapshot())
    machine.passes(10)
    assert not machine.registry.clock_was_set
    machine.passes(10, jump)
    assert machine.registry.clock_was_set


@jumps
async def test_a_session_is_recorded_as_long_as_it_was(jump: float) -> None:
    machine = Machine(PlanSnapshot())
    machine.passes(30, jump)
    seen: list[Any] = []
    machine.registry.recorder.ended = lambda session, record: None  # type: ignore[method-assign]
    ended = machine.registry.ended
    machine.registry.ended = lambda session, record: (seen.append(record), ended(session, record))  # type: ignore[method-assign,func-returns-value]
    machine.session.ended(SimpleNamespace(initiator="client", code=1000, reason="", how="close"))
    assert seen[0].ended_at - seen[0].started_at == 30
    assert not machine.registry.places


def test_a_suspension_is_a_duration() -> None:
    machine = SteadyClock(lambda: NOON, lambda: 100.0)
    suspension = Suspension(SuspensionPolicy(frozenset(DIAL_ERRORS), initial_s=30.0))
    suspension.failed(CONNECT_FAILED, machine.monotonic())
    assert not suspension.may_try(machine.monotonic() + 29)
    assert suspension.may_try(machine.monotonic() + 31)
