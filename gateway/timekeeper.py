"""Deadlines of what is under way for a moment only: handshakes and dials. One timer for all of them.

Most of them are over long before their time, so to begin and to end one must cost next to nothing: a deadline is an
attribute that may be put off at will, and only the timer, once in a few seconds, looks at those who are still there.
"""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import Any, ClassVar, Final, Protocol
from weakref import WeakKeyDictionary, ref

AT_ONCE: Final = 32  # that are told before anybody else gets a turn
LATE_S: Final = 0.001  # timers go by a clock that is cut to milliseconds; too early would be once more


class Timed(Protocol):
    """Somebody with a deadline (time.monotonic). It may put its deadline off by itself; to draw it nearer, `watch`."""

    deadline: float

    def expired(self) -> None:
        """The deadline has passed; nobody is watching any more."""


class Timekeeper:
    """Watches deadlines on one event loop. `Timekeeper.of(loop)` gives it."""

    __slots__ = ("__weakref__", "_armed_for", "_timer", "_watched")
    _all: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, Timekeeper]] = WeakKeyDictionary()
    _last: ClassVar[tuple[Any, Any]] = (lambda: None, None)  # the loop, weakly, and its keeper: mostly there is one

    def __init__(self) -> None:
        self._watched: dict[Timed, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = inf

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> Timekeeper:
        """The timekeeper of this loop, made at the first call."""
        known, keeper = cls._last
        if known() is not loop:
            keeper = cls._all.get(loop)
            if keeper is None:
                keeper = cls._all[loop] = cls()
            cls._last = ref(loop), keeper
        found: Timekeeper = keeper
        return found

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, one: Timed) -> None:
        """Tell it when its deadline has passed, unless it is forgotten before."""
        self._watched[one] = None
        if one.deadline < self._armed_for:
            self._arm(one.deadline)

    def forget(self, one: Timed) -> None:
        """It is over, or was never watched."""
        self._watched.pop(one, None)

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = when
        self._timer = asyncio.get_running_loop().call_later(max(0.0, when - monotonic()) + LATE_S, self._look)

    def _look(self) -> None:
        self._timer, self._armed_for = None, inf
        now = monotonic()
        for one in [one for one in self._watched if one.deadline <= now][:AT_ONCE]:
            if one.deadline <= now and self._watched.pop(one, self) is None:  # else another one has ended it just now
                self._tell(one)
        if self._watched:
            nearest = min(one.deadline for one in self._watched)
            if nearest < self._armed_for:
                self._arm(nearest)

    def _tell(self, one: Timed) -> None:
        try:
            one.expired()
        except Exception as error:
            facts = {"message": "a deadline could not be kept", "exception": error}
            asyncio.get_running_loop().call_exception_handler(facts)
