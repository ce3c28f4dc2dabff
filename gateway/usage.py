"""Usage: the counters of live sessions, swept into minutes and written in batches (CONTRACT section 7).

A session counts by itself. Once a second, and when it ends, what it has counted since the last look goes into the
minute of now; dirty minutes are then added to their rows in one transaction. Nothing is counted twice, and what could
not be written is kept for the next time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from gateway import conf
from gateway.core.records import TALLY_FIELDS, Tally, UsageKey
from gateway.core.session import Session
from gateway.models import UsageMinute

log = structlog.get_logger("gateway")

MINUTE_S: Final = 60
PROMPT_S: Final = 0.2  # a session's end is written after so long, together with those of the same moment
Minute = tuple[UsageKey, int]
Ask = Callable[..., Awaitable[Any]]


class Recorder:
    """Counts for one process.

    Args:
        ask: runs a database function off the loop.
        clock: epoch seconds.
    """

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.time) -> None:
        self._ask = ask
        self._clock = clock
        self.totals = Tally()  # of all sessions since this process began
        self._live: dict[Session, None] = {}
        self._minutes: dict[Minute, Tally] = {}
        self._soon = asyncio.Event()
        self._writing: asyncio.Future[None] | None = None
        self._away = False

    # -- counting -----------------------------------------------------------------------------------------------

    def opened(self, session: Session) -> None:
        """A session has begun; it counts in the minute of now."""
        self._live[session] = None
        if session.begin():
            self._minute(session.usage_key).sessions += 1
            self.totals.sessions += 1

    def ended(self, session: Session) -> None:
        """A session is over: count what is left, and write soon."""
        self._count(session)
        self._live.pop(session, None)
        self._soon.set()

    def refused(self, key: UsageKey) -> None:
        """A handshake at a known API was refused."""
        self._minute(key).refused += 1
        self._soon.set()

    def _minute(self, key: UsageKey) -> Tally:
        start = int(self._clock()) // MINUTE_S * MINUTE_S
        tally = self._minutes.get((key, start))
        if tally is None:
            tally = self._minutes[key, start] = Tally()
        return tally

    def _count(self, session: Session) -> None:
        news = session.news()
        if news is not None:
            self._minute(session.usage_key).add(news)
            self.totals.add(news)

    # -- writing ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Sweep and write until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._soon.wait(), conf.get("SWEEP_S"))
                await asyncio.sleep(PROMPT_S)
            except TimeoutError:
                pass
            self._soon.clear()
            await self.flush()

    async def flush(self) -> None:
        """Count every live session and write what is new. Keeps what cannot be written."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        for session in self._live:
            self._count(session)
        batch, self._minutes = self._minutes, {}
        if batch:
            # Cancelled or not, a batch that is under way is written once and waited for by whoever comes next.
            self._writing = asyncio.ensure_future(self._write(batch))
            await asyncio.shield(self._writing)

    async def _write(self, batch: dict[Minute, Tally]) -> None:
        try:
            await self._ask(write, batch)
        except Exception as error:
            for minute, tally in batch.items():
                self._minutes.setdefault(minute, Tally()).add(tally)
            if not self._away:
                self._away = True
                log.exception("usage_not_written", error=type(error).__name__)
        else:
            if self._away:
                self._away = False
                log.warning("usage_written_again")
        finally:
            self._writing = None


def write(batch: dict[Minute, Tally]) -> None:
    """Add these tallies to their rows, all or none of them."""
    with transaction.atomic():
        for (key, start), tally in batch.items():
            which = {
                "api_id": key.api_id,
                "application_id": key.application_id or None,
                "subscription_id": key.subscription_id or None,
                "minute": datetime.fromtimestamp(start, UTC),
            }
            if not _add(which, tally):
                _insert(which, tally)


def _add(which: dict[str, Any], tally: Tally) -> bool:
    nulls = {name: value for name, value in which.items() if value is not None}
    nulls |= {f"{name}__isnull": True for name, value in which.items() if value is None}
    more = {name: F(name) + getattr(tally, name) for name in TALLY_FIELDS if getattr(tally, name)}
    return not more or bool(UsageMinute.objects.filter(**nulls).update(**more))


def _insert(which: dict[str, Any], tally: Tally) -> None:
    try:
        with transaction.atomic():
            UsageMinute.objects.create(**which, **{name: getattr(tally, name) for name in TALLY_FIELDS})
    except IntegrityError:  # another process wrote the first row of this minute just now
        _add(which, tally)
