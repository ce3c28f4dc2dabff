"""A timer wheel: very many names that must be looked at about then, at a constant cost for each."""

from __future__ import annotations

from typing import Final

SLOT_S: Final = 0.25  # how exact it is: never early, at most this late


class Wheel:
    """Names by the slot of time (monotonic seconds) in which somebody must look at them."""

    __slots__ = ("_slots", "_turn")

    def __init__(self, now: float) -> None:
        self._slots: dict[int, list[str]] = {}
        self._turn = int(now / SLOT_S)

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def add(self, when: float, name: str) -> None:
        """Remember a name until `when`. It may be there several times; whoever looks must know."""
        slot = max(int(when / SLOT_S), self._turn) + 1
        names = self._slots.get(slot)
        if names is None:
            self._slots[slot] = [name]
        else:
            names.append(name)

    def due(self, now: float) -> list[str]:
        """The names whose moment has come; they are forgotten."""
        turn = int(now / SLOT_S)
        passed = turn - self._turn
        if passed <= 0:
            return []
        # after a long stop there are fewer slots with somebody in them than slots
        slots = range(self._turn + 1, turn + 1) if passed <= len(self._slots) else sorted(self._slots)
        self._turn = turn
        return [name for slot in slots if slot <= turn for name in self._slots.pop(slot, ())]
