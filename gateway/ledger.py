"""Usage records in the making: where the present record of each live session began, and what it held then.

A record ends with its session, at the end of an hour, or when the session's plan is another one. What a record holds is
what the minutes hold: both are cut at the same look at a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from gateway import conf
from gateway.core.records import SessionRecord, Tally
from gateway.core.session import Session
from gateway.usage_rows import UsageRow

HOUR_S: Final = 3_600
BATCH: Final = 2_000  # records in one transaction: at the turn of an hour there may be one of every session
NOTHING: Final = Tally()


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
    base: Tally = field(default_factory=lambda: NOTHING)


class Ledger:
    """The records of one process, from their beginning until they are written.

    Args:
        clock: epoch seconds, the one that minutes go by.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._length = HOUR_S
        self._begun: dict[Session, Begun] = {}  # the first record of a session needs no entry
        self._period = self._last = 0
        self._from = self._until = 0.0  # the present period (epoch seconds); none before the first look
        self._behind: dict[Session, None] = {}  # whose record of the last period is not cut yet
        self._hours: dict[int, datetime] = {}  # of the last periods
        self.closed: list[UsageRow] = []

    def turn(self, now: float, sessions: Iterable[Session]) -> None:
        """At the first look in a new period: the records of all these sessions are due."""
        if self._from <= now < self._until:
            return
        for session in list(self._behind):
            self.catch_up(session)
        self._length = conf.get("RECORD_S")
        self._last, self._period = self._period, int(now // self._length)
        self._from = float(self._period * self._length)
        self._until = self._from + self._length
        self._behind = dict.fromkeys(sessions)

    def catch_up(self, session: Session) -> None:
        """Cut its record at the turn of the period, if that is due: before what is new is counted."""
        if self._behind and session in self._behind:
            del self._behind[session]
            self._cut(session, self._period * self._length, self._last)

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

    def take(self) -> list[UsageRow]:
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
        done = session.counted if present.base is NOTHING else session.counted.less(present.base)
        key, principal, entitlement = session.usage_key, session.principal, session.entitlement
        plan = entitlement.business_plan
        code, initiator = (None, "") if record is None else (record.code, record.initiator)
        started, ended = datetime.fromtimestamp(present.at, UTC), datetime.fromtimestamp(at, UTC)
        self.closed.append(
            UsageRow(
                session.session_id,
                present.sequence,
                key.api_id,
                self._hour(period),
                started,
                ended,
                session.api_name,
                session.api_version,
                key.application_id or None,
                entitlement.application_name,
                key.subscription_id or None,
                plan.plan_id,
                plan.name,
                principal.end_user,
                principal.key_type,
                done.sessions,
                done.events_in,
                done.events_out,
                done.bytes_in,
                done.bytes_out,
                done.throttled,
                round((connected - present.connected) * 1000),
                code,
                initiator,
            )
        )

    def _hour(self, period: int) -> datetime:
        """Start of the hour that this period lies in."""
        hour = self._hours.get(period)
        if hour is None:
            if len(self._hours) > 1:
                self._hours.clear()
            hour = self._hours[period] = datetime.fromtimestamp(period * self._length // HOUR_S * HOUR_S, UTC)
        return hour
