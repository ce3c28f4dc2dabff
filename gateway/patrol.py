"""The patrol: looks at every live session now and then, and ends those that are idle, stuck or dead.

One timer wheel for all sessions of a process. A session is looked at a few times per limit; what happened between two
looks is told by the counters that its scanners and legs keep anyway, so nothing of this is on the way of a frame.
Source: CONTRACT section 6 (4408, 4108, 1014, 1001); the API's runtime limits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Final, cast

import structlog

from gateway.core.frames import FrameScanner
from gateway.core.rejections import SLOW_CONSUMER, TIME_OVER, close_reason
from gateway.core.session import Session
from gateway.core.wheel import SLOT_S, Wheel
from gateway.relay.legs import Leg
from gateway.relay.link import Link

log = structlog.get_logger("gateway")

LOOKS: Final = 4  # per limit: what is closed for it is closed within a quarter more than it
PINGS: Final = 2  # pings that may stay unanswered, one each keepalive_s; then that side is given up
LATE_S: Final = 1.0  # a look that is later than this is the fault of this process
PROBE_BYTES: Final = 8  # random, of each session: a gateway behind a gateway must know its own pings
SLOW: Final = close_reason("slow_consumer")
IDLE: Final = close_reason("time_over")


class Trace:
    """What was seen of something that should change, and since when it has not."""

    __slots__ = ("asked", "seen", "since")

    def __init__(self, seen: object, since: float) -> None:
        self.seen = seen
        self.since = since
        self.asked = 0  # pings since then

    def same(self, seen: object, now: float) -> bool:
        """Whether it is still as it was; if not, begin anew."""
        if seen == self.seen:
            return True
        self.seen, self.since, self.asked = seen, now, 0
        return False


class Watch:
    """What the patrol knows of one session. Traces exist only where there is something to follow."""

    __slots__ = ("activity", "client", "due", "session", "stalled_client", "stalled_upstream", "upstream")

    def __init__(self, session: Session, now: float) -> None:
        self.session = session
        self.due = now  # of the next look
        self.activity: Trace | None = None
        self.client: Trace | None = None
        self.upstream: Trace | None = None
        self.stalled_client: Trace | None = None
        self.stalled_upstream: Trace | None = None

    def begin_anew(self, now: float) -> None:
        """Its limits were changed: they count from now on."""
        self.due = now
        self.activity = self.client = self.upstream = None

    def look(self, now: float) -> float:
        """Look at it and act; the moment of the next look."""
        if now - self.due > LATE_S:
            self._forgive(now - self.due)
        self.due = self._look(now)
        return self.due

    def _forgive(self, late_s: float) -> None:
        """This process stood still: what the others did meanwhile has not been read yet."""
        for trace in (self.activity, self.client, self.upstream, self.stalled_client, self.stalled_upstream):
            if trace is not None:
                trace.since += late_s

    def _look(self, now: float) -> float:
        runtime = self.session.runtime
        link = cast("Link | None", self.session.link)
        due = now + runtime.slow_consumer_s / LOOKS
        if link is None or link.over:
            return due
        if runtime.idle_s:
            due = min(due, self._idle(now, runtime.idle_s))
        if runtime.keepalive_s:
            due = min(due, self._alive(link, now, runtime.keepalive_s))
        if not link.over:
            self.stalled_client = _stalled(link.client, self.stalled_client, now)
            self.stalled_upstream = _stalled(link.upstream, self.stalled_upstream, now)
            self._judge_stalls(link, now, runtime.slow_consumer_s)
        return due

    def _idle(self, now: float, idle_s: float) -> float:
        activity = self.session.activity()
        trace = self.activity
        if trace is None:
            trace = self.activity = Trace(activity, now)
        elif self.session.waiting:  # a plan holds it back: it has something to say
            trace.since = now
        elif trace.same(activity, now) and now - trace.since >= idle_s:
            self.session.close(TIME_OVER, IDLE)
        return min(now + idle_s / LOOKS, trace.since + idle_s)

    def _judge_stalls(self, link: Link, now: float, slow_s: float) -> None:
        if self.stalled_client is not None and now - self.stalled_client.since >= slow_s:
            self.session.close(SLOW_CONSUMER, SLOW)
        elif self.stalled_upstream is not None and now - self.stalled_upstream.since >= slow_s:
            link.give_up(link.upstream)

    def _alive(self, link: Link, now: float, keepalive_s: float) -> float:
        scanners = self.session.scanner_in, self.session.scanner_out
        if self.client is None or self.upstream is None:
            scanners[0].probe = scanners[1].probe = scanners[0].probe or os.urandom(PROBE_BYTES)
            self.client, self.upstream = (Trace(_said(scanner), now) for scanner in scanners)
        pairs = ((self.client, link.client), (self.upstream, link.upstream))
        for trace, leg in pairs:
            if not trace.same(_said(leg.scanner), now):
                continue
            if leg.waiting:  # a side that we hold back ourselves cannot be heard, whatever it says
                trace.since, trace.asked = now, 0
            elif now - trace.since >= keepalive_s:
                if trace.asked >= PINGS:
                    link.give_up(leg)
                    break
                if link.ping(leg, leg.scanner.probe):
                    trace.since, trace.asked = now, trace.asked + 1
        return min(now + keepalive_s / LOOKS, *(one.since + keepalive_s for one, _ in pairs))


def _said(scanner: FrameScanner) -> tuple[int, ...]:
    """Something that differs whenever this side has sent anything since."""
    said = scanner.messages, scanner.discarded, scanner.payload, scanner.skip, scanner.gap
    return (*said, scanner.controls, scanner.fragments)


def _stalled(leg: Leg, before: Trace | None, now: float) -> Trace | None:
    """Since when this side takes nothing while data waits for it; None while nothing waits."""
    if not leg.full:
        return None
    seen = (leg.progress(), leg.untaken())
    if before is None:
        return Trace(seen, now)
    before.same(seen, now)
    return before


class Patrol:
    """The watches of one process.

    Args:
        monotonic: seconds that are never set.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._wheel = Wheel(monotonic())
        self._watches: dict[str, Watch] = {}
        self._new: dict[str, Session] = {}  # until the next turn: those that are over by then need no watch
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._watches) + len(self._new)

    def watch(self, session: Session) -> None:
        """Begin to look at a session; again when its runtime limits were changed."""
        watch = self._watches.get(session.session_id)
        if watch is None:
            self._new[session.session_id] = session
        else:
            now = self._monotonic()
            watch.begin_anew(now)
            self._wheel.add(watch.look(now), session.session_id)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SLOT_S, self._turn)

    def forget(self, session: Session) -> None:
        """It is over."""
        if self._new.pop(session.session_id, None) is None:
            self._watches.pop(session.session_id, None)

    def _turn(self) -> None:
        self._timer = None
        now = self._monotonic()
        new, self._new = self._new, {}
        for name, session in new.items():
            self._look_at(name, self._watches.setdefault(name, Watch(session, now)), now)
        for name in self._wheel.due(now):
            watch = self._watches.get(name)
            if watch is not None and watch.due <= now:  # else it was looked at when its limits were changed
                self._look_at(name, watch, now)
        if self._watches:
            self._timer = asyncio.get_running_loop().call_later(SLOT_S, self._turn)

    def _look_at(self, name: str, watch: Watch, now: float) -> None:
        try:
            due = watch.look(now)
        except Exception:
            # One session's fault must not take the patrol from all the others, nor leave that one without it.
            log.exception("patrol_failed", request=name)
            link = cast("Link | None", watch.session.link)
            if link is not None:
                link.abort()
            return
        if name in self._watches:
            self._wheel.add(due, name)
