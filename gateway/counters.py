"""The running limits of this process: one set for each subject of a level (`gateway.core.levels`).

`Counters` is the whole interface that sessions and admission see; counters shared by many processes are another class
with the same verbs, leasing out of a common window.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, Protocol

from gateway.core.levels import Level, Levels
from gateway.core.throttling import Limit, Throttle

Subject = tuple[str, ...]
Wanted = tuple[Hashable, int | None]  # a place, and how many there are of it; None for as many as you like
KNOWN: Final = 50_000  # answers of `of` that are remembered: one for each set of levels that sessions have in common
SAME: Final = 4_096


class Counters(Protocol):
    """Running limits by whom they belong to.

    Attributes:
        shared: with other processes; where they are not, nobody has to be asked for places.
    """

    shared: bool

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

    def count_places(self, taken: Callable[[Hashable], int]) -> None:
        """`taken` says how many places of something this process takes."""

    def counts_places(self, wanted: Sequence[Wanted]) -> bool:
        """Whether other processes have to be asked for these places."""

    async def others(self, wanted: Sequence[Wanted]) -> list[int]:
        """How many places of each other processes take, in bounded time; one of each is taken where there is one."""

    def left(self, place: Hashable) -> None:
        """A place is free again."""

    def listen(self, answered: Callable[[], None], room: Callable[[], None]) -> None:
        """Who is told that something is known now of throttles that were awaited, or that dry ones may have room."""

    async def run(self) -> None:
        """What has to be done besides, until cancelled; then write down what is left."""


class LocalCounters:
    """Counters in memory, exact because there is one thread.

    A set of throttles is dropped when no session is attached and its windows are over: what nobody counts any more
    costs nothing.
    """

    shared = False

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sets: dict[Subject, list[Throttle]] = {}
        self._ends: dict[float, list[tuple[Subject, Throttle]]] = {}  # windows are aligned: many end at one time
        self._next: list[float] = []  # a heap of those times
        self._known: dict[tuple[Subject, ...], tuple[Levels, tuple[Throttle, ...]]] = {}  # answers of `of`
        self._same: dict[int, tuple[Levels, tuple[Throttle, ...]]] = {}  # those that are asked for by the same object

    def __len__(self) -> int:
        return sum(map(len, self._sets.values()))

    def of(self, levels: Levels) -> tuple[Throttle, ...]:
        if not levels:
            return ()
        known = self._same.get(id(levels))
        if known is not None and known[0] is levels:
            return known[1]
        whose = tuple([level.subject for level in levels])
        known = self._known.get(whose)
        if known is not None and known[0] is levels:
            if len(self._same) >= SAME:
                self._same.clear()
            self._same[id(levels)] = known
            return known[1]
        running = tuple([throttle for level in levels for throttle in self._running(level)])
        if len(self._known) >= KNOWN:
            self._known.clear()
            self._same.clear()
        self._known[whose] = levels, running
        self._same.pop(id(levels), None)
        return running

    def _running(self, level: Level) -> list[Throttle]:
        """One throttle for each limit; one whose amount was changed goes on with its count."""
        running = []
        throttles = self._sets.setdefault(level.subject, [])
        for limit in level.limits:
            throttle = next((one for one in throttles if one.limit.key == limit.key), None)
            if throttle is None:
                throttle = self._begin(limit, level)
                throttles.append(throttle)
                self._ending(level.subject, throttle)
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

    def count_places(self, taken: Callable[[Hashable], int]) -> None:
        """This process knows its own."""

    def counts_places(self, wanted: Sequence[Wanted]) -> bool:
        return False

    async def others(self, wanted: Sequence[Wanted]) -> list[int]:
        return [0] * len(wanted)

    def left(self, place: Hashable) -> None:
        """Nobody else has to know."""

    def listen(self, answered: Callable[[], None], room: Callable[[], None]) -> None:
        """Nothing is awaited here."""

    async def run(self) -> None:
        """There is nothing to do."""

    def follow(self) -> None:
        now = self._clock()
        self._ends, self._next = {}, []
        for subject, throttles in self._sets.items():
            for throttle in throttles:
                throttle.follow(now)
                self._ending(subject, throttle)

    def _ending(self, subject: Subject, throttle: Throttle) -> None:
        ending = self._ends.get(throttle.end)
        if ending is None:
            ending = self._ends[throttle.end] = []
            heapq.heappush(self._next, throttle.end)
        ending.append((subject, throttle))

    def next_roll(self) -> float | None:
        return self._next[0] if self._next else None

    def roll(self) -> bool:
        now = self._clock()
        rolled = False
        while self._next and self._next[0] <= now:
            for subject, throttle in self._ends.pop(heapq.heappop(self._next)):
                if throttle.attached or now < throttle.end:  # it may have rolled already, with somebody's question
                    throttle.roll(now)
                    self._ending(subject, throttle)
                else:
                    self._drop(subject, throttle)
            rolled = True
        return rolled

    def _drop(self, subject: Subject, throttle: Throttle) -> None:
        self._known.clear()
        self._same.clear()
        self._sets[subject].remove(throttle)
        if not self._sets[subject]:
            del self._sets[subject]
        self._dropped(throttle)
