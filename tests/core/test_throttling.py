"""Plans that count: exact over all sessions of a subscription, whatever they do and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.announcing import rate_limit_fields
from gateway.core.throttling import (
    FOREVER,
    Limit,
    Purse,
    Throttle,
    retry_after,
    tightest,
)
from gateway.core.windows import window

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Reader:
    """A scanner's admission rule and nothing else: whole messages only."""

    def __init__(self) -> None:
        self.events = self.octets = 0
        self.messages = self.payload = 0
        self.purse: Purse | None = None

    def grant(self, events: int, octets: int) -> None:
        self.events += events
        self.octets += octets

    def send(self, size: int = 1) -> bool:
        """One message; whether it passed."""
        if (self.events <= 0 or self.octets <= 0 or self.octets < size) and self.purse is not None:
            self.purse.refill(self, size)
        if self.events <= 0 or self.octets <= 0:
            return False
        self.events -= 1
        self.octets -= size
        self.messages += 1
        self.payload += size
        return True

    def go_on(self, size: int) -> None:
        """A further fragment of a message that was let in: it passes, but asks first if it does not fit."""
        if self.octets < size and self.purse is not None:
            self.purse.refill(self, size)
        self.octets -= size
        self.payload += size


def reader_on(clock: Clock, *throttles: Throttle) -> Reader:
    reader = Reader()
    reader.purse = Purse(reader, clock)
    reader.purse.attach(throttles)
    return reader


def events(amount: int, per: str = "minute", direction: str = "both") -> Limit:
    return Limit("events", amount, per, direction)


def octets(amount: int, per: str = "minute", direction: str = "both") -> Limit:
    return Limit("bytes", amount, per, direction)


