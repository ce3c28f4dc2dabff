"""A plan that is spent: messages are dropped, and who takes no notice of that is closed once."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.frames import ALL
from gateway.core.grading import GRACE_S, TOLERATED
from gateway.core.throttling import Limit
from tests.core.plan_world import Direction, House, Link, Pipe, entitled, running, session


def test_beyond_the_plan_messages_are_dropped_and_count_as_throttled_only() -> None:
    house = House()
    one, link = session(house, running(house, Limit("events", 3, "minute", "in")), on_spent="drop")
    assert Pipe(one).send(*[10] * 8) == 3
    tally = one.tally()
    assert (tally.events_in, tally.bytes_in, tally.throttled) == (3, 30, 5)
    house.now += 60
    assert Pipe(one).send(10, 10) == 2
    assert (link.closed, link.notices) == ([], []), "the plan does not say that anybody is told"


def test_the_sender_is_told_once_in_each_window_and_direction_where_the_plan_says_so() -> None:
    house = House()
    limits = Limit("events", 1, "minute", "in"), Limit("events", 1, "minute", "out")
    one, link = session(house, running(house, *limits), on_spent="drop", notice=True)
    into, out = Pipe(one), Pipe(one, Direction.OUT)
    told = [("in", "events-per-minute-in"), ("out", "events-per-minute-out")]
    for _ in range(3):
        house.now += 15
        for pipe in (into, out):
            pipe.send(1, 1, 1)
            pipe.send(1, 1)
        seen = [(way, notice.pop("limit"), notice) for way, notice in link.notices]
        assert [(way, limit) for way, limit, _ in seen] == told
        assert {str(notice) for *_, notice in seen} == {
            "{'type': 'throttled', 'code': 'quota_exceeded', 'retry_after': 45}"
        }
        link.notices.clear()
        house.now += 45


def test_who_asked_for_notices_is_told_even_where_the_plan_is_silent_and_the_backend_is_not() -> None:
    house = House()
    one, link = session(house, running(house, Limit("events", 1, "minute")), on_spent="drop", notices=True)
    Pipe(one).send(1, 1)
    Pipe(one, Direction.OUT).send(1, 1)
    assert [way for way, _ in link.notices] == ["in"]


def test_a_notice_that_finds_no_gap_is_written_with_the_next_dropped_message() -> None:
    house = House()
    one, link = session(house, running(house, Limit("events", 1, "minute")), on_spent="drop", notice=True)
    link.room = False
    Pipe(one).send(1, 1)
    link.room = True
    assert link.notices == []
    Pipe(one).send(1)
    assert len(link.notices) == 1


def test_a_direction_that_is_closed_to_sam_says_nothing_of_plans() -> None:
    house = House()
    one, link = session(house, running(house, Limit("events", 1, "minute")), on_spent="drop", notice=True)
    one.scanner_in.discard(ALL)
    Pipe(one).send(1, 1, 1)
    assert link.notices == []


def test_a_session_with_compression_is_closed_where_its_plan_begins_to_drop() -> None:
    house = House()
    throttles = running(house, Limit("events", 2, "minute"))
    one, link = session(house, throttles, deflate=True)
    one.replan(entitled(on_spent="drop"), throttles)
    assert Pipe(one).send(1, 1, 1) == 2
    assert [code for code, _ in link.closed] == [4429]


def test_a_window_that_begins_lets_pass_again_at_its_very_first_moment() -> None:
    """Although a direction without credit does not ask for each message."""
    house = House()
    one, _ = session(house, running(house, Limit("events", 5, "minute", "in")), on_spent="drop")
    pipe = Pipe(one)
    house.now += 59.99
    assert pipe.send(*[1] * 9) == 5
    house.now += 0.009
    assert pipe.send(1) == 0
    house.now += 0.001
    assert pipe.send(*[1] * 9) == 5


def test_a_clock_that_is_set_back_leaves_nobody_untold() -> None:
    house = House()
    throttles = running(house, Limit("events", 1, "minute", "in"))
    one, link = session(house, throttles, on_spent="drop", notice=True)
    house.now += 30
    Pipe(one).send(1, 1)
    house.set_by = -7200
    throttles[0].follow(house.clock())
    house.now += 60
    assert Pipe(one).send(1, 1) == 1
    assert len(link.notices) == 2


def test_a_plan_that_grows_lets_pass_again_at_once() -> None:
    house = House()
    throttles = running(house, Limit("bytes", 30, "minute", "in"))
    one, _ = session(house, throttles, on_spent="drop")
    assert Pipe(one).send(20, 20, 20) == 2
    throttles[0].adopt(Limit("bytes", 50, "minute", "in"))
    one.replan(entitled(on_spent="drop"), throttles)
    assert Pipe(one).send(20, 20, 20) == 1


@dataclass
class Client:
    """Somebody who sends under a plan that drops, over a connection with a delay each way.

    Attributes:
        honours: whether it keeps still for as long as it is asked; else it does not even read.
    """

    limit: Limit
    gap_s: float
    delay_s: float
    honours: bool
    sent: int = 0
    still_until: float = 0.0

    def talk(self, seconds: float) -> Link:
        """Send all the time, as allowed; what the gateway said and did to it."""
        house = House()
        one, link = session(house, running(house, self.limit), on_spent="drop", notice=True)
        pipe, numbers, heard = Pipe(one), count(), 0
        due: list[tuple[float, int, str]] = [(house.now, 0, "send")]
        end = house.now + seconds
        while due and not link.closed:
            at, _, what = heapq.heappop(due)
            if at > end:
                break
            house.now = at
            if what == "send":
                if self.honours and at < self.still_until:
                    heapq.heappush(due, (self.still_until, next(numbers), "send"))
                    continue
                self.sent += 1
                heapq.heappush(due, (at + self.delay_s, next(numbers), "arrive"))
                heapq.heappush(due, (at + self.gap_s, next(numbers), "send"))
            elif what == "arrive":
                pipe.send(1)
                for _, notice in link.notices[heard:]:
                    heapq.heappush(due, (at + self.delay_s, next(numbers), str(notice["retry_after"])))
                heard = len(link.notices)
            else:
                self.still_until = max(self.still_until, at + int(what))
        return link


GAPS = st.sampled_from([0.011, 0.03, 0.1, 0.4])


@settings(max_examples=30, deadline=None)
@given(
    amount=st.integers(1, 30),
    per=st.sampled_from(["second", "minute"]),
    gap_s=GAPS,
    delay_s=st.floats(0, GRACE_S / 2 - 0.01),
)
def test_a_client_that_waits_as_long_as_it_is_asked_is_never_closed(
    amount: int, per: str, gap_s: float, delay_s: float
) -> None:
    link = Client(Limit("events", amount, per, "in"), gap_s, delay_s, honours=True).talk(20)
    assert link.closed == []


@settings(max_examples=20, deadline=None)
@given(
    amount=st.integers(1, 20),
    per=st.sampled_from(["second", "minute", "hour"]),
    gap_s=st.sampled_from([0.006, 0.01]),
    delay_s=st.floats(0, 3),
)
def test_a_client_that_takes_no_notice_is_closed_once_and_told_until_when(
    amount: int, per: str, gap_s: float, delay_s: float
) -> None:
    link = Client(Limit("events", amount, per, "in"), gap_s, delay_s, honours=False).talk(60)
    ((code, reason),) = link.closed
    assert (code, reason["code"]) == (4429, "quota_exceeded")
    assert reason["retry_after"] >= 1


@settings(max_examples=40, deadline=None)
@given(amount=st.integers(1, 20), gap_s=GAPS, delay_s=st.floats(0, 2), honours=st.booleans())
def test_nobody_is_told_twice_in_a_window(amount: int, gap_s: float, delay_s: float, honours: bool) -> None:
    link = Client(Limit("events", amount, "second", "in"), gap_s, delay_s, honours).talk(12)
    assert len(link.notices) <= 13


def test_it_is_closed_with_so_many_dropped_messages_and_not_one_before() -> None:
    house = House()
    one, link = session(house, running(house, Limit("events", 1, "hour", "in")), on_spent="drop", notice=True)
    pipe = Pipe(one)
    pipe.send(1, 1)
    house.now += GRACE_S
    pipe.send(*[1] * 1000)
    assert link.closed == [], "all of these were on their way when it was told"
    house.now += 0.1
    pipe.send(*[1] * TOLERATED)
    assert link.closed == []
    pipe.send(1)
    assert [code for code, _ in link.closed] == [4429]


def test_what_a_backend_sends_beyond_the_plan_closes_nobody() -> None:
    house = House()
    one, link = session(house, running(house, Limit("events", 1, "hour", "out")), on_spent="drop", notice=True)
    for _ in range(100):
        Pipe(one, Direction.OUT).send(*[1] * 10)
        house.now += 1
    assert link.closed == []
    assert one.tally().throttled == 999
