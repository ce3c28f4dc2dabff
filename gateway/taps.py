"""Taps on live sessions: while somebody looks at the frames of one, they are caught, and written twice a second.

Where nobody looks there is no tap, and the scanner knows nothing of all this. What is caught is bounded in memory
(`core.inspection.Ring`) and in the database (KEPT rows of a session).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db.models import Max
from django.db.models.functions import Now

from gateway.core.flow import Tap
from gateway.core.inspection import Caught, Ring, Shown, shown
from gateway.core.matching import RoutingTable
from gateway.core.session import Session
from gateway.core.snapshot import Security
from gateway.models import Inspection, SeenFrame
from gateway.registry import Registry

log = structlog.get_logger("gateway")

FLUSH_S: Final = 0.5
KEPT: Final = 1_000  # rows of one session
TAPS: Final = 20  # sessions of one process that are looked at at once; the rest are told nothing
Ask = Callable[..., Awaitable[Any]]
NOTHING: Final = Security()


class Tapped:
    """One session that somebody looks at."""

    __slots__ = ("number", "payload", "ring", "session", "until")

    def __init__(self, session: Session, number: int, until: float) -> None:
        self.session = session
        self.number = number  # of the last frame that was written
        self.until = until  # monotonic
        self.payload = False
        self.ring = Ring()

    def open(self) -> None:
        """Begin to catch."""
        self.session.scanner_in.watch(self._tap("in"))
        self.session.scanner_out.watch(self._tap("out"))

    def close(self) -> None:
        """Catch nothing any more."""
        self.session.scanner_in.watch(None)
        self.session.scanner_out.watch(None)

    def _tap(self, direction: str) -> Tap:
        clock, ring = self.session.home.clock, self.ring

        def tap(first: int, size: int, event: int, front: bytes) -> None:
            ring.add(Caught(clock(), direction, first, size, event, front if self.payload else b""))

        return tap


class Taps:
    """The taps of one process.

    Args:
        ask: runs a database function off the loop.
        registry: the sessions.
        table: what is deployed, as far as it is known; says whose payloads may be seen.
    """

    def __init__(self, ask: Ask, registry: Registry, table: Callable[[], RoutingTable | None]) -> None:
        self._ask = ask
        self._registry = registry
        self._table = table
        self._tapped: dict[str, Tapped] = {}
        self._some = asyncio.Event()

    async def run(self) -> None:
        """Write what is caught, until cancelled; sleep while there is no tap."""
        while True:
            await self._some.wait()
            try:
                await self._flush()
            except Exception as error:  # sessions go on, whether somebody can look at them or not
                log.warning("frames_not_shown", error=type(error).__name__)
            await asyncio.sleep(FLUSH_S)

    async def look(self, process_id: UUID) -> None:
        """Somebody began to look, or looks on, at frames of sessions in this process: find out which."""
        now = self._registry.monotonic()
        for name, seconds in await self._ask(wanted, process_id):
            tapped = self._tapped.get(name)
            session = self._registry.sessions.get(name)
            if tapped is not None:
                tapped.until = now + seconds
            elif session is not None and len(self._tapped) < TAPS:
                number = await self._ask(last_number, name)
                tapped = self._tapped[name] = Tapped(session, number, now + seconds)
                tapped.payload = self._security(session).inspect_payload
                tapped.open()
                self._some.set()

    def _security(self, session: Session) -> Security:
        table = self._table()
        api = table.by_id.get(session.api_id) if table is not None else None
        return api.security if api is not None else NOTHING

    async def _flush(self) -> None:
        now = self._registry.monotonic()
        for name, tapped in list(self._tapped.items()):
            if tapped.session.over or tapped.until <= now:
                tapped.close()
                del self._tapped[name]
            security = self._security(tapped.session)
            tapped.payload = security.inspect_payload
            caught, missed = tapped.ring.take()
            if caught or missed:
                rows = await self._ask(write, name, tapped.number, caught, missed, security)
                tapped.number += rows
        if not self._tapped:
            self._some.clear()


def wanted(process_id: UUID) -> list[tuple[str, float]]:
    """Sessions of a process whose frames somebody looks at, and for how many seconds more."""
    rows = Inspection.objects.filter(process_id=process_id, until__gt=Now()).annotate(now=Now())
    longest: dict[str, float] = {}
    for name, until, now in rows.values_list("session_id", "until", "now"):
        longest[name] = max(longest.get(name, 0.0), (until - now).total_seconds())
    return list(longest.items())


def last_number(name: str) -> int:
    """Of the frames of this session that were shown already: numbers go on where they stopped."""
    return SeenFrame.objects.filter(session_id=name).aggregate(last=Max("number"))["last"] or 0


def write(name: str, number: int, caught: list[Caught], missed: int, security: Security) -> int:
    """Write these frames; how many rows there are of them."""
    frames = [shown(frame, security.inspect_payload, security.mask) for frame in caught]
    if missed:
        at = frames[-1].at if frames else 0.0
        frames.append(Shown(at, "", "", missed, "dropped", None))
    SeenFrame.objects.bulk_create(
        SeenFrame(
            session_id=name,
            number=number + index,
            at=datetime.fromtimestamp(frame.at, UTC),
            direction=frame.direction,
            kind=frame.kind,
            size_bytes=frame.size_bytes,
            verdict=frame.verdict,
            payload=frame.payload,
        )
        for index, frame in enumerate(frames, 1)
    )
    SeenFrame.objects.filter(session_id=name, number__lte=number + len(frames) - KEPT).delete()
    return len(frames)
