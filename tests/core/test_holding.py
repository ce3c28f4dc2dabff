"""A plan that holds: nothing is lost, nobody is closed, and what is changed about it counts at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.throttling import Limit
from tests.core.plan_world import NOW, Direction, House, Pipe, entitled, running, session


@settings(max_examples=100, deadline=None)
@given(
    amount=st.integers(1, 9),
    bursts=st.lists(st.tuples(st.integers(1, 15), st.floats(0, 40)), min_size=1, max_size=8),
    both=st.booleans(),
)
def test_with_hold_nothing_is_lost_nobody_is_closed_and_no_window_is_overdrawn(
    amount: int, bursts: list[tuple[int, float]], both: bool
) -> None:
    house = House()
    throttles = running(house, Limit("events", amount, "minute"))
    one, link = session(house, throttles, on_spent="hold")
    pipes = [Pipe(one), Pipe(one, Direction.OUT)] if both else [Pipe(one)]
    passed: dict[int, int] = {}
    sent = 0

    def note(number: int) -> None:
        window = int(house.now // 60)
        passed[window] = passed.get(window, 0) + number

    def roll() -> None:
        throttles[0].roll(house.clock())
        house.roll()
        for pipe in pipes:
            note(pipe.go_on())

    for number, pause_s in bursts:
        before = int(house.now // 60)
        house.now += pause_s
        if int(house.now // 60) != before:
            roll()
        for pipe in pipes:
            sent += number
            note(pipe.send(*[1] * number))
    for _ in range(sent):
        house.now += 60
        roll()
    assert sum(passed.values()) == sent
    assert max(passed.values()) <= amount
    assert (link.closed, one.tally().throttled) == ([], 0)
    assert not any(pipe.rest for pipe in pipes)


def test_who_is_held_is_told_for_how_long_if_they_asked_for_it() -> None:
    house = House()
    throttles = running(house, Limit("events", 1, "minute", "in"))
    for asked, told in ((True, [58]), (False, [])):
        house.now = NOW + 2
        one, link = session(house, throttles, on_spent="hold", notice=True, notices=asked)
        Pipe(one).send(1, 1)
        assert [notice["retry_after"] for _, notice in link.notices] == told


@pytest.mark.parametrize(("becomes", "closed"), [("close", [4429]), ("drop", []), ("hold", [])])
def test_who_is_held_goes_on_by_the_rule_that_the_plan_has_now(becomes: str, closed: list[int]) -> None:
    house = House()
    throttles = running(house, Limit("events", 1, "minute", "in"))
    one, link = session(house, throttles, on_spent="hold")
    pipe = Pipe(one)
    pipe.send(1, 1, 1)
    one.replan(entitled(on_spent=becomes), throttles)
    assert [code for code, _ in link.closed] == closed
    pipe.go_on()
    assert one.scanner_in.discarded == (2 if becomes == "drop" else 0)
    assert bool(one.waiting) == (becomes == "hold")


def test_a_larger_plan_lets_who_is_held_go_on_at_once() -> None:
    house = House()
    throttles = running(house, Limit("events", 1, "minute", "in"))
    one, link = session(house, throttles, on_spent="hold")
    pipe = Pipe(one)
    pipe.send(*[1] * 5)
    throttles[0].adopt(Limit("events", 4, "minute", "in"))
    one.replan(entitled(on_spent="hold"), throttles)
    assert link.resumed == [Direction.IN]
    assert pipe.go_on() == 3
