"""Usage records in the making: where the present record of each live session began, and what it held then.

A record ends with its session, at the end of an hour, or when the session's plan is another one. What a record holds is
what the minutes hold: both are cut at the same look at a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from gateway import conf
from gateway.core.records import SessionRecord, Tally
from gateway.core.session import Session
from gateway.models import UsageRecord

HOUR_S: Final = 3_600
BATCH: Final = 2_000  # records in one transaction: at the turn of an hour there may be one of every session


@dataclass(slots=True)
class Begun:
    """The present record of a session, where it is not the first one.

    Attributes:
        at: epoch seconds.
        connected: monotonic.
        base: what the session had counted by then.
    """

    sequence: int
    at: float
    connected: float
    base: Tally = field(default_factory=Tally)


class Ledger:
    """The records of one process, from their beginning until they are written.

    Args:
        clock: epoch seconds, the one that minutes go by.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun: dict[Session, Begun] = {}  # the first record of a session needs no entry
        self._period = self._last = self._period_of(clock())
        self._behind: dict[Session, None] = {}  # whose record of the last period is not cut yet
        self.closed: list[UsageRecord] = []

    @staticmethod
    def _period_of(now: float) -> int:
        return int(now // conf.get("RECORD_S"))

    def turn(self, now: float, sessions: Iterable[Session]) -> None:
        """At the first look in a new period: the records of all these sessions are due."""
        period = self._period_of(now)
        if period != self._period:
            for session in list(self._behind):
                self.catch_up(session)
            self._last, self._period = self._period, period
            self._behind = dict.fromkeys(sessions)

    def catch_up(self, session: Session) -> None:
        """Cut its record at the turn of the period, if that is due: before what is new is counted."""
        if self._behind and session in self._behind:
            del self._behind[session]
            self._cut(session, self._period * conf.get("RECORD_S"), self._last)

    def cut(self, session: Session) -> None:
        """Its plan is about to be another one: what was counted so far stands under the present one."""
        self._cut(session, self._clock(), self._period)

    def end(self, session: Session, record: SessionRecord) -> None:
        """It is over, and all of it is counted: its last record."""
        present = self._present(session)
        at, connected = max(present.at, record.ended_at), session.home.monotonic()
        self._write(session, present, self._period, at, connected, record)
        self._begun.pop(session, None)
        self._behind.pop(session, None)

    def take(self) -> list[UsageRecord]:
        """The next ones to be written."""
        batch, self.closed = self.closed[:BATCH], self.closed[BATCH:]
        return batch

    def _present(self, session: Session) -> Begun:
        return self._begun.get(session) or Begun(0, session.started_at, session.born)

    def _cut(self, session: Session, at: float, period: int) -> None:
        present = self._present(session)
        at = max(at, present.at)
        connected = max(present.connected, session.home.monotonic() - max(0.0, self._clock() - at))
        self._write(session, present, period, at, connected)
        self._begun[session] = Begun(present.sequence + 1, at, connected, session.counted)

    def _write(  # noqa: PLR0917
        self,
        session: Session,
        present: Begun,
        period: int,
        at: float,
        connected: float,
        record: SessionRecord | None = None,
    ) -> None:
        done = session.counted.less(present.base)
        key, entitlement, principal = session.usage_key, session.entitlement, session.principal
        facts: dict[str, Any] = {} if record is None else {"close_code": record.code, "initiator": record.initiator}
        self.closed.append(
            UsageRecord(
                session_id=session.session_id,
                sequence=present.sequence,
                api_id=key.api_id,
                api_name=session.api_name,
                api_version=session.api_version,
                application_id=key.application_id or None,
                application_name=entitlement.application_name,
                subscription_id=key.subscription_id or None,
                plan_id=entitlement.business_plan.plan_id,
                plan=entitlement.business_plan.name,
                person=principal.end_user,
                key_type=principal.key_type,
                hour=datetime.fromtimestamp(period * conf.get("RECORD_S") // HOUR_S * HOUR_S, UTC),
                started_at=datetime.fromtimestamp(present.at, UTC),
                ended_at=datetime.fromtimestamp(at, UTC),
                sessions=done.sessions,
                events_in=done.events_in,
                events_out=done.events_out,
                bytes_in=done.bytes_in,
                bytes_out=done.bytes_out,
                throttled=done.throttled,
                connection_ms=round((connected - present.connected) * 1000),
                **facts,
            )
        )
