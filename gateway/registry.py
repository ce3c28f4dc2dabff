"""The live sessions of this process: found by everything that can change about them, ended when their time is over.

One timer, set to the next moment that matters, ends sessions and rolls the windows of plans; the patrol has another for
those that are idle, stuck or dead. Nothing runs per frame or per session. What other people change reaches them through
`gateway.control`. Lifetimes go by a clock that is never set, windows by the time of day (`gateway.core.clocks`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Final

import structlog

from gateway import conf, meters
from gateway.capacity import capacity
from gateway.clocks import system_clock
from gateway.core.clocks import SteadyClock
from gateway.core.deadlines import Deadlines
from gateway.core.endpoints import Endpoints, Url
from gateway.core.records import SessionRecord
from gateway.core.rejections import CLOSE_CODES, TIME_OVER, TOKEN_DEAD, Rejection, close_reason
from gateway.core.session import Session
from gateway.core.snapshot import Principal, Runtime
from gateway.counters import Counters, LocalCounters
from gateway.patrol import Patrol
from gateway.session_lines import SessionLines
from gateway.usage import Recorder

log = structlog.get_logger("gateway")

REASONS: Final = {row.code: close_reason(row.name) for row in CLOSE_CODES}
SETTLED_S: Final = 5.0  # by then somebody has looked at the clock, unless this process stood still
Facet = tuple[str, str]
Places = tuple[Hashable, Hashable, Hashable]


def places_of(subscription_id: str, api_id: str, client: str) -> Places:
    """What a session takes one place of: its subscription's, its API's, and its address's at that API."""
    return subscription_id, api_id, (api_id, client)


