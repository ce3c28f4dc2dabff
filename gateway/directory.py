"""The directory of live sessions: which sessions this process carries, as rows that every process can read.

Twice a second what has come and gone since is written in batches; a session that does not live as long as that costs
no row. Counters are refreshed once a second for sessions that somebody looks at, and for nobody else. A process whose
heartbeat stops is forgotten together with its sessions.
"""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from gateway.core.session import Session
from gateway.meters import without_secrets
from gateway.models import GatewayProcess, Inspection, LiveSession, SeenFrame, SessionCommand
from gateway.registry import Registry

log = structlog.get_logger("gateway")

TICK_S: Final = 0.5  # a session is listed when it has lived so long
COUNT_S: Final = 0.9  # between two looks at the counters of watched sessions
BATCH: Final = 400  # rows in one transaction, below SQLite's limit on variables when they are deleted
HEARTBEAT_S: Final = 5.0
DEAD_S: Final = 30.0  # without a heartbeat
WATCHED: Final = 500  # most sessions of one process whose counters are refreshed
KEPT_S: Final = 120  # how long commands and frames that somebody looked at are kept
COUNTERS: Final = ("events_in", "events_out", "bytes_in", "bytes_out", "throttled")
Ask = Callable[..., Awaitable[Any]]
Facts = dict[str, Any]


class Directory:
    """Keeps the rows of one process true.

    Args:
        ask: runs a database function off the loop.
        registry: the sessions.
    """

    def __init__(self, ask: Ask, registry: Registry) -> None:
        self._ask = ask
        self._registry = registry
        self.process_id = uuid.uuid4()
        self._started_at = datetime.now(UTC)
        self._written: set[str] = set()
        self._watched: dict[str, float] = {}  # session id -> until when (monotonic)
        self._beat_at = self._count_at = float("-inf")
        self._away = False

    async def run(self) -> None:
        """Tick until cancelled; then take this process out of the directory."""
        try:
            while True:
                await self._tick_safely()
                await asyncio.sleep(TICK_S)
        finally:
            await self._leave()

    async def _tick_safely(self) -> None:
        try:
            await self.tick()
        except Exception as error:
            if not self._away:  # the sessions go on, whether somebody can see them or not; it is told once
                self._away = True
                log.exception("directory_not_written", error=type(error).__name__)
            return
        if self._away:
            self._away = False
            log.warning("directory_written_again")

    async def _leave(self) -> None:
        try:
            await self._ask(forget_process, self.process_id)
        except Exception as error:
            log.warning("directory_not_left", error=type(error).__name__)

    async def tick(self) -> None:
        """Write what has changed since the last call."""
        now = self._registry.monotonic()
        if now - self._beat_at >= HEARTBEAT_S:
            known = await self._ask(heartbeat, self.process_id, self._started_at)
            if not known:
                self._written.clear()
            self._beat_at = now
        sessions = self._registry.sessions
        gone = self._written - sessions.keys()
        for batch in batches(gone):
            await self._ask(remove, batch)
            self._written.difference_update(batch)
        fresh = [one for name, one in sessions.items() if name not in self._written and now - one.born >= TICK_S]
        for few in batches(fresh):
            rows = [facts_of(session, self._registry) for session in few if not session.over]
            try:
                await self._ask(insert, self.process_id, rows)
            except IntegrityError:  # this process was taken for dead, and its row is gone
                log.warning("directory_begins_anew")
                self._beat_at = float("-inf")
                return
            self._written.update(row["id"] for row in rows)
        if self._watched and now - self._count_at >= COUNT_S:
            self._count_at = now
            await self._refresh(now)

    async def look(self) -> None:
        """Somebody looks at sessions of this process: find out which."""
        now = self._registry.monotonic()
        for name, seconds in await self._ask(watched, self.process_id):
            self._watched[name] = now + seconds
        await self._refresh(now)

    async def _refresh(self, now: float) -> None:
        self._watched = {name: until for name, until in self._watched.items() if until > now}
        sessions = [self._registry.sessions.get(name) for name in self._watched]
        rows = [counted(session, self._registry) for session in sessions if session is not None]
        if rows:
            await self._ask(update, rows)