# Windows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "start", "end"),
    [
        ("second", "2024-02-29T23:59:58", "2024-02-29T23:59:59"),
        ("minute", "2024-02-29T23:59:00", "2024-03-01T00:00:00"),
        ("hour", "2024-02-29T23:00:00", "2024-03-01T00:00:00"),
        ("day", "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
        ("month", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("year", "2024-01-01T00:00:00", "2025-01-01T00:00:00"),
    ],
)
def test_windows_are_aligned_to_the_calendar_in_utc(per: str, start: str, end: str) -> None:
    now = datetime(2024, 2, 29, 23, 59, 58, 500_000, tzinfo=UTC).timestamp()
    assert window(per, now) == tuple(int(datetime.fromisoformat(text + "+00:00").timestamp()) for text in (start, end))


def test_december_ends_with_the_year() -> None:
    now = datetime(2026, 12, 31, tzinfo=UTC).timestamp()
    assert window("month", now)[1] == window("year", now)[1] == datetime(2027, 1, 1, tzinfo=UTC).timestamp()


@given(st.sampled_from(["second", "minute", "hour", "day", "month", "year"]), st.floats(0, 4e9))
def test_every_moment_lies_in_its_window_and_windows_touch(per: str, now: float) -> None:
    start, end = window(per, now)
    assert start <= now < end
    assert window(per, end)[0] == end
    assert window(per, start) == (start, end)


# One plan, several sessions -------------------------------------------------------------------------------------


def test_two_sessions_of_sam_spend_one_plan_to_the_message() -> None:
    clock = Clock()
    plan = Throttle(events(10), clock.now)
    first, second = reader_on(clock, plan), reader_on(clock, plan)
    passed = [reader.send() for _ in range(10) for reader in (first, second)]
    assert passed.count(True) == 10
    assert passed[:10] == [True] * 10, "nobody is refused while there is room"


def test_a_lease_that_lies_unspent_is_called_in_for_somebody_who_needs_it() -> None:
    clock = Clock()
    plan = Throttle(events(100), clock.now)
    idle, busy = reader_on(clock, plan), reader_on(clock, plan)
    assert idle.send()
    assert idle.events > 1, "this test needs a lease that lies idle"
    assert sum(busy.send() for _ in range(200)) == 99


def test_both_plans_count_and_the_tighter_one_stops() -> None:
    clock = Clock()
    business, application = Throttle(events(50, "hour"), clock.now), Throttle(events(20), clock.now)
    reader = reader_on(clock, business, application)
    assert sum(reader.send() for _ in range(60)) == 20
    assert reader.purse is not None
    assert reader.purse.spent_throttles() == [application]
    assert business.passed() == 20
    clock.now += 60
    assert sum(reader.send() for _ in range(60)) == 20
    clock.now += 60
    assert sum(reader.send() for _ in range(60)) == 10


def test_directions_count_apart_where_the_limit_says_so() -> None:
    clock = Clock()
    both, into = Throttle(events(8), clock.now), Throttle(events(3, direction="in"), clock.now)
    receiving, sending = reader_on(clock, both), reader_on(clock, both, into)
    assert sum(sending.send() for _ in range(9)) == 3
    assert sum(receiving.send() for _ in range(9)) == 5


def test_credit_that_was_not_used_comes_back_when_a_session_ends() -> None:
    clock = Clock()
    plan = Throttle(events(1000), clock.now)
    reader = reader_on(clock, plan)
    for _ in range(3):
        assert reader.send()
    assert reader.purse is not None
    reader.purse.close()
    reader.purse.close()
    assert plan.taken == plan.passed() == 3
    assert not plan.holders
    assert plan.attached == 0


def test_an_unlimited_session_never_asks() -> None:
    reader = reader_on(Clock())
    assert reader.events == reader.octets == FOREVER


def test_a_window_that_rolls_takes_the_leases_with_it() -> None:
    clock = Clock()
    minute, day = Throttle(events(10), clock.now), Throttle(events(1000, "day"), clock.now)
    reader = reader_on(clock, minute, day)
    for _ in range(2):
        reader.send()
    clock.now += 60
    assert minute.roll(clock.now)
    assert reader.events == 0
    assert (minute.passed(), day.passed(), day.taken) == (0, 2, 2)
    assert sum(reader.send() for _ in range(20)) == 10


def test_a_clock_set_back_a_little_opens_no_window_twice() -> None:
    plan = Throttle(events(5), NOON)
    assert plan.take(5)
    assert not plan.roll(NOON - 30)
    assert not plan.take()
    assert plan.roll(NOON - 7200), "an hour back is a new clock: nobody waits an hour for a minute's plan"
    assert plan.take()


# Bytes ----------------------------------------------------------------------------------------------------------


def test_bytes_overshoot_by_at_most_one_message_and_it_is_counted() -> None:
    clock = Clock()
    plan = Throttle(octets(1000), clock.now)
    reader = reader_on(clock, plan)
    assert [reader.send(300) for _ in range(6)] == [True, True, True, True, False, False]
    assert plan.passed() == 1200


def test_ten_sessions_together_overshoot_by_at_most_one_message() -> None:
    clock = Clock()
    plan = Throttle(octets(10_000), clock.now)
    readers = [reader_on(clock, plan) for _ in range(10)]
    for _ in range(20):
        for reader in readers:
            reader.send(700)
    total = sum(reader.payload for reader in readers)
    assert 10_000 <= total < 10_700
    assert plan.passed() == total


def test_what_a_begun_message_overdraws_is_charged_to_its_window() -> None:
    clock = Clock()
    plan = Throttle(octets(100), clock.now)
    first, second = reader_on(clock, plan), reader_on(clock, plan)
    assert first.send(90)
    first.go_on(500)
    assert not second.send(1)
    assert plan.passed() == 590
    clock.now += 60
    assert second.send(100)
    assert not first.send(1)


# Changing a plan ------------------------------------------------------------------------------------------------


def test_a_plan_that_grows_lets_more_pass_and_forgets_nothing() -> None:
    clock = Clock()
    plan = Throttle(events(5), clock.now)
    reader = reader_on(clock, plan)
    assert sum(reader.send() for _ in range(9)) == 5
    plan.adopt(events(8))
    assert sum(reader.send() for _ in range(9)) == 3
    plan.adopt(events(2))
    assert not reader.send()


def test_a_quota_and_a_burst_rate_over_the_same_time_are_one_limit() -> None:
    assert tightest([events(100), events(10), octets(5)]) == (events(10), octets(5))


# Handshakes, and what clients are told --------------------------------------------------------------------------


def test_a_handshake_is_charged_at_once_and_given_back_in_its_window_only() -> None:
    plan = Throttle(Limit("handshakes", 1, "minute"), NOON)
    start = plan.start
    assert plan.take()
    assert plan.spent()
    plan.give_back(1, start)
    assert plan.take()
    plan.roll(NOON + 60)
    plan.give_back(1, start)
    assert plan.taken == 0


def test_retry_after_waits_for_the_last_spent_window() -> None:
    now = NOON + 12.3
    assert retry_after([Throttle(events(1), now)], now) == 48
    assert retry_after([Throttle(events(1), now), Throttle(events(1, "hour"), now)], now) == 3588
    assert retry_after([Throttle(events(1, "second"), now)], now) == 1
    assert retry_after([], now) == 1


def test_rate_limit_fields_announce_what_is_left_not_what_is_leased() -> None:
    clock = Clock(NOON + 15)
    plan, size = Throttle(events(100, direction="in"), clock.now), Throttle(octets(5000, "month"), clock.now)
    reader = reader_on(clock, plan, size)
    reader.send(10)
    assert dict(rate_limit_fields([plan, size], clock.now)) == {
        "RateLimit": '"events-per-minute-in";r=99;t=45, "bytes-per-month";r=4990;t=561585',
        "RateLimit-Policy": '"events-per-minute-in";q=100;w=60, "bytes-per-month";q=5000;w=2592000;qu="content-bytes"',
    }
    assert rate_limit_fields([], clock.now) == ()


def test_an_announcement_does_not_cost_more_with_every_session() -> None:
    clock = Clock()
    plan = Throttle(events(1_000_000), clock.now)
    readers = [reader_on(clock, plan) for _ in range(100)]
    for reader in readers[:64]:
        reader.send()
    assert plan.left() == 1_000_000 - 64
    for reader in readers:
        reader.send()
    assert plan.left() == plan.remaining() < 1_000_000 - 164


# Properties -----------------------------------------------------------------------------------------------------

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 4), st.integers(0, 400)),
        st.tuples(st.just("burst"), st.integers(0, 4), st.integers(1, 60)),
        st.tuples(st.just("end"), st.integers(0, 4), st.just(0)),
        st.tuples(st.just("tick"), st.just(0), st.integers(0, 200)),
        st.tuples(st.just("change"), st.just(0), st.integers(1, 60)),
    ),
    max_size=120,
)
LIMITS = st.lists(
    st.builds(
        Limit,
        st.sampled_from(["events", "bytes"]),
        st.integers(1, 300),
        st.sampled_from(["second", "minute", "hour"]),
        st.just("both"),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda limit: limit.key,
)


class World:
    """Five sessions under the same limits, and an independent account of what passed in which window."""

    def __init__(self, limits: list[Limit]) -> None:
        self.clock = Clock()
        self.throttles = [Throttle(limit, self.clock.now) for limit in limits]
        self.readers = [reader_on(self.clock, *self.throttles) for _ in range(5)]
        self.seen: dict[tuple[int, int], int] = {}  # by throttle and start of the window
        self.allowed: dict[tuple[int, int], int] = {}
        self.largest = 0

    def send(self, which: int, size: int) -> None:
        room = all(throttle.passed() < throttle.limit.amount for throttle in self.throttles)
        passed = self.readers[which].send(size)
        assert passed == room, "refused although every window had room, or let in although one had none"
        if not passed:
            return
        self.largest = max(self.largest, size)
        for index, throttle in enumerate(self.throttles):
            key = (index, window(throttle.limit.per, self.clock.now)[0])
            self.seen[key] = self.seen.get(key, 0) + (1 if throttle.limit.kind == "events" else size)
            self.allowed[key] = max(self.allowed.get(key, 0), throttle.limit.amount)

    def burst(self, which: int, count: int) -> None:
        for _ in range(count):
            self.send(which, 1)

    def end(self, which: int, _: int) -> None:
        purse = self.readers[which].purse
        assert purse is not None
        purse.close()
        self.readers[which] = reader_on(self.clock, *self.throttles)

    def tick(self, _: int, tenths: int) -> None:
        self.clock.now += tenths / 10
        for throttle in self.throttles:  # as the shell does, before anybody reads on
            throttle.roll(self.clock.now)

    def change(self, _: int, amount: int) -> None:
        limit = self.throttles[0].limit
        self.throttles[0].adopt(Limit(limit.kind, amount, limit.per, limit.direction))

    def check(self) -> None:
        for index, throttle in enumerate(self.throttles):
            assert throttle.passed() == self.seen.get((index, throttle.start), 0)
            leased = sum(reader.purse.unspent(throttle.limit.kind) for reader in self.readers if reader.purse)
            assert throttle.taken == throttle.passed() + leased
            assert throttle.attached == 5
        for (index, start), total in self.seen.items():
            over = self.largest if self.throttles[index].limit.kind == "bytes" else 0
            assert total <= self.allowed[index, start] + over


@settings(max_examples=150, deadline=None)
@given(LIMITS, ACTIONS)
def test_never_above_the_limit_exact_on_demand_and_nothing_is_lost(limits: list[Limit], actions: list) -> None:
    """Over any interleaving of five sessions, their ends, clock ticks, rolls and changed plans."""
    world = World(limits)
    for action, which, amount in actions:
        getattr(world, action)(which, amount)
        world.check()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2000), st.integers(1, 40), st.randoms(use_true_random=False))
def test_a_limit_of_n_lets_exactly_n_pass_over_any_number_of_sessions(amount: int, sessions: int, random) -> None:
    clock = Clock()
    plan = Throttle(events(amount), clock.now)
    readers = [reader_on(clock, plan) for _ in range(sessions)]
    passed = 0
    for _ in range(amount + 50):
        passed += random.choice(readers).send()
    assert passed == amount
