"""Moments at which something must happen to somebody: one heap, however many sessions."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from typing import Final

SLACK: Final = 1024  # forgotten entries that may lie about before the heap is tidied


class Deadlines:
    """Moments (epoch seconds) with a name each. A name that is gone when its moment comes is simply skipped."""

    __slots__ = ("_heap",)

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, when: float, name: str) -> None:
        """Remember a moment. A name may have several."""
        heapq.heappush(self._heap, (when, name))

    def next(self) -> float | None:
        """The earliest moment, or None."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[str]:
        """The names whose moment has come, earliest first; they are forgotten."""
        names = []
        while self._heap and self._heap[0][0] <= now:
            names.append(heapq.heappop(self._heap)[1])
        return names

    def tidy(self, alive: Collection[str]) -> None:
        """Forget names that are not `alive`, if there may be many: the heap stays in proportion to them."""
        if len(self._heap) > 2 * len(alive) + SLACK:
            self._heap = [entry for entry in self._heap if entry[1] in alive]
            heapq.heapify(self._heap)
