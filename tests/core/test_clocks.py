"""Time that is set: durations never hear of it, and no window is opened twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.clocks import SteadyClock
from gateway.core.levels import plan_levels
from gateway.core.snapshot import Entitlement, PlanSnapshot
from gateway.core.throttling import Limit, Throttle
from gateway.core.wheel import SLOT_S, Wheel
from gateway.counters import LocalCounters

NOON = 1_800_000_000.0  # the start of a minute and of an hour
HOUR = 3_600.0


class Machine:
    """A machine whose clock somebody may set."""

    def __init__(self) -> None:
        self.wall = NOON
        self.uptime = 77.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.uptime)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.uptime += seconds


def test_the_steady_clock_hears_of_a_jump_when_it_is_asked_to() -> None:
    machine = Machine()
    machine.passes(10)
    assert machine.clock() == NOON + 10
    machine.wall += HOUR
    assert machine.clock() == NOON + 10
    assert machine.clock.check() == HOUR
    assert machine.clock() == NOON + 10 + HOUR
    assert machine.clock.check() == 0


def test_ordinary_discipline_of_the_clock_is_followed_without_a_word() -> None:
    machine = Machine()
    machine.wall += 0.2
    assert machine.clock.check() == 0
    assert machine.clock() == NOON + 0.2


def counters(machine: Machine, *limits: Limit) -> tuple[LocalCounters, Throttle]:
    made = LocalCounters(machine.clock)
    entitlement = Entitlement("s", "a", "app", "App", "o", business_plan=PlanSnapshot("p", limits=limits))
    throttle = made.of(plan_levels(entitlement, ""))[0]
    throttle.attached += 1  # a live session counts on it
    return made, throttle


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 90.0, -90.0])
@pytest.mark.parametrize("per", ["second", "minute", "hour", "day"])
def test_a_clock_that_is_set_gives_no_window_twice(jump: float, per: str) -> None:
    machine = Machine()
    kept, throttle = counters(machine, Limit("handshakes", 3, per))
    assert throttle.take(3)
    machine.wall += jump
    kept.roll()
    assert not throttle.take(), "nobody has looked at the clock yet"
    assert machine.clock.check() == jump
    kept.follow()
    kept.roll()
    assert not throttle.take()
    assert throttle.start <= machine.clock() < throttle.end, "the window is that of the new time"
    machine.wall -= jump  # somebody sets it right again
    machine.clock.check()
    kept.follow()
    kept.roll()
    assert not throttle.take()
    machine.passes(86_400)
    assert kept.roll()
    assert throttle.take(3), "and ends when that time says so"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 50), st.sampled_from([0.0, HOUR, -HOUR, 61.0, -61.0])), max_size=20))
def test_however_the_clock_is_set_no_more_passes_than_time_that_passed_allows(
    story: list[tuple[float, float]],
) -> None:
    machine = Machine()
    kept, throttle = counters(machine, Limit("handshakes", 5, "minute"))
    taken = 0
    for seconds, jump in story:
        machine.passes(seconds)
        machine.wall += jump
        if machine.clock.check():
            kept.follow()
        kept.roll()
        while throttle.take():
            taken += 1
    began = NOON + sum(seconds for seconds, _ in story)
    # a fair minute for each that has begun in real time, and one for being moved to another part of its minute
    jumps = sum(1 for _, jump in story if jump)
    assert taken <= 5 * ((began - NOON) // 60 + 2 + jumps)


def test_leases_of_live_sessions_stay_leases_when_the_clock_is_set() -> None:
    machine = Machine()
    kept, throttle = counters(machine, Limit("events", 10, "minute"))
    throttle.taken = 10
    machine.wall -= HOUR
    machine.clock.check()
    kept.follow()
    assert throttle.remaining() == 0
    assert kept.next_roll() == throttle.end


# -- the wheel -----------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 500), max_size=30), st.lists(st.floats(0.01, 60), min_size=1, max_size=30))
def test_the_wheel_is_never_early_and_never_later_than_its_slots(moments: list[float], steps: list[float]) -> None:
    wheel = Wheel(1000.0)
    for number, moment in enumerate(moments):
        wheel.add(1000.0 + moment, str(number))
    now = 1000.0
    waiting = set(range(len(moments)))
    for step in steps:
        now += step
        for name in wheel.due(now):
            assert 1000.0 + moments[int(name)] <= now
            waiting.remove(int(name))
        assert all(1000.0 + moments[number] > now - 2 * SLOT_S for number in waiting)
    assert len(wheel) == len(waiting)


def test_who_is_late_is_looked_at_in_the_next_slot() -> None:
    wheel = Wheel(50.0)
    wheel.add(3.0, "long ago")
    assert wheel.due(50.0) == []
    assert wheel.due(50.0 + 2 * SLOT_S) == ["long ago"]
