"""Which of an endpoint's URLs is tried first, and which after it (CONTRACT section 4, endpoints).

One small class for each strategy, with one verb: `order(live)` gives the URLs' indices in the order to try them.
A strategy keeps its own turn from one handshake to the next and knows nothing of failures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol


class Strategy(Protocol):
    """The verb that all strategies share.

    Args:
        live: how many sessions each URL has now, in the URLs' order.

    Returns:
        A permutation of the indices of `live`.
    """

    def order(self, live: Sequence[int]) -> list[int]: ...


class RoundRobin:
    """Everyone in turn; the turn passes on at each handshake."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._next = 0

    def order(self, live: Sequence[int]) -> list[int]:
        first = self._next % len(live)
        self._next = first + 1
        return [*range(first, len(live)), *range(first)]


class Failover:
    """Always the first; the others in their order when it fails."""

    def __init__(self, weights: Sequence[int]) -> None:
        pass

    def order(self, live: Sequence[int]) -> list[int]:
        return [*range(len(live))]


class LeastSessions:
    """The one with the fewest live sessions; everyone in turn among equals, so a cold start is even."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._turns = RoundRobin(weights)

    def order(self, live: Sequence[int]) -> list[int]:
        return sorted(self._turns.order(live), key=live.__getitem__)


class Weighted:
    """In proportion to the weights, spread evenly: nginx's smooth weighted round robin.

    At each turn everyone gains its weight, and the richest goes first and pays the sum of all weights.
    """

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = list(weights)
        self._total = sum(weights)
        self._purse = [0] * len(weights)

    def order(self, live: Sequence[int]) -> list[int]:
        self._purse = [purse + weight for purse, weight in zip(self._purse, self._weights, strict=True)]
        ranked = sorted(range(len(live)), key=lambda index: -self._purse[index])
        self._purse[ranked[0]] -= self._total
        return ranked


STRATEGIES: Final[dict[str, type[RoundRobin] | type[Failover] | type[LeastSessions] | type[Weighted]]] = {
    "round_robin": RoundRobin,
    "failover": Failover,
    "least_sessions": LeastSessions,
    "weighted": Weighted,
}
