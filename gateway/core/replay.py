"""Past usage against a draft plan: whom would it have limited, when and how often? Pure.

Its resolution is what is kept: minutes of messages, bytes and handshakes, and the beginning and end of sessions. Within
a minute it knows no order, so a limit by the second is judged from both sides: a minute that holds more than sixty such
windows allow is over for certain, one that holds more than a single window allows may be. What the present plan refused
is not replayed, and nobody in the replay slows down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from gateway.core.limits import BOTH, BYTES, EVENTS, HANDSHAKES, SECONDS, Limit
from gateway.core.windows import window

MINUTE_S: Final = 60
SESSIONS: Final = "sessions"  # at once
LENGTH: Final = "session_s"  # longest session


class Bucket(NamedTuple):
    """What one subscription did in the minute that begins at `at` (epoch seconds)."""

    at: int
    sessions: int = 0
    events_in: int = 0
    events_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Span(NamedTuple):
    """One record of a session: connected from `start` until `end` (epoch seconds)."""

    session_id: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Draft:
    """The plan that is tried.

    Attributes:
        stops: False where going over the limits is only counted; the burst rate stops all the same.
    """

    limits: tuple[Limit, ...] = ()
    burst: Limit | None = None
    max_sessions: int | None = None
    max_session_s: int | None = None
    stops: bool = True


@dataclass(slots=True)
class Finding:
    """One limit of the draft that one subscription would have met.

    Attributes:
        times: windows in which it was spent (for `sessions` minutes, for `session_s` sessions).
        of: windows in which anything was counted.
        possible: further windows of which that cannot be told, because they are shorter than a minute.
        first_at, last_at: epoch seconds of the minutes in which it was met first and last.
        most, most_at: the highest count, and the window it was in; `excess`: all that lay beyond the limit.
        stops: whether somebody would have been stopped, or only billed.
    """

    kind: str
    amount: int
    per: str
    direction: str
    stops: bool
    times: int = 0
    of: int = 0
    possible: int = 0
    first_at: int = 0
    last_at: int = 0
    most: int = 0
    most_at: int = 0
    excess: int = 0

    @property
    def first_time(self) -> datetime:
        return datetime.fromtimestamp(self.first_at, UTC)

    @property
    def last_time(self) -> datetime:
        return datetime.fromtimestamp(self.last_at, UTC)

    def met(self, at: int, excess: int) -> None:
        """It was spent at `at`, and `excess` more came."""
        self.times += 1
        self.first_at = self.first_at or at
        self.last_at = at
        self.excess += excess

    def saw(self, at: int, count: int) -> None:
        """A window that began at `at` held this much."""
        self.of += 1
        if count > self.most:
            self.most, self.most_at = count, at


def counted(limit: Limit, bucket: Bucket) -> int:
    """How much of what this limit counts is in a bucket."""
    if limit.kind == HANDSHAKES:
        return bucket.sessions
    into, out = (bucket.events_in, bucket.events_out) if limit.kind == EVENTS else (bucket.bytes_in, bucket.bytes_out)
    return {"in": into, "out": out}.get(limit.direction, into + out)


def replay(draft: Draft, buckets: Sequence[Bucket], spans: Sequence[Span] = ()) -> list[Finding]:
    """The limits of a draft that one subscription would have met.

    Args:
        buckets: of one subscription, in the order of time, a minute once.
        spans: its sessions, as far as they were recorded.
    """
    found = []
    limits = [(limit, draft.stops) for limit in draft.limits] + ([(draft.burst, True)] if draft.burst else [])
    for limit, stops in limits:
        if limit.kind == SECONDS:
            found.append(_windows(limit, stops, _connected(spans)))
        elif limit.kind in {EVENTS, BYTES, HANDSHAKES}:
            amounts = ((bucket.at, counted(limit, bucket)) for bucket in buckets)
            found.append(_seconds(limit, stops, amounts) if limit.per == "second" else _windows(limit, stops, amounts))
    if draft.max_sessions is not None:
        found.append(_at_once(draft.max_sessions, spans))
    if draft.max_session_s is not None:
        found.append(_too_long(draft.max_session_s, spans))
    return [one for one in found if one.times or one.possible]


def _finding(limit: Limit, stops: bool) -> Finding:
    return Finding(limit.kind, limit.amount, limit.per, limit.direction, stops)


def _windows(limit: Limit, stops: bool, amounts: Iterable[tuple[int, int]]) -> Finding:
    """A limit whose windows are made of whole minutes."""
    found = _finding(limit, stops)
    start = end = used = 0
    spent_at: int | None = None

    def close() -> None:
        if end and used:
            found.saw(start, used)
            if spent_at is not None:
                found.met(spent_at, used - limit.amount)

    for at, amount in amounts:
        if at >= end:
            close()
            start, end = window(limit.per, at)
            used, spent_at = 0, None
        used += amount
        if spent_at is None and used > limit.amount:
            spent_at = at
    close()
    return found


def _seconds(limit: Limit, stops: bool, amounts: Iterable[tuple[int, int]]) -> Finding:
    """A limit by the second, of which only the sums of sixty windows are known."""
    found = _finding(limit, stops)
    for at, amount in amounts:
        if amount:
            found.saw(at, amount)
        if amount > limit.amount * MINUTE_S:
            found.met(at, amount - limit.amount * MINUTE_S)
        elif amount > limit.amount:
            found.possible += 1
    return found


def _connected(spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
    """Seconds of connection time by the minute, of all sessions together."""
    minutes: dict[int, float] = {}
    for span in spans:
        at = int(span.start) // MINUTE_S * MINUTE_S
        while at < span.end:
            share = min(span.end, at + MINUTE_S) - max(span.start, at)
            minutes[at] = minutes.get(at, 0.0) + share
            at += MINUTE_S
    return ((at, round(seconds)) for at, seconds in sorted(minutes.items()))


def _at_once(most: int, spans: Iterable[Span]) -> Finding:
    """Minutes in which more sessions were there at once."""
    found = Finding(SESSIONS, most, "", BOTH, True)
    # At one moment, who leaves makes room for who comes: a session's next record begins where the last one ended.
    moves = sorted([(span.start, 1) for span in spans] + [(span.end, -1) for span in spans])
    there, minute = 0, -1
    found.of = len({int(span.start) // MINUTE_S for span in spans})
    for at, step in moves:
        there += step
        if step > 0 and there > found.most:
            found.most, found.most_at = there, int(at)
        if step > 0 and there > most:
            found.excess += 1
            if int(at) // MINUTE_S != minute:
                minute = int(at) // MINUTE_S
                found.met(minute * MINUTE_S, 0)
    return found


def _too_long(most_s: int, spans: Iterable[Span]) -> Finding:
    """Sessions that lasted longer."""
    found = Finding(LENGTH, most_s, "", BOTH, True)
    sessions: dict[str, tuple[float, float]] = {}
    for span in spans:
        start, end = sessions.get(span.session_id, (span.start, span.end))
        sessions[span.session_id] = min(start, span.start), max(end, span.end)
    for start, end in sorted(sessions.values()):
        found.saw(int(start), int(end - start))
        if end - start > most_s:
            found.met(int(start + most_s), int(end - start - most_s))
    return found


def overage(limits: Iterable[Limit], buckets: Sequence[Bucket]) -> tuple[int, int]:
    """Messages and bytes beyond these limits: of several limits of a kind, the one that was passed by most.

    Limits by the second are left out: minutes do not tell.
    """
    most = {EVENTS: 0, BYTES: 0}
    for limit in limits:
        if limit.kind in most and limit.per != "second":
            amounts = ((bucket.at, counted(limit, bucket)) for bucket in buckets)
            most[limit.kind] = max(most[limit.kind], _windows(limit, False, amounts).excess)
    return most[EVENTS], most[BYTES]
