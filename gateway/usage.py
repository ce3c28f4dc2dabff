"""Usage: the counters of live sessions, swept into minutes and written in batches (CONTRACT section 7).

A session counts by itself. Once a second, and when it ends, what it has counted since the last look goes into the
minute of now; dirty minutes are then added to their rows in one transaction. Nothing is counted twice, and what could
not be written is kept for the next time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from gateway import conf, rolling, session_days, settling
from gateway.api_keys import uses
from gateway.core.records import TALLY_FIELDS, SessionRecord, Tally, UsageKey
from gateway.core.session import Session
from gateway.ledger import Ledger
from gateway.models import UsageMinute
from gateway.usage_rows import UsageRow, insert

log = structlog.get_logger("gateway")

MINUTE_S: Final = 60
PROMPT_S: Final = 0.2
"""A session's end is written after so long with those of the same moment; in a crowd, with all since the last sweep."""
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
        self._ledger = Ledger(clock)
        self._now = clock()
        self._settled_at = float("-inf")
        self._soon = asyncio.Event()
        self._writing: asyncio.Future[bool] | None = None
        self._away = False

    # -- counting -----------------------------------------------------------------------------------------------

    def opened(self, session: Session) -> None:
        """A session has begun; it counts in the minute of now."""
        self._look()
        self._live[session] = None
        if session.begin():
            self._minute(session.usage_key).sessions += 1
            self.totals.sessions += 1

    def ended(self, session: Session, record: SessionRecord) -> None:
        """A session is over: count what is left, and write soon."""
        self._look()
        self._count(session)
        self._live.pop(session, None)
        self._ledger.end(session, record)
        self._soon.set()

    def cut(self, session: Session) -> None:
        """Its plan or its person is about to be another one: end its present usage record."""
        if session in self._live:
            self._look()
            self._count(session)
            self._ledger.cut(session)

    def refused(self, key: UsageKey) -> None:
        """A handshake at a known API was refused."""
        self._look()
        self._minute(key).refused += 1
        self._soon.set()

    def _look(self) -> None:
        """Take the time: what is counted until the next look is counted in this minute and hour."""
        self._now = self._clock()
        self._ledger.turn(self._now, self._live)

    def _minute(self, key: UsageKey) -> Tally:
        start = int(self._now) // MINUTE_S * MINUTE_S
        tally = self._minutes.get((key, start))
        if tally is None:
            tally = self._minutes[key, start] = Tally()
        return tally

    def _count(self, session: Session) -> None:
        self._ledger.catch_up(session)
        news = session.news()
        if news is not None:
            self._minute(session.usage_key).add(news)
            self.totals.add(news)

    # -- writing ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Sweep and write until cancelled."""
        loop = asyncio.get_running_loop()
        last = float("-inf")
        while True:
            sweep_s = conf.get("SWEEP_S")
            try:
                await asyncio.wait_for(self._soon.wait(), sweep_s)
                await asyncio.sleep(max(PROMPT_S, last + sweep_s - loop.time()))
            except TimeoutError:
                pass
            self._soon.clear()
            last = loop.time()
            await self.flush()
            await self._settle()

    async def flush(self) -> None:
        """Count every live session and write what is new. Keeps what cannot be written."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        self._look()
        for session in self._live:
            self._count(session)
        while True:
            batch, self._minutes = self._minutes, {}
            records = self._ledger.take()
            if not batch and not records:
                return
            # Cancelled or not, a batch that is under way is written once and waited for by whoever comes next.
            self._writing = asyncio.ensure_future(self._write(batch, records))
            if not await asyncio.shield(self._writing) or not self._ledger.closed:
                return

    async def _settle(self) -> None:
        """Once an hour, record what processes that died had counted in the minutes and in no record."""
        hour = (self._now - settling.GRACE_S) // settling.HOUR_S
        if hour > self._settled_at:
            back = settling.FIRST_BACK if self._settled_at == float("-inf") else settling.BACK
            try:
                found = await self._ask(settling.settle, self._now, back)
            except Exception as error:  # whatever it is, counting goes on; it is tried again at the next sweep
                if not self._away:
                    log.warning("usage_not_settled", error=type(error).__name__)
                return
            self._settled_at = hour
            if found:
                log.warning("usage_settled", records=found)

    async def _write(self, batch: dict[Minute, Tally], records: list[UsageRow]) -> bool:
        """Returns: whether it could be written."""
        try:
            await self._ask(write, batch, records)
        except Exception as error:
            for minute, tally in batch.items():
                self._minutes.setdefault(minute, Tally()).add(tally)
            self._ledger.closed[:0] = records
            if not self._away:
                self._away = True
                log.exception("usage_not_written", error=type(error).__name__)
            return False
        else:
            if self._away:
                self._away = False
                log.warning("usage_written_again")
            return True
        finally:
            self._writing = None


def write(batch: dict[Minute, Tally], records: Iterable[UsageRow] = ()) -> None:
    """Add these tallies to their rows and write these records, all or none of them; a record that is there stays."""
    with transaction.atomic():
        now = time.time()
        late = rolling.late_from([start for _, start in batch], now)
        chosen = settling.unsettled(records, now)
        days_until = session_days.late_from([one.ended_at for one in chosen], now)
        insert(chosen)
        session_days.make_anew(days_until, [(one.api_id, one.application_id, one.ended_at) for one in chosen])
        for (key, start), tally in batch.items():
            whose = (key.api_id, key.application_id or None, key.subscription_id or None)
            minute = datetime.fromtimestamp(start, UTC)
            which = {**dict(zip(rolling.KEY, whose, strict=True)), "minute": minute}
            if not _add(which, tally):
                _insert(which, tally)
            if late is not None:
                rolling.add_late(late, whose, minute, tally)
    used = {
        key.subscription_id
        for (key, _), tally in batch.items()
        if tally.sessions or tally.events_in or tally.events_out
    }
    uses.note_subscriptions(used - {""}, time.time())


def _add(which: dict[str, Any], tally: Tally) -> bool:
    more = {name: F(name) + getattr(tally, name) for name in TALLY_FIELDS if getattr(tally, name)}
    return not more or bool(UsageMinute.objects.filter(**rolling.just(which)).update(**more))


def _insert(which: dict[str, Any], tally: Tally) -> None:
    try:
        with transaction.atomic():
            UsageMinute.objects.create(**which, **{name: getattr(tally, name) for name in TALLY_FIELDS})
    except IntegrityError:  # another process wrote the first row of this minute just now
        _add(which, tally)
