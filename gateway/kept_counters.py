"""Counters of one process whose long windows survive it: a year's quota is not given anew with each restart.

Once a second what has passed since is added to rows, and at the stop; the rows of all windows that still run are read
once, before the first handshake that is judged by such a limit. Whatever kills the process, at most what passed since
the last write is lost. Only where no Redis keeps count.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import structlog
from django.db import connection, transaction

from gateway.core.levels import Level
from gateway.core.throttling import Limit, Throttle
from gateway.counters import LocalCounters
from gateway.models import WindowCount

log = structlog.get_logger("gateway")

LONG: Final = frozenset({"hour", "day", "month", "year"})
WRITE_S: Final = 1.0
TIDY_S: Final = 3600.0  # between two times that rows of windows that are over are deleted
SLICE: Final = 2_000  # throttles that are looked at before others get their turn on the loop
Ask = Callable[..., Awaitable[Any]]
Row = tuple[str, int, int, int]  # counter, start, end, what was taken since


class KeptCounters(LocalCounters):
    """Counters in memory and, for long windows, in the database.

    Args:
        ask: runs a database function off the loop.
        clock: epoch seconds.
    """

    def __init__(self, clock: Callable[[], float], ask: Ask) -> None:
        super().__init__(clock)
        self._ask = ask
        self._stored: dict[tuple[str, int], int] | None = None  # of windows that nobody has counted in since
        self._loading: asyncio.Future[None] | None = None
        self._long: dict[Throttle, tuple[str, int, int]] = {}  # counter; start and count of what is written of it
        self._away = False

    # -- reading ------------------------------------------------------------------------------------------------

    def settled(self, throttles: Iterable[Throttle]) -> bool:
        return self._stored is not None or not any(throttle.limit.per in LONG for throttle in throttles)

    async def settle(self, throttles: Iterable[Throttle]) -> None:
        if self._stored is None:
            if self._loading is None:
                self._loading = asyncio.ensure_future(self._load())
            await asyncio.shield(self._loading)

    async def _load(self) -> None:
        try:
            self._stored = await self._ask(load, self._clock())
        finally:
            self._loading = None
        for throttle in self._long:
            self._restore(throttle)

    def _begin(self, limit: Limit, level: Level) -> Throttle:
        throttle = super()._begin(limit, level)
        if limit.per in LONG:
            self._long[throttle] = counter_of(level.subject, limit), throttle.start, 0
            self._restore(throttle)
        return throttle

    def _restore(self, throttle: Throttle) -> None:
        if self._stored is not None:
            counter = self._long[throttle][0]
            before = self._stored.pop((counter, throttle.start), 0)
            throttle.taken += before
            self._long[throttle] = counter, throttle.start, before

    def _dropped(self, throttle: Throttle) -> None:
        self._long.pop(throttle, None)

    # -- writing ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read once, and write until cancelled; then write what is left."""
        tidied_at = float("-inf")
        try:
            while True:
                await self._safely(self.flush)
                if self._clock() - tidied_at >= TIDY_S:
                    tidied_at = self._clock()
                    await self._safely(self._tidy)
                await asyncio.sleep(WRITE_S)
        finally:
            await self._safely(self.flush)

    async def _safely(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except Exception as error:  # the sessions go on, and what was not written is written later; it is told once
            if not self._away:
                self._away = True
                log.exception("counters_not_written", error=type(error).__name__)
        else:
            if self._away:
                self._away = False
                log.warning("counters_written_again")

    async def flush(self) -> None:
        """Add what has passed since the last call to the rows. Keeps what cannot be written."""
        await self.settle(())
        rows: list[Row] = []
        news: dict[Throttle, tuple[str, int, int]] = {}
        for index, throttle in enumerate(list(self._long)):
            if index % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            known = self._long.get(throttle)
            if known is None:
                continue
            counter, start, written = known
            passed = throttle.passed()
            more = passed - (written if start == throttle.start else 0)
            if more:
                rows.append((counter, throttle.start, throttle.end, more))
                news[throttle] = counter, throttle.start, passed
        if rows:
            await self._ask(write, rows)
            self._long.update((throttle, now) for throttle, now in news.items() if throttle in self._long)

    async def _tidy(self) -> None:
        await self._ask(prune, self._clock())


def counter_of(subject: tuple[str, ...], limit: Limit) -> str:
    """What names the counter of a limit in the database; of one length, whatever a subject is made of."""
    return hashlib.sha256(json.dumps([subject, limit.key]).encode()).hexdigest()


# -- in the database ----------------------------------------------------------------------------------------------


def load(now: float) -> dict[tuple[str, int], int]:
    """What was taken out of the windows that run at `now` (epoch seconds), by counter and start."""
    rows = WindowCount.objects.filter(end__gt=now).values_list("counter", "start", "taken")
    return {(counter, start): taken for counter, start, taken in rows}


def write(rows: list[Row]) -> None:
    """Add to these counts, all or none of them."""
    table = connection.ops.quote_name(WindowCount._meta.db_table)
    start, end = connection.ops.quote_name("start"), connection.ops.quote_name("end")
    # One statement for each row: Django's own upsert can set a column, but not add to it.
    statement = (
        f"INSERT INTO {table} (counter, {start}, {end}, taken) VALUES (%s, %s, %s, %s) "  # noqa: S608 - our own names
        f"ON CONFLICT (counter, {start}) DO UPDATE SET taken = {table}.taken + excluded.taken"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def prune(now: float) -> None:
    """Delete what was taken out of windows that are over."""
    over = WindowCount.objects.filter(end__lt=now - TIDY_S)
    if over.exists():  # to look costs no write
        over.delete()
