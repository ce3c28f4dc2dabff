"""The live sessions of this process: found by everything that can change about them, ended when their time is over.

One timer, set to the next moment that matters, ends sessions and rolls the windows of plans; nothing runs per frame or
per session. What other people change reaches them through `gateway.control`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

from gateway.core.deadlines import Deadlines
from gateway.core.endpoints import Endpoints, Url
from gateway.core.records import SessionRecord
from gateway.core.rejections import CLOSE_CODES, TIME_OVER, TOKEN_DEAD, close_reason
from gateway.core.session import Session
from gateway.counters import Counters, LocalCounters
from gateway.usage import Recorder

log = structlog.get_logger("gateway")

REASONS: Final = {row.code: close_reason(row.name) for row in CLOSE_CODES}
IDLE_LOOKS: Final = 4  # looks per idle time: a silent session is closed within a quarter more than it
Facet = tuple[str, str]


class Registry:
    """Home of the sessions (`gateway.core.session.Home`).

    Args:
        recorder: counts their usage.
        clock: epoch seconds.
    """

    def __init__(self, recorder: Recorder, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.recorder = recorder
        self.counters: Counters = LocalCounters(clock)
        self.endpoints = Endpoints()
        self.sessions: dict[str, Session] = {}
        self.places: Counter[str] = Counter()  # live sessions and handshakes under way, by subscription
        self._urls: dict[str, Url] = {}
        self._by: dict[Facet, dict[Session, None]] = {}
        self._held: dict[Session, None] = {}
        self._idle: dict[str, tuple[float, int, float]] = {}  # idle time, counters at the last change, when that was
        self._deadlines = Deadlines()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    # -- sessions come and go -----------------------------------------------------------------------------------

    def enter(self, subscription_id: str) -> None:
        """Take one of the subscription's places, before its upstream is dialled."""
        self.places[subscription_id] += 1

    def leave(self, subscription_id: str) -> None:
        """Give the place back, where no session came of it."""
        self.places[subscription_id] -= 1
        if self.places[subscription_id] <= 0:
            del self.places[subscription_id]

    def open(self, session: Session, url: Url, idle_s: float) -> None:
        """A session has begun in a place that was taken with `enter`; it counts on `url` until it ends.

        Args:
            idle_s: close it after so long without a message or ping in either direction; 0 for never.
        """
        name, now = session.session_id, self.clock()
        self.sessions[name] = session
        self._urls[name] = url
        url.sessions += 1
        for facet in session.facets():
            self._by.setdefault(facet, {})[session] = None
        if idle_s:
            self._idle[name] = (idle_s, 0, now)
            self._deadlines.add(now + idle_s / IDLE_LOOKS, name)
        self.recorder.opened(session)
        self.set_deadlines(session)

    def held(self, session: Session) -> None:
        """A plan holds this session back until a window rolls."""
        self._held[session] = None

    def ended(self, session: Session, record: SessionRecord) -> None:
        """A session is over, by whomever."""
        name = session.session_id
        self.sessions.pop(name, None)
        url = self._urls.pop(name, None)
        if url is not None:
            url.sessions -= 1
        for facet in session.facets():
            members = self._by.get(facet, {})
            members.pop(session, None)
            if not members:
                self._by.pop(facet, None)
        self._held.pop(session, None)
        self._idle.pop(name, None)
        self._deadlines.tidy(self.sessions)
        self.leave(session.entitlement.subscription_id)
        self.recorder.ended(session)
        log.info(
            "session_ended",
            session=name,
            api=record.key.api_id,
            application=record.key.application_id,
            client=record.client,
            upstream=record.upstream,
            duration_s=round(record.ended_at - record.started_at, 3),
            events=[record.events_in, record.events_out],
            bytes=[record.bytes_in, record.bytes_out],
            initiator=record.initiator,
            close_code=record.code,
            how=record.how,
        )

    def find(self, kind: str, subject: str) -> list[Session]:
        """The live sessions that have to do with a changed thing (kinds of `apis.models.Change`)."""
        if kind == "plan":
            return [session for session in self.sessions.values() if subject in session.plan_ids()]
        return list(self._by.get((kind, subject), ()))

    # -- time ---------------------------------------------------------------------------------------------------

    def set_deadlines(self, session: Session) -> None:
        """Remember when this session's token expires and its time is over; again when one of them was changed."""
        self._deadlines.add(session.time_over_at(), session.session_id)
        if session.principal.expires_at is not None:
            self._deadlines.add(session.principal.expires_at, session.session_id)
        self.arm()

    def arm(self) -> None:
        """Set the timer to the next moment that matters."""
        moments = [moment for moment in (self._deadlines.next(), self.counters.next_roll()) if moment is not None]
        if not moments:
            return
        when = min(moments)
        if self._timer is not None:
            if self._armed_for <= when:
                return
            self._timer.cancel()
        self._armed_for = when
        # The timer goes by another clock than deadlines do: a hair late beats waking up early and again.
        self._timer = asyncio.get_running_loop().call_later(max(0.0, when - self.clock()) + 0.001, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self.look_at_the_clock()

    def look_at_the_clock(self) -> None:
        """Roll windows, let held sessions go on, end what is over. The ticker calls it too: clocks jump."""
        now = self.clock()
        if self.counters.roll():
            self.release_held()
        for name in self._deadlines.due(now):
            session = self.sessions.get(name)
            if session is not None:
                self._judge_time(session, now)
        self.arm()

    def release_held(self) -> None:
        """Let every held session try again."""
        waiting, self._held = self._held, {}
        for session in waiting:
            session.try_again()

    def _judge_time(self, session: Session, now: float) -> None:
        if not session.principal.alive(now):
            session.close(TOKEN_DEAD, REASONS[TOKEN_DEAD])
        elif session.time_over_at() <= now or self._is_idle(session, now):
            session.close(TIME_OVER, REASONS[TIME_OVER])

    def _is_idle(self, session: Session, now: float) -> bool:
        known = self._idle.get(session.session_id)
        if known is None:
            return False
        idle_s, before, since = known
        activity = session.activity()
        if activity != before:
            since = now
            self._idle[session.session_id] = (idle_s, activity, since)
        self._deadlines.add(min(now + idle_s / IDLE_LOOKS, since + idle_s) + 0.001, session.session_id)
        return now - since >= idle_s
