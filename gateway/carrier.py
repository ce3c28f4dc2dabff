"""What goes on beside the calls of limits: hearing what is said of windows, giving back, coming back, a goodbye."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from gateway import meters
from gateway.redis_places import BEAT_S
from gateway.redis_pool import ERRORS
from gateway.window_calls import BATCH, Calls, Made

log = structlog.get_logger("gateway")

TICK_S: Final = 0.25
IDLE_S: Final = 0.5  # between two looks at an allotment: a part that nobody used meanwhile may go back
AGAIN_S: Final = 0.5  # between two looks whether Redis is there again
LOOKS: Final = 5_000  # allotments that are looked at in one tick
LEAVE_S: Final = 0.8  # to say goodbye; the server gives its jobs a second


class Carrier(Calls):
    """The calls of one process, and what has to be done besides."""

    async def run(self) -> None:
        """Hear, give back, look whether Redis is there again; at the end say goodbye."""
        jobs = [asyncio.ensure_future(job) for job in (self._hear(), self._tick())]
        try:
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
            await self._leave()

    async def _hear(self) -> None:
        while True:
            try:
                await self.pool.listen(self.hears, self._heard)
            except ERRORS:
                pass
            await asyncio.sleep(AGAIN_S)

    def _heard(self) -> None:
        """It listens again: what was said meanwhile was missed, and Redis may have forgotten everything."""
        if not self.away and self.named:
            self.spawn(self._begin_anew())

    async def _begin_anew(self) -> None:
        if await self.report():
            with suppress(*ERRORS):
                await self.places.begin_anew()
            if self.away:
                self.away = False
                meters.COUNTERS_DEGRADED.set(0)
                log.warning("counters_shared_again")
            self.room()

    async def _tick(self) -> None:
        again_at = beat_at = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            try:
                if not self.away:
                    self._give_back()
                    beat_at = await self._keep_places(beat_at)
                elif self.monotonic() >= again_at:
                    again_at = self.monotonic() + AGAIN_S
                    await self._begin_anew()
            except Exception:  # sessions go on whatever it is
                log.exception("counters_failed")

    async def _keep_places(self, beat_at: float) -> float:
        """Say what changed about places, and now and then that this process is alive; when to do so next."""
        try:
            if self.monotonic() >= beat_at:
                await self.places.beat()
                beat_at = self.monotonic() + BEAT_S
            await self.places.report()
        except ERRORS as error:
            self.gone([], error)
        return beat_at

    def _give_back(self) -> None:
        """Look at some allotments, the longest unseen first: what nobody uses goes back."""
        now = self.monotonic()
        made: Made = []
        for throttle in list(self.holding)[:LOOKS]:
            due, passed = self.holding[throttle]
            if due > now:
                break
            del self.holding[throttle]
            now_passed = throttle.passed()
            if throttle.allotted <= now_passed and not throttle.asking:
                continue
            idle = now_passed == passed and (throttle.tight or not throttle.attached)
            call = throttle.recall() if idle else None
            if call is not None:
                made.append((throttle, call))
            else:
                self.holding[throttle] = now + IDLE_S, now_passed
        for start in range(0, len(made), BATCH):
            self.spawn(self.carry(made[start : start + BATCH]))

    async def _leave(self) -> None:
        made: Made = []
        for throttle in self.named.values():
            call = throttle.report(bye=True) if throttle.known else None
            if call is not None:
                made.append((throttle, call))
        try:
            async with asyncio.timeout(LEAVE_S):
                for start in range(0, 0 if self.away else len(made), BATCH):
                    await self.pool.tell([call for _, call in made[start : start + BATCH]])
                if not self.away:
                    await self.places.leave()
        except ERRORS as error:
            log.warning("counters_not_left", error=type(error).__name__)
        await self.pool.close()
