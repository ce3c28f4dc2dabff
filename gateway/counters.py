"""The running limits of this process: one set for each subject of a level (`gateway.core.levels`).

`Counters` is the whole interface that sessions and admission see; counters shared by many processes are another class
with the same verbs, leasing out of a common window.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gateway.core.levels import Level, Levels
from gateway.core.throttling import Limit, Throttle

Subject = tuple[str, ...]
KNOWN: Final = 50_000  # answers of `of` that are remembered: one for each set of levels that sessions have in common


class Counters(Protocol):
    """Running limits by whom they belong to."""

    def of(self, levels: Levels) -> tuple[Throttle, ...]:
        """The throttles of a session of these levels, in their order. Must not wait."""

    def next_roll(self) -> float | None:
        """When the next window ends (epoch seconds), or None."""

    def roll(self) -> bool:
        """Start the windows whose time has come; whether any did."""

    def follow(self) -> None:
        """The clock was set: go on in the windows of its new time, with what was counted."""

    def settled(self, throttles: Iterable[Throttle]) -> bool:
        """Whether these throttles know what others, or this process before it was started, took out of their windows.

        A handshake that is judged by them waits for `settle` before. Must not wait.
        """

    async def settle(self, throttles: Iterable[Throttle]) -> None:
        """Find that out, in bounded time."""

    def listen(self, answered: Callable[[], None], room: Callable[[], None]) -> None:
        """Who is told that something is known now of throttles that were awaited, or that dry ones may have room."""

    async def run(self) -> None:
        """What has to be done besides, until cancelled; then write down what is left."""


class LocalCounters:
    """Counters in memory, exact because there is one thread.

    A set of throttles is dropped when no session is attached and its windows are over: what nobody counts any more
    costs nothing.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sets: dict[Subject, dict[tuple[str, str, str], Throttle]] = {}
        self._ends: list[tuple[float, Subject, tuple[str, str, str]]] = []
        self._known: dict[tuple[Subject, ...], tuple[Levels, tuple[Throttle, ...]]] = {}  # answers of `of`

    def __len__(self) -> int:
        return sum(map(len, self._sets.values()))

    def of(self, levels: Levels) -> tuple[Throttle, ...]:
        if not levels:
            return ()
        whose = tuple([level.subject for level in levels])
        known = self._known.get(whose)
        if known is not None and known[0] is levels:
            return known[1]
        running = tuple([throttle for level in levels for throttle in self._running(level)])
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known[whose] = levels, running
        return running

    def _running(self, level: Level) -> list[Throttle]:
        """One throttle for each limit; one whose amount was changed goes on with its count."""
        running = []
        throttles = self._sets.setdefault(level.subject, {})
        for limit in level.limits:
            throttle = throttles.get(limit.key)
            if throttle is None:
                throttle = throttles[limit.key] = self._begin(limit, level)
                heapq.heappush(self._ends, (throttle.end, level.subject, limit.key))
            else:
                throttle.prefix, throttle.plan = level.prefix, level.plan  # a plan may have got another name
                if throttle.limit != limit:
                    throttle.adopt(limit)
            running.append(throttle)
        return running

    def _begin(self, limit: Limit, level: Level) -> Throttle:
        """A limit begins to run."""
        return Throttle(limit, self._clock(), level.prefix, level.plan)

    def _dropped(self, throttle: Throttle) -> None:
        """Nobody counts by this throttle any more, and its window is over."""

    def settled(self, throttles: Iterable[Throttle]) -> bool:
        return True

    async def settle(self, throttles: Iterable[Throttle]) -> None:
        """Nothing has to be found out."""

    def listen(self, answered: Callable[[], None], room: Callable[[], None]) -> None:
        """Nothing is awaited here."""

    async def run(self) -> None:
        """There is nothing to do."""

    def follow(self) -> None:
        now = self._clock()
        self._ends = []
        for subject, throttles in self._sets.items():
            for key, throttle in throttles.items():
                throttle.follow(now)
                self._ends.append((throttle.end, subject, key))
        heapq.heapify(self._ends)

    def next_roll(self) -> float | None:
        return self._ends[0][0] if self._ends else None

    def roll(self) -> bool:
        now = self._clock()
        rolled = False
        while self._ends and self._ends[0][0] <= now:
            _, subject, key = heapq.heappop(self._ends)
            throttle = self._sets[subject][key]
            if throttle.attached or now < throttle.end:  # its window may have rolled already, with somebody's question
                throttle.roll(now)
                heapq.heappush(self._ends, (throttle.end, subject, key))
            else:
                self._known.clear()
                del self._sets[subject][key]
                self._dropped(throttle)
                if not self._sets[subject]:
                    del self._sets[subject]
            rolled = True
        return rolled
