"""Counters of all gateway processes together, with Redis as their common memory.

Sessions draw from this process's allotments (`gateway.core.leases`) and ask nobody; what the limits have to ask goes by
`gateway.carrier`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final

from gateway.carrier import Carrier
from gateway.core.leases import SharedThrottle
from gateway.core.levels import Level
from gateway.core.limits import Limit
from gateway.core.throttling import Throttle
from gateway.counters import LocalCounters, Wanted
from gateway.redis_pool import ERRORS, RedisPool

SETTLE_S: Final = 2.5  # a handshake waits no longer for Redis


class SharedCounters(LocalCounters):
    """Counters whose windows are common to all processes of one Redis.

    Args:
        clock: epoch seconds; processes whose clocks differ begin a window that much earlier or later (NTP).
        monotonic: seconds that are never set.
        pool: the way to Redis.
        local_credit: part of a limit that a process lets pass in one window without Redis.
    """

    shared = True

    def __init__(
        self, clock: Callable[[], float], monotonic: Callable[[], float], pool: RedisPool, local_credit: float
    ) -> None:
        super().__init__(clock)
        self.carrier = Carrier(monotonic, pool, local_credit)
        self.carrier.answered = self._tell
        self._answered: Callable[[], None] = lambda: None
        self._waiters: list[asyncio.Future[None]] = []

    def listen(self, answered: Callable[[], None], room: Callable[[], None]) -> None:
        self._answered, self.carrier.room = answered, room

    def _begin(self, limit: Limit, level: Level) -> Throttle:
        digest = hashlib.sha256(json.dumps([level.subject, limit.key]).encode()).digest()
        name = urlsafe_b64encode(digest[:15]).decode("ascii")  # short: there may be very many of them
        about = {"prefix": level.prefix, "plan": level.plan, "name": name}
        throttle = SharedThrottle(limit, self._clock(), **about, teller=self.carrier)
        self.carrier.named[name] = throttle
        return throttle

    def _dropped(self, throttle: Throttle) -> None:
        if isinstance(throttle, SharedThrottle):
            self.carrier.forget(throttle)

    def settled(self, throttles: Iterable[Throttle]) -> bool:
        return all(throttle.settled() for throttle in throttles if isinstance(throttle, SharedThrottle))

    async def settle(self, throttles: Iterable[Throttle]) -> None:
        chosen = [throttle for throttle in throttles if isinstance(throttle, SharedThrottle)]
        until = self.carrier.monotonic() + SETTLE_S
        while waiting := [throttle for throttle in chosen if not throttle.settled()]:
            for throttle in waiting:
                throttle.ask(1)
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await asyncio.wait_for(waiter, max(0.0, until - self.carrier.monotonic()))
            except TimeoutError:
                for throttle in waiting:
                    self.carrier.lend(throttle)
                return

    def count_places(self, taken: Callable[[Hashable], int]) -> None:
        self.carrier.places.taken = taken

    def counts_places(self, wanted: Sequence[Wanted]) -> bool:
        return not self.carrier.away and any(most is not None for _, most in wanted)

    async def others(self, wanted: Sequence[Wanted]) -> list[int]:
        if self.counts_places(wanted):
            try:
                return await self.carrier.places.others(wanted)
            except ERRORS as error:
                self.carrier.gone([], error)
        return [0] * len(wanted)

    def left(self, place: Hashable) -> None:
        self.carrier.places.left(place)

    def _tell(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._answered()

    async def run(self) -> None:
        """See `gateway.carrier.Carrier.run`."""
        await self.carrier.run()
