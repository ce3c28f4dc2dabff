"""What every process does beside its work once an hour: usage is added up, compared, and let go of when it is old."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from gateway import retention, rolling, session_days

log = structlog.get_logger("gateway")

HOUR_S: Final = 3_600
LOOK_S: Final = 20.0
PAUSE_S: Final = 0.2  # between two pieces of work, so that others come to their turn
JOBS: Final[tuple[Callable[[float], Any], ...]] = (
    rolling.advance, rolling.compare, session_days.advance, retention.let_go,
)  # fmt: skip
Ask = Callable[..., Awaitable[Any]]


class Upkeep:
    """The jobs of one process. All processes try; whoever comes first does the work, the others find it done.

    Args:
        ask: runs a database function off the loop.
        clock: epoch seconds.
    """

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.time) -> None:
        self._ask = ask
        self._clock = clock
        self._due: deque[Callable[[float], Any]] = deque()
        self._hour = float("-inf")
        self._away = False

    async def run(self) -> None:
        """Look what there is to do until cancelled."""
        while True:
            more = await self.turn()
            await asyncio.sleep(PAUSE_S if more else LOOK_S)

    async def turn(self) -> bool:
        """Do a piece of what is due. Returns: whether more of it is due at once."""
        now = self._clock()
        hour = (now - rolling.GRACE.total_seconds()) // HOUR_S
        if not self._due and hour > self._hour:
            self._hour = hour
            self._due.extend(JOBS)
        if not self._due:
            return False
        job = self._due[0]
        try:
            more = await self._ask(job, now)
        except Exception as error:  # whatever it is, it is tried again at the next look
            if not self._away:
                log.warning("usage_not_kept_up", job=job.__name__, error=type(error).__name__)
            self._away = True
            return False
        self._away = False
        if more is not True:
            self._due.popleft()
        return bool(self._due)
