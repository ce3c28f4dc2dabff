"""Many processes, one window: never more than the limit, hardly less, whatever happens to calls and processes."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.leases import SharedThrottle
from gateway.core.pool import DRY, ROOM, Answer, Call, Pool
from gateway.core.throttling import Limit
from tests.core.test_throttling import NOON, Clock, Reader, reader_on


class Fleet:
    """Processes, the pool and the wire between them, in simulated time."""

    def __init__(self, limit: Limit, count: int, seed: int = 0, local_credit: int = 0) -> None:
        self.clock = Clock(NOON)
        self.pools: dict[str, Pool] = {}
        self.wire: list[tuple[float, int, Callable[[], None]]] = []
        self.chance = random.Random(seed)
        self.away = False
        self.calls = self._events = 0
        self.local_credit = local_credit
        self.processes = [Process(self, limit, number) for number in range(count)]

    def later(self, after_s: float, work: Callable[[], None]) -> None:
        """Do this then; what is due at one time happens in the order of its making."""
        self._events += 1
        heapq.heappush(self.wire, (self.clock.now + after_s, self._events, work))

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.clock.now + seconds
        while self.wire and self.wire[0][0] <= until:
            at, _, work = heapq.heappop(self.wire)
            self.clock.now = max(self.clock.now, at)
            work()
        self.clock.now = until

    def tell(self, call: Call) -> Answer | None:
        """What the pool says, and tells everybody."""
        self.calls += 1
        answer, message = self.pools.setdefault(call.key, Pool()).tell(call)
        for process in self.processes:
            if message and not process.dead:
                self.later(0.001, lambda process=process: process.hears(message, call.key))  # type: ignore[misc]
        return answer

    def passed(self) -> int:
        """Messages that went through, in all processes."""
        return sum(reader.messages for process in self.processes for reader in process.readers)


class Process:
    """One gateway process with one limit."""

    def __init__(self, fleet: Fleet, limit: Limit, number: int) -> None:
        self.fleet = fleet
        self.number = number
        self.lives = 0
        self.dead = False
        self.throttle = SharedThrottle(limit, fleet.clock(), name="counter", teller=self)
        self.readers: list[Reader] = []

    def session(self) -> Reader:
        reader = reader_on(self.fleet.clock, self.throttle)
        self.readers.append(reader)
        return reader

    def monotonic(self) -> float:
        return self.fleet.clock()

    def new_life(self) -> int:
        self.lives += 1
        return self.lives

    def holder(self, life: int) -> str:
        return f"{self.number}.{life}"

    def want(self, throttle: SharedThrottle) -> None:
        self.fleet.later(0.0, self._send)

    def _send(self) -> None:
        if self.dead:
            return
        if self.fleet.away:
            self.throttle.lend(self.fleet.local_credit)
        else:
            self._carry(self.throttle.call())

    def _carry(self, call: Call | None) -> None:
        if call is not None:
            self.fleet.later(self.fleet.chance.uniform(0.0002, 0.002), lambda: self._arrives(call))

    def _arrives(self, call: Call) -> None:
        answer = None if self.fleet.away else self.fleet.tell(call)
        self.fleet.later(self.fleet.chance.uniform(0.0002, 0.002), lambda: self._answered(call, answer))

    def _answered(self, call: Call, answer: Answer | None) -> None:
        if self.dead:
            return
        if answer is None:
            self.throttle.lost(call)
            if self.fleet.away:
                self.throttle.lend(self.fleet.local_credit)
            else:
                self.back()
            return
        self.throttle.answered(call, answer)
        if self.throttle.retry_at:
            self.fleet.later(self.throttle.retry_at - self.fleet.clock.now, self.throttle.retry)

    def hears(self, message: str, key: str) -> None:
        if key != self.throttle.key:
            return
        if message == ROOM:
            self.throttle.room()
        elif message == DRY:
            self._carry(self.throttle.recall())

    def back(self) -> None:
        """The pool is there again."""
        self.throttle.returned()
        self._carry(self.throttle.report())


def drain(fleet: Fleet, readers: list[Reader], rounds: int = 9000, burst: int = 3) -> None:
    """Everybody sends as fast as they may, until nobody can for three seconds."""
    still = 0
    for _ in range(rounds):
        moved = sum([reader.send() for reader in readers for _ in range(burst)])
        fleet.run(0.001 if moved else 0.02)
        still = 0 if moved else still + 1
        if still > 150:
            return
    raise AssertionError("they never came to an end")


AMOUNTS = st.one_of(st.integers(1, 300), st.sampled_from([1_000, 5_000, 20_000]))


@settings(max_examples=25, deadline=None)
@given(amount=AMOUNTS, count=st.integers(1, 9), seed=st.integers(0, 1000), sessions=st.integers(1, 3))
def test_all_processes_together_let_exactly_the_limit_pass(amount: int, count: int, seed: int, sessions: int) -> None:
    fleet = Fleet(Limit("events", amount, "day"), count, seed)
    readers = [process.session() for process in fleet.processes for _ in range(sessions)]
    drain(fleet, readers, burst=1 + seed % 40 + amount // 1000)
    assert fleet.passed() == amount
    assert all(process.throttle.spent() for process in fleet.processes)


@settings(max_examples=60, deadline=None)
@given(amount=AMOUNTS, count=st.integers(2, 9), seed=st.integers(0, 1000))
def test_credit_of_idle_processes_goes_to_those_who_need_it(amount: int, count: int, seed: int) -> None:
    fleet = Fleet(Limit("events", amount, "day"), count, seed)
    chance = random.Random(seed)
    readers = [process.session() for process in fleet.processes]
    for reader in readers:  # all of them begin, and most of them stop
        for _ in range(chance.randrange(0, amount // count + 1)):
            if not reader.send():
                fleet.run(0.01)
    drain(fleet, readers[:1])
    assert fleet.passed() == amount


@settings(max_examples=60, deadline=None)
@given(amount=AMOUNTS, count=st.integers(2, 9), seed=st.integers(0, 1000), killed=st.integers(1, 3))
def test_a_process_that_is_killed_takes_at_most_one_allotment_with_it(
    amount: int, count: int, seed: int, killed: int
) -> None:
    fleet = Fleet(Limit("events", amount, "day"), count, seed)
    chance = random.Random(seed)
    readers = [process.session() for process in fleet.processes]
    for _ in range(chance.randrange(1, 200)):
        chance.choice(readers).send()
        fleet.run(0.002)
    lost = 0
    for process in fleet.processes[: min(killed, count - 1)]:
        process.dead = True
        lost += max(1, amount // 100, amount // (2 * count)) + 1
    drain(fleet, readers[min(killed, count - 1) :])
    assert amount - lost <= fleet.passed() <= amount


@settings(max_examples=60, deadline=None)
@given(amount=st.integers(10, 5_000), count=st.integers(1, 6), seed=st.integers(0, 1000), outages=st.integers(1, 3))
def test_without_the_pool_at_most_the_local_credit_of_each_process_passes_beyond_the_limit(
    amount: int, count: int, seed: int, outages: int
) -> None:
    credit = max(1, amount // 10)
    fleet = Fleet(Limit("events", amount, "day"), count, seed, credit)
    chance = random.Random(seed)
    readers = [process.session() for process in fleet.processes]
    for _ in range(outages):
        for _ in range(chance.randrange(0, amount)):
            chance.choice(readers).send()
            fleet.run(0.0005)
        fleet.away = True
        for _ in range(chance.randrange(0, amount)):
            chance.choice(readers).send()
            fleet.run(0.0005)
        fleet.away = False
        for process in fleet.processes:
            process.back()
        fleet.run(0.01)
    drain(fleet, readers)
    assert amount <= fleet.passed() <= amount + count * credit
    fleet.run(1)
    for process in fleet.processes:
        process.back()
    fleet.run(1)
    pool = fleet.pools[fleet.processes[0].throttle.key]
    assert pool.spent == pool.held == fleet.passed(), "what was spent locally is charged, and once"


@given(calls=st.permutations(range(6)), again=st.integers(0, 5))
def test_calls_that_come_late_or_twice_change_nothing(calls: list[int], again: int) -> None:
    made = [Call("k", "p", number, number * 10, number * 10, 0, 0, 1000, 0) for number in range(1, 7)]
    pool = Pool()
    for index in [*calls, again]:
        pool.tell(made[index])
    assert (pool.held, pool.spent) == (60, 60)


def test_what_a_lost_answer_granted_is_put_right_by_the_next_call() -> None:
    pool = Pool()
    answer, _ = pool.tell(Call("k", "p", 1, 0, 0, 50, 1, 100, 0))
    assert answer is not None
    assert (answer.granted, pool.held) == (1, 1)
    pool.tell(Call("k", "p", 2, 0, 0, 0, 0, 100, 0))
    assert pool.held == 0


def test_a_process_that_goes_leaves_what_it_spent_and_nothing_else() -> None:
    pool = Pool()
    call = Call("k", "p", 1, 0, 0, 50, 50, 100, 0)
    pool.tell(call)
    pool.tell(replace(call, number=2, held=30, spent=30, wanted=0, bye=True))
    assert (pool.held, pool.spent, pool.holders) == (30, 30, {})


def test_a_window_that_rolls_begins_anew_in_the_pool() -> None:
    fleet = Fleet(Limit("events", 40, "minute"), 2)
    readers = [process.session() for process in fleet.processes]
    drain(fleet, readers)
    assert fleet.passed() == 40
    fleet.run(60)
    for process in fleet.processes:
        process.throttle.roll(fleet.clock())
    drain(fleet, readers)
    assert fleet.passed() == 80
    assert len(fleet.pools) == 2


def test_a_busy_process_is_not_stopped_while_it_asks_for_more() -> None:
    fleet = Fleet(Limit("events", 10_000_000, "day"), 2)
    reader = fleet.processes[0].session()
    reader.send()
    fleet.run(0.01)
    stops = 0
    for _ in range(20_000):  # 100,000 a second
        stops += not reader.send()
        fleet.run(0.00001)
    assert stops < 20_000 * 0.12, "it grows into its pace"
    stops = 0
    for _ in range(20_000):
        stops += not reader.send()
        fleet.run(0.00001)
    assert stops == 0
    assert fleet.calls < 30


@pytest.mark.parametrize("kind", ["events", "bytes", "handshakes", "seconds"])
def test_an_unknown_window_is_awaited_and_not_spent(kind: str) -> None:
    fleet = Fleet(Limit(kind, 100, "day"), 1)
    throttle = fleet.processes[0].throttle
    assert (throttle.spent(), throttle.awaited(), throttle.settled()) == (False, True, False)
    throttle.ask(1)
    fleet.run(1)
    assert throttle.settled()
    assert throttle.remaining() > 0


def test_a_larger_limit_opens_a_dry_window() -> None:
    fleet = Fleet(Limit("events", 10, "day"), 2)
    readers = [process.session() for process in fleet.processes]
    drain(fleet, readers)
    for process in fleet.processes:
        process.throttle.adopt(Limit("events", 25, "day"))
    drain(fleet, readers)
    assert fleet.passed() == 25
