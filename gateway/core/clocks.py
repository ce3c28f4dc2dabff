"""The time of day that counts: as steady as the time since start, and led back to the wall clock now and then.

Durations (idle, lifetimes, suspensions) go by a monotonic clock and never hear of the wall clock. Windows of plans are
aligned to the calendar, so they need the time of day; but a wall clock that is set must open no window twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

JUMP_S: Final = 1.0  # a smaller difference is ordinary discipline of the clock (NTP slews by 0.5 ms a second)


class SteadyClock:
    """Epoch seconds that do not jump between two calls of `check`.

    Args:
        wall: epoch seconds, as the system has them.
        monotonic: seconds since some moment, never set.
    """

    __slots__ = ("_offset", "_wall", "monotonic")

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self.monotonic = monotonic
        self._offset = wall() - monotonic()

    def __call__(self) -> float:
        """Epoch seconds."""
        return self._offset + self.monotonic()

    def check(self) -> float:
        """Go by the wall clock again.

        Returns:
            By how many seconds it was set since the last call; 0 for less than JUMP_S.
        """
        drift = self._wall() - self()
        self._offset += drift
        return drift if abs(drift) >= JUMP_S else 0.0
