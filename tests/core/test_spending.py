"""What happens when a plan is spent: closed, held or dropped; who is told, warned, and closed for taking no notice."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.frames import ALL
from gateway.core.grading import GRACE_S, TOLERATED
from gateway.core.throttling import FOREVER, Limit
from tests.core.plan_world import NOW, Direction, House, Link, Pipe, entitled, running, session

# Dropping ---------------------------------------------------------------------------------------------------------


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


# Holding ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    amount=st.integers(1, 9),
    bursts=st.lists(st.tuples(st.integers(1, 15), st.floats(0, 40)), min_size=1, max_size=8),
    both=st.booleans(),
)
def test_with_hold_nothing_is_lost_nobody_is_closed_and_no_window_is_overdrawn(
    amount: int, bursts: list[tuple[int, float]], both: bool
) -> None:
    house = House()
    one, link = session(house, running(house, Limit("events", amount, "minute")), on_spent="hold")
    pipes = [Pipe(one), Pipe(one, Direction.OUT)] if both else [Pipe(one)]
    passed: dict[int, int] = {}
    sent = 0

    def note(number: int) -> None:
        window = int(house.now // 60)
        passed[window] = passed.get(window, 0) + number

    def roll() -> None:
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


# Warnings ---------------------------------------------------------------------------------------------------------


def warnings(link: Link) -> list[tuple[str, int]]:
    return [(notice["limit"], notice["left"]) for _, notice in link.notices if notice["type"] == "wsportal.warning"]


@settings(max_examples=60, deadline=None)
@given(amount=st.integers(1, 3000), percent=st.integers(1, 99), sessions=st.integers(1, 4), seed=st.randoms())
def test_a_warning_comes_with_the_very_message_that_reaches_its_mark(
    amount: int, percent: int, sessions: int, seed: object
) -> None:
    house = House()
    throttles = running(house, Limit("events", amount, "day"))
    made = [session(house, throttles, notices=number == 0, warn_at=percent) for number in range(sessions)]
    link = made[0][1]
    mark = -(-amount * percent // 100)
    pipes = [Pipe(one) for one, _ in made]
    for number in range(1, amount + 1):
        seed.choice(pipes).send(1)  # type: ignore[attr-defined]  # a random.Random
        house.pass_time(0)
        assert len(link.notices) == (number >= mark)
    assert warnings(link) == [("events-per-day", amount - mark)]
    assert all(other.notices == [] for _, other in made[1:]), "nobody else asked for it"


def test_a_warning_comes_once_in_each_window_and_for_each_limit() -> None:
    house = House()
    throttles = running(house, Limit("events", 10, "minute"), Limit("bytes", 1000, "hour"))
    one, link = session(house, throttles, notices=True, warn_at=50)
    for _ in range(2):
        Pipe(one).send(*[30] * 9)
        house.pass_time(0)
        house.now += 60
    assert [limit for limit, _ in warnings(link)] == ["events-per-minute", "events-per-minute", "bytes-per-hour"]
    assert link.notices[0][1] == {"type": "wsportal.warning", "left": 1, "reset": 60, "limit": "events-per-minute"}


def test_who_comes_when_the_mark_is_passed_is_warned_at_once() -> None:
    house = House()
    throttles = running(house, Limit("events", 10, "minute"))
    Pipe(session(house, throttles)[0]).send(*[1] * 8)
    one, link = session(house, throttles, notices=True, warn_at=80)
    house.pass_time(0)
    assert warnings(link) == [("events-per-minute", 2)]
    one.replan(entitled(warn_at=90), throttles)
    house.pass_time(0)
    assert len(warnings(link)) == 1


def test_a_warning_waits_for_a_gap_between_two_messages_and_not_beyond_its_window() -> None:
    house = House()
    throttles = running(house, Limit("events", 4, "minute"))
    one, link = session(house, throttles, notices=True, warn_at=50)
    link.room = False
    Pipe(one).send(1, 1, 1)
    house.pass_time(10)
    link.room = True
    assert warnings(link) == []
    house.pass_time(1)
    assert warnings(link) == [("events-per-minute", 1)]
    house.pass_time(50)
    link.room = False
    Pipe(one).send(1, 1, 1)
    house.pass_time(70)
    link.room = True
    house.pass_time(5)
    assert len(warnings(link)) == 1


def test_a_plan_that_gets_or_loses_its_mark_counts_for_live_sessions_and_nothing_is_left_behind() -> None:
    house = House()
    throttles = running(house, Limit("events", 10, "minute"))
    one, link = session(house, throttles, notices=True)
    assert throttles[0].bell is None
    Pipe(one).send(*[1] * 6)
    one.replan(entitled(warn_at=50), throttles)
    house.pass_time(0)
    assert warnings(link) == [("events-per-minute", 4)]
    one.replan(entitled(), throttles)
    assert throttles[0].bell is None
    one.replan(entitled(warn_at=50), throttles)
    one.abandon()
    assert throttles[0].bell is None


# Connection time --------------------------------------------------------------------------------------------------


def test_connection_time_ends_with_4429_and_begins_anew_with_the_next_window() -> None:
    house = House()
    throttles = running(house, Limit("seconds", 100, "hour"))
    _, link = session(house, throttles, on_spent="hold")
    house.pass_time(99)
    assert link.closed == []
    house.pass_time(2)
    ((code, reason),) = link.closed
    assert (code, reason["retry_after"]) == (4429, 3500)
    assert reason["limit"]["kind"] == "seconds"
    assert throttles[0].spent()
    house.now = NOW + 3600
    throttles[0].roll(house.now)
    assert not throttles[0].spent()


@settings(max_examples=60, deadline=None)
@given(
    amount=st.integers(1, 900),
    stays=st.lists(st.tuples(st.floats(0, 300), st.floats(0.01, 400)), min_size=1, max_size=6),
)
def test_connection_time_is_summed_over_sessions_to_the_second(amount: int, stays: list[tuple[float, float]]) -> None:
    """Sessions come and go; all together get what the limit says, but for the second that each has begun."""
    house = House()
    throttles = running(house, Limit("seconds", amount, "hour"))
    moments = sorted([(at, "come", n) for n, (at, _) in enumerate(stays)])
    used = 0.0
    alive: dict[int, tuple[float, Link]] = {}
    made = {}
    while moments:
        at, what, number = moments.pop(0)
        while house.now < NOW + at:  # in small steps, to see when somebody is closed
            house.pass_time(min(0.25, NOW + at - house.now))
            for who, (came, link) in [*alive.items()]:
                if link.closed:
                    used += house.now - came
                    made[who].abandon()
                    del alive[who]
        if what == "come":
            one, link = session(house, throttles)
            made[number], alive[number] = one, (house.now, link)
            moments = sorted([*moments, (at + stays[number][1], "go", number)])
        elif number in alive:
            came, _ = alive.pop(number)
            used += house.now - came
            made[number].abandon()
    assert used <= amount + len(stays) * 0.3
    assert used <= throttles[0].passed() + len(stays) * 0.3
    assert throttles[0].passed() <= min(amount, used + len(stays))


def test_time_that_is_not_used_up_goes_back_and_a_warning_comes_for_time_too() -> None:
    house = House()
    throttles = running(house, Limit("seconds", 200, "day"))
    one, link = session(house, throttles, notices=True, warn_at=50)
    house.pass_time(98)
    assert warnings(link) == []
    house.pass_time(3)
    assert [limit for limit, _ in warnings(link)] == ["seconds-per-day"]
    one.abandon()
    assert 100 <= throttles[0].taken <= 102


def test_a_limit_on_time_costs_no_credit_of_messages() -> None:
    house = House()
    one, _ = session(house, running(house, Limit("seconds", 60, "day")))
    assert one.scanner_in.events == one.scanner_out.octets == FOREVER
    assert one.scanner_in.refill is None


def test_a_plan_gains_and_loses_its_limit_on_time_while_sam_is_connected() -> None:
    house = House()
    throttles = running(house, Limit("seconds", 10, "day"))
    one, link = session(house, [])
    house.pass_time(1000)
    one.replan(entitled(), throttles)
    house.pass_time(4.5)
    one.replan(entitled(), [])
    house.pass_time(100)
    assert link.closed == []
    assert throttles[0].taken == 5
    one.replan(entitled(), throttles)
    house.pass_time(6)
    assert [code for code, _ in link.closed] == [4429]
