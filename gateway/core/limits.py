"""What a plan says of one limit; `gateway.core.throttling` lets it run. Source: CONTRACT section 7."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

EVENTS: Final = "events"
BYTES: Final = "bytes"
HANDSHAKES: Final = "handshakes"
SECONDS: Final = "seconds"  # of connection time, summed over all sessions
BOTH: Final = "both"

FOREVER: Final = 1 << 62  # credit meaning unlimited; the same number as in gateway.core.frames
# A first look at a plan must not take it all: a lease is this part of what is left for each purse that holds one.
SHARE: Final = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount` of `kind` per `per`, counted in one direction ("in" = from the client) or in both."""

    kind: str
    amount: int
    per: str
    direction: str = BOTH

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two limits count the same thing, whatever their amounts."""
        return self.kind, self.per, self.direction

    def applies(self, direction: str) -> bool:
        """Whether something that travels "in" or "out" is counted."""
        return self.direction in {BOTH, direction}

    @property
    def policy(self) -> str:
        """The name of this limit in RateLimit fields, e.g. "events-per-minute-in"."""
        return f"{self.kind}-per-{self.per}" + ("" if self.direction == BOTH else f"-{self.direction}")


def tightest(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """The same limits with the smallest amount where two count the same thing (a quota and a burst rate)."""
    found: dict[tuple[str, str, str], Limit] = {}
    for limit in limits:
        other = found.get(limit.key)
        if other is None or limit.amount < other.amount:
            found[limit.key] = limit
    return tuple(found.values())
