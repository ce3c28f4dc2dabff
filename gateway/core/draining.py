"""How the sessions of a gateway that stops are sent away: spread over time, so that they do not return all at once."""

from __future__ import annotations

from collections.abc import Callable


def spread(count: int, seconds: float, chance: Callable[[], float]) -> list[float]:
    """When each of `count` sessions is closed, in seconds from the start of the drain.

    Each has an equal part of the time for itself and a random moment within it: even over the whole, and no two
    gateways that drain side by side beat the same time (CONTRACT section 8).

    Args:
        seconds: how long the drain may take.
        chance: a random number from 0 up to 1.
    """
    return [(number + chance()) * seconds / count for number in range(count)]