class Registry:
    """Home of the sessions (`gateway.core.session.Home`).

    Args:
        recorder: counts their usage.
        clock: epoch seconds, and what they are made of.
        counters: the running limits; without, those of this process.
    """

    def __init__(self, recorder: Recorder, clock: SteadyClock | None = None, counters: Counters | None = None) -> None:
        self.clock: SteadyClock = clock or system_clock()
        self.monotonic: Callable[[], float] = self.clock.monotonic
        self.recorder = recorder
        self.counters: Counters = LocalCounters(self.clock) if counters is None else counters
        self.counters.listen(self.answers_came, self.release_held)
        self.counters.count_places(lambda place: self.places[place])
        self.patrol = Patrol(self.monotonic)
        self.clock_was_set = False  # since control looked last
        self.endpoints = Endpoints()
        self.sessions: dict[str, Session] = {}
        self.arriving = 0  # handshakes under way
        self._capacity = 0
        self.places: Counter[Hashable] = Counter()  # live sessions and handshakes under way, by `places_of`
        self._urls: dict[str, Url] = {}
        self._by: dict[Facet, dict[Session, None]] = {}
        self._held: dict[Session, None] = {}
        self._awaiting: dict[Session, None] = {}
        self._deadlines = Deadlines()
        self._new: dict[Session, None] = {}  # whose deadlines are not in there yet
        self._lines = SessionLines()
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self._armed_by: tuple[float | None, float | None] | None = None  # the next deadline and the next roll then

    # -- sessions come and go -----------------------------------------------------------------------------------

    @property
    def capacity(self) -> int:
        """Most sessions and handshakes under way at once."""
        self._capacity = self._capacity or capacity(conf.get("MAX_SESSIONS"))
        return self._capacity

    def arrival(self) -> Registry:
        """A handshake is under way: `with registry.arrival():`.

        Raises:
            Rejection: overloaded, where this process carries as much as it can.
        """
        if len(self.sessions) + self.arriving >= self.capacity:
            raise Rejection("overloaded")
        return self

    def __enter__(self) -> None:
        self.arriving += 1

    def __exit__(self, *_: object) -> None:
        self.arriving -= 1

    def enter(self, places: Places) -> None:
        """Take a place of each, before the upstream is dialled."""
        for place in places:
            self.places[place] += 1

    def leave(self, places: Places) -> None:
        """Give the places back, where no session came of it."""
        for place in places:
            self.places[place] -= 1
            if self.places[place] <= 0:
                del self.places[place]
            self.counters.left(place)

    def open(self, session: Session, url: Url) -> None:
        """A session has begun in places that were taken with `enter`; it counts on `url` until it ends."""
        name = session.session_id
        self.sessions[name] = session
        self._urls[name] = url
        url.sessions += 1
        for facet in session.facets():
            self._by.setdefault(facet, {})[session] = None
        self.patrol.watch(session)
        self.recorder.opened(session)
        if session.airtime is not None or self._ends_within(session, SETTLED_S):
            self.set_deadlines(session)
        else:  # at the next look at the clock, if it is still there by then
            self._new[session] = None
            self.arm()

    def held(self, session: Session) -> None:
        """A plan holds this session back until a window rolls, or until other processes have been asked."""
        (self._awaiting if session.awaits() else self._held)[session] = None

    def timed(self, session: Session) -> None:
        """Its connection time is paid for until another moment than it was."""
        if session.airtime is not None:
            self._deadlines.add(session.airtime.until, session.session_id)
            self.arm()

    def soon(self, action: Callable[[], None], delay_s: float) -> None:
        """Call this a moment later, from outside of everything."""
        asyncio.get_running_loop().call_later(delay_s, action)

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
        self._awaiting.pop(session, None)
        self._new.pop(session, None)
        self.patrol.forget(session)
        self._deadlines.tidy(self.sessions)
        self.leave(places_of(session.entitlement.subscription_id, session.api_id, session.client))
        self.recorder.ended(session, record)
        meters.session_ended(record.code, record.initiator)
        self._lines.ended(session, record)

    def find(self, kind: str, subject: str) -> list[Session]:
        """The live sessions that have to do with a changed thing (kinds of `apis.models.Change`)."""
        if kind == "plan":
            return [session for session in self.sessions.values() if subject in session.plan_ids()]
        return list(self._by.get((kind, subject), ()))

    # -- time ---------------------------------------------------------------------------------------------------

    def _ends_within(self, session: Session, seconds: float) -> bool:
        """Whether its token or its time may be over so soon."""
        expires_at = session.principal.expires_at
        longest_s = session.runtime.session_s(session.entitlement.business_plan)
        soon = longest_s is not None and longest_s < seconds
        return soon or (expires_at is not None and expires_at - self.clock() < seconds)

    def set_deadlines(self, session: Session) -> None:
        """Remember when this session's token expires and its time is over; again when one of them was changed."""
        self._deadlines.add(session.time_over_at(), session.session_id)
        if session.airtime is not None:
            self._deadlines.add(session.airtime.until, session.session_id)
        expires_at = session.principal.expires_at
        session.dies_at = None if expires_at is None else self.monotonic() + expires_at - self.clock()
        if session.dies_at is not None:
            self._deadlines.add(session.dies_at, session.session_id)
        self.arm()

    def renew(self, session: Session, principal: Principal) -> None:
        """Its client showed a fresh token: from now on this one counts, and the old one means nothing to it."""
        if session.over:
            return
        for facet in session.facets():
            members = self._by.get(facet, {})
            members.pop(session, None)
            if not members:
                self._by.pop(facet, None)
        if session.principal.end_user != principal.end_user:
            self.recorder.cut(session)
        session.principal = principal
        for facet in session.facets():
            self._by.setdefault(facet, {})[session] = None
        self.set_deadlines(session)

    def govern(self, session: Session, runtime: Runtime) -> None:
        """The runtime limits of its API were changed: they count for this session from now on."""
        session.govern(runtime)
        self.set_deadlines(session)
        self.patrol.watch(session)

    def arm(self) -> None:
        """Set the timer to the next moment that matters."""
        ending, rolling = self._deadlines.next(), self.counters.next_roll()
        if self._timer is not None and self._armed_by == (ending, rolling):
            return
        self._armed_by = ending, rolling
        now = self.monotonic()
        if rolling is not None:
            rolling += now - self.clock()
        moments = [moment for moment in (ending, rolling) if moment is not None]
        if not moments:
            return
        when = min(moments)
        if self._timer is not None:
            if self._armed_for <= when:
                return
            self._timer.cancel()
        self._armed_for = when
        # The timer goes by another clock than deadlines do: a hair late beats waking up early and again.
        self._timer = asyncio.get_running_loop().call_later(max(0.0, when - now) + 0.001, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self.look_at_the_clock()

    def look_at_the_clock(self) -> None:
        """Roll windows, let held sessions go on, end what is over. The ticker calls it too: clocks jump."""
        new, self._new = self._new, {}
        for one in new:
            self.set_deadlines(one)
        set_by_s = self.clock.check()
        if set_by_s:
            log.warning("clock_was_set", seconds=round(set_by_s, 1))
            self.clock_was_set, self._armed_by = True, None
            self.counters.follow()
        now = self.monotonic()
        if self.counters.roll():
            self.release_held()
        elif self._awaiting:
            self.answers_came()
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
        self.answers_came()

    def answers_came(self) -> None:
        """Let those try again who wait only to hear whether there is more."""
        waiting, self._awaiting = self._awaiting, {}
        for session in waiting:
            session.try_again()

    def _judge_time(self, session: Session, now: float) -> None:
        if session.dies_at is not None and session.dies_at <= now:
            session.close(TOKEN_DEAD, REASONS[TOKEN_DEAD])
        elif session.time_over_at() <= now:
            session.close(TIME_OVER, REASONS[TIME_OVER])
        elif session.airtime is not None and session.airtime.until <= now:
            session.pay_time()
