"""Carries what the limits of this process have to say to Redis, and the answers back.

Calls of all limits that want more are made together, once for each turn of the loop and few at a time. Without Redis
every limit goes on with a bounded local credit; when it is back every limit says what was spent, as a total, so nothing
is counted twice or forgotten.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine
from itertools import count
from math import ceil
from typing import Any, Final

import structlog

from gateway import meters
from gateway.core.leases import SharedThrottle
from gateway.core.limits import Limit
from gateway.core.pool import DRY, ROOM, Answer, Call
from gateway.redis_places import SharedPlaces
from gateway.redis_pool import ERRORS, RedisPool

log = structlog.get_logger("gateway")

FRESH_S: Final = 0.5  # a new allotment is not looked at for so long
AT_ONCE: Final = 4  # round trips under way; what is wanted meanwhile goes with the next one
BATCH: Final = 500  # calls in one round trip
Made = list[tuple[SharedThrottle, Call]]


class Calls:
    """One process's throttles on their way to Redis and back (`gateway.core.leases.Teller`).

    Args:
        monotonic: seconds that are never set.
        pool: the way to Redis.
        local_credit: part of a limit that this process lets pass in one window without Redis.

    Attributes:
        named: the running throttles by name.
        away: Redis does not answer.
        places: concurrent sessions.
        holding: throttles with an allotment: when to look at it again, and what had passed.
        answered, room: called when something is known of throttles that were awaited, and when dry ones may have room.
    """

    def __init__(self, monotonic: Callable[[], float], pool: RedisPool, local_credit: float) -> None:
        self.monotonic = monotonic
        self.named: dict[str, SharedThrottle] = {}
        self.away = False
        self.answered: Callable[[], None] = lambda: None
        self.room: Callable[[], None] = lambda: None
        self.pool = pool
        self._local_credit = local_credit
        self._process = uuid.uuid4().hex[:16]
        self.places = SharedPlaces(pool, self._process)
        self._lives = count(1)
        self._wanting: dict[SharedThrottle, None] = {}
        self.holding: dict[SharedThrottle, tuple[float, int]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()
        self._sending = self._telling = self._reporting = False

    def forget(self, throttle: SharedThrottle) -> None:
        """Nobody counts by it any more, and its window is over."""
        self.named.pop(throttle.name, None)
        self.holding.pop(throttle, None)
        self._wanting.pop(throttle, None)

    # -- calls --------------------------------------------------------------------------------------------------

    def new_life(self) -> int:
        """See `gateway.core.leases.Teller`."""
        return next(self._lives)

    def holder(self, life: int) -> str:
        """See `gateway.core.leases.Teller`."""
        return f"{self._process}.{life}"

    def want(self, throttle: SharedThrottle) -> None:
        """See `gateway.core.leases.Teller`."""
        self._wanting[throttle] = None
        self._send_soon()

    def _send_soon(self) -> None:
        if not self._sending and self._wanting:
            self._sending = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._sending = False
        if self._reporting or len(self._under_way) >= AT_ONCE:
            return  # the end of that calls here again
        wanting = list(self._wanting)[:BATCH]
        for throttle in wanting:
            del self._wanting[throttle]
        if self.away:
            for throttle in wanting:
                self.lend(throttle)
            self._tell_all()
        elif wanting:
            self.spawn(self.carry([(throttle, throttle.call()) for throttle in wanting]))
        self._send_soon()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do this beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._carried)

    def _carried(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("counters_failed", error=repr(task.exception()))
        self._send_soon()

    async def carry(self, made: Made) -> bool:
        """Make these calls and act on the answers; whether there were any."""
        began = time.perf_counter()
        try:
            answers = await self.pool.tell([call for _, call in made])
        except ERRORS as error:
            meters.COUNTER_CALLS_FAILED.inc(len(made))
            self.gone(made, error)
            return False
        meters.COUNTER_SECONDS.observe(time.perf_counter() - began)
        meters.COUNTER_CALLS.inc(len(made))
        for (throttle, call), answer in zip(made, answers, strict=True):
            self.take(throttle, call, answer)
        self._tell_all()
        return True

    def take(self, throttle: SharedThrottle, call: Call, answer: Answer | None) -> None:
        """Act on one answer."""
        if answer is None:
            throttle.lost(call)
            return
        throttle.answered(call, answer)
        if answer.granted:
            self.holding.setdefault(throttle, (self.monotonic() + FRESH_S, throttle.passed()))
        if throttle.retry_at:
            delay = max(0.0, throttle.retry_at - self.monotonic())
            asyncio.get_running_loop().call_later(delay, throttle.retry)

    def _tell_all(self) -> None:
        """Those who wait look again, once for all answers of this turn of the loop."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell_waiting)

    def _tell_waiting(self) -> None:
        self._telling = False
        self.answered()

    def hears(self, word: str, key: str) -> None:
        """What all processes are told of one window."""
        throttle = self.named.get(key.partition("@")[0])
        if throttle is None or throttle.key != key or self.away:
            return
        if word == DRY:
            call = throttle.recall()
            if call is not None:
                self.spawn(self.carry([(throttle, call)]))
        elif word == ROOM and throttle.dry:
            throttle.room()
            self.room()

    # -- without Redis ------------------------------------------------------------------------------------------

    def credit_of(self, limit: Limit) -> int:
        """How much of this limit may pass here in one window while Redis is away."""
        return ceil(limit.amount * self._local_credit)

    def lend(self, throttle: SharedThrottle) -> None:
        """Let it go on without Redis."""
        before = throttle.borrowed
        throttle.lend(self.credit_of(throttle.limit))
        meters.COUNTER_LOCAL_CREDIT.inc(max(0, throttle.borrowed - before))

    def gone(self, made: Made, error: BaseException) -> None:
        """Redis did not answer: go on without it."""
        if not self.away:
            self.away = True
            meters.COUNTERS_DEGRADED.set(1)
            log.warning("counters_degraded", error=type(error).__name__, local_credit=self._local_credit)
        for throttle, call in made:
            throttle.lost(call)
            if call.wanted:
                self.lend(throttle)
        for throttle in list(self._wanting):
            self.lend(throttle)
        self._wanting.clear()
        self._tell_all()

    async def report(self) -> bool:
        """Say of every window what was spent in it, and give the rest back; whether Redis heard it."""
        self._reporting = True
        try:
            named = list(self.named.values())
            for start in range(0, max(len(named), 1), BATCH):
                made: Made = []
                for throttle in named[start : start + BATCH]:
                    throttle.returned()
                    call = throttle.report()
                    if call is not None:
                        made.append((throttle, call))
                answers = await self.pool.tell([call for _, call in made])
                for (throttle, call), answer in zip(made, answers, strict=True):
                    self.take(throttle, call, answer)
        except ERRORS as error:
            self.gone(made, error)
            return False
        finally:
            self._reporting = False
            self._send_soon()
        return True