def batches(names: Iterable[Any]) -> Iterator[list[Any]]:
    """In lists of at most BATCH."""
    rest = iter(names)
    while batch := list(islice(rest, BATCH)):
        yield batch


def moment(seconds: float | None) -> datetime | None:
    """Epoch seconds as a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def facts_of(session: Session, registry: Registry) -> Facts:
    """One session as a row."""
    principal, entitlement = session.principal, session.entitlement
    return {
        "id": session.session_id,
        "api_id": session.api_id,
        "api_name": session.api_name,
        "api_version": session.api_version,
        "application_id": entitlement.application_id or None,
        "application_name": entitlement.application_name,
        "subscription_id": entitlement.billed_to or None,
        "plan": entitlement.business_plan.name,
        "person": principal.end_user[:255],
        "token_kind": principal.kind,
        "token_id": principal.token_id[:64],
        "key_type": principal.key_type,
        "scopes": sorted(principal.scopes),
        "expires_at": moment(principal.expires_at),
        "client": session.client[:64],
        "origin": session.origin[:300],
        "upstream": without_secrets(session.upstream),
        "topic": session.topic.name[:200],
        "compressed": session.scanner_in.deflate,
        "started_at": moment(session.started_at),
        **counted(session, registry),
    }


def counted(session: Session, registry: Registry) -> Facts:
    """The counters of one session and what its plans leave it, with its id."""
    tally = session.tally()
    left = [
        {
            "limit": f"{throttle.prefix}{throttle.limit.policy}",
            "amount": throttle.limit.amount,
            "left": throttle.left(),
            "resets_at": datetime.fromtimestamp(throttle.end, UTC).isoformat(),
        }
        for throttle in registry.counters.of(session.levels)
    ]
    counters = {name: getattr(tally, name) for name in COUNTERS}
    return {"id": session.session_id, **counters, "credits": left, "counted_at": moment(registry.clock())}


# -- in the database ----------------------------------------------------------------------------------------------


def heartbeat(process_id: uuid.UUID, started_at: datetime) -> bool:
    """This process is alive; whether the directory still knew it. Sweeps out what nobody needs any more."""
    known = bool(GatewayProcess.objects.filter(pk=process_id).update(seen_at=Now()))
    if not known:
        GatewayProcess.objects.create(
            id=process_id, host=socket.gethostname()[:255], pid=os.getpid(), started_at=started_at, seen_at=Now()
        )
    dead = GatewayProcess.objects.filter(seen_at__lt=Now() - timedelta(seconds=DEAD_S))
    for key in dead.values_list("pk", flat=True):
        forget_process(key)
    old = Now() - timedelta(seconds=KEPT_S)
    for rows in (SessionCommand.objects.filter(at__lt=old), SeenFrame.objects.filter(at__lt=old)):
        if rows.exists():  # to look costs no write
            rows.delete()
    Inspection.objects.filter(until__lt=old).delete()
    return known


def forget_process(process_id: uuid.UUID) -> None:
    """Delete a process and its sessions."""
    with transaction.atomic():
        LiveSession.objects.filter(process_id=process_id).delete()
        Inspection.objects.filter(process_id=process_id).delete()
        GatewayProcess.objects.filter(pk=process_id).delete()


def insert(process_id: uuid.UUID, rows: list[Facts]) -> None:
    """List these sessions. One that is listed already stays as it is."""
    LiveSession.objects.bulk_create([LiveSession(process_id=process_id, **row) for row in rows], ignore_conflicts=True)


def remove(names: list[str]) -> None:
    """These sessions are over."""
    LiveSession.objects.filter(pk__in=names).delete()


def update(rows: list[Facts]) -> None:
    """Write the counters of these sessions."""
    fields = [*COUNTERS, "credits", "counted_at"]
    LiveSession.objects.bulk_update([LiveSession(**row) for row in rows], fields, batch_size=50)


def watched(process_id: uuid.UUID) -> list[tuple[str, float]]:
    """Sessions of a process that somebody looks at, and for how many seconds more."""
    rows = LiveSession.objects.filter(process_id=process_id, watched_until__gt=Now()).annotate(now=Now())
    newest = rows.order_by("-watched_until")[:WATCHED].values_list("pk", "watched_until", "now")
    return [(key, (until - now).total_seconds()) for key, until, now in newest if until is not None]
