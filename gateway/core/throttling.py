"""Plans that count: a Limit is what a plan says, a Throttle is that limit running, a Purse draws from throttles.

A session has one purse for each direction. The purse holds credit for its scanner: so many messages and so
many bytes may pass before anybody is asked again, so the frame path pays one comparison. Credit is leased out
of the window of every throttle that applies before it is used; what is left goes back when the session ends. When a
throttle runs dry the unspent leases of its other purses are called in first, so in one process a limit of N
lets exactly N pass, over all sessions. When a window ends its leases die with it.

Bytes are admitted by message: the last one may overdraw the lease, the overdraft is counted, and the
scanner asks before it overdraws, so nobody else holds credit meanwhile. Source: CONTRACT section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final, Protocol

from gateway.core.windows import window

EVENTS: Final = "events"
BYTES: Final = "bytes"
HANDSHAKES: Final = "handshakes"
SECONDS: Final = "seconds"  # of connection time, summed over all sessions
BOTH: Final = "both"

FOREVER: Final = 1 << 62  # credit meaning unlimited; the same number as in gateway.core.frames

# The largest lease: big enough that asking costs nothing per message, small enough that a shared plan stays shared.
LARGEST_LEASE: Final = {EVENTS: 512, BYTES: 4 << 20}
# A first look at a plan must not take it all: a lease is this part of what is left for each purse that holds one.
SHARE: Final = 2
EXACT_HOLDERS: Final = (
    64  # leases that are added up for an announcement; a handshake must not cost more with each session
)


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


class Scanner(Protocol):
    """What a purse needs of `gateway.core.frames.FrameScanner`: its credit, and a way to add to it."""

    events: int
    octets: int

    def grant(self, events: int, octets: int) -> None: ...


class Throttle:
    """One limit, running: how much of the present window is taken, and by whose leases.

    `taken` counts everything leased or spent in this window, including what lies unspent in `holders`.
    """

    __slots__ = ("attached", "end", "holders", "limit", "plan", "prefix", "start", "taken")

    def __init__(self, limit: Limit, now: float, prefix: str = "", plan: str = "") -> None:
        self.limit = limit
        self.prefix = prefix  # of its name in RateLimit fields: two plans may have limits of one name
        self.plan = plan  # the name of its plan, for a refusal
        self.start, self.end = window(limit.per, now)
        self.taken = 0
        self.holders: dict[Purse, None] = {}  # purses with a lease, in the order they drew (dicts keep it)
        self.attached = 0

    def remaining(self) -> int:
        """What is left to lease; negative after an overdraft."""
        return self.limit.amount - self.taken

    def passed(self) -> int:
        """What really went through in this window: everything taken, less the unspent leases."""
        return self.taken - sum(purse.unspent(self.limit.kind) for purse in self.holders)

    def left(self) -> int:
        """What is announced as left: exact, except that of very many sessions the leases count as used."""
        used = self.passed() if 0 < len(self.holders) <= EXACT_HOLDERS else self.taken
        return max(0, self.limit.amount - used)

    def roll(self, now: float) -> bool:
        """Start the next window if this one is over; its leases die. Returns whether it did.

        A clock set back by less than one window changes nothing (the window is not opened twice); set back by
        more, the window follows it rather than lasting for hours.
        """
        if self.start <= now < self.end:
            return False
        start, end = window(self.limit.per, now)
        if start < self.start and self.start - now < self.end - self.start:
            return False
        self.reclaim()
        self.start, self.end, self.taken = start, end, 0
        return True

    def follow(self, now: float) -> None:
        """The clock was set: this window is the one of `now`, and nothing is free in it that was taken before.

        Clients may wait one window too long; they never get one twice.
        """
        self.start, self.end = window(self.limit.per, now)

    def reclaim(self, besides: Purse | None = None) -> None:
        """Call in the unspent leases of every purse, except of `besides`."""
        for purse in [*self.holders]:
            if purse is not besides:
                purse.surrender(self.limit.kind)

    def share(self) -> int:
        """How much one purse may lease now."""
        left = self.remaining()
        return min(left, max(1, left // (SHARE * (len(self.holders) + 1))), LARGEST_LEASE[self.limit.kind])

    def adopt(self, limit: Limit) -> None:
        """Go on counting under another amount (a plan was changed): what has passed in this window stays passed."""
        self.reclaim()
        self.limit = limit

    def take(self, amount: int = 1) -> bool:
        """Charge `amount` at once (handshakes); False, and nothing charged, if it does not fit."""
        if self.remaining() < amount:
            return False
        self.taken += amount
        return True

    def give_back(self, amount: int, start: int) -> None:
        """Undo `take` if the window that began at `start` is still running."""
        if start == self.start:
            self.taken -= amount

    def spent(self) -> bool:
        """Whether nothing more may pass in this window."""
        return self.remaining() <= 0 and self.passed() >= self.limit.amount


@lru_cache(maxsize=1024)  # the sessions of a subscription draw from the same ones
def _sorted(throttles: tuple[Throttle, ...], direction: str) -> tuple[tuple[Throttle, ...], tuple[Throttle, ...]]:
    """Those that count events, and those that count bytes."""
    chosen = [one for one in throttles if direction == BOTH or one.limit.applies(direction)]
    events = tuple([one for one in chosen if one.limit.kind == EVENTS])
    return events, tuple([one for one in chosen if one.limit.kind == BYTES])


class Purse:
    """The credit of one direction of one session, leased from every throttle that applies.

    Args:
        scanner: whose credit it is; a dimension (events, bytes) without a throttle is set to FOREVER.
        clock: tells the time in epoch seconds when the scanner asks for more.
    """

    __slots__ = ("_bytes", "_clock", "_events", "scanner")

    def __init__(self, scanner: Scanner, clock: Callable[[], float]) -> None:
        self.scanner = scanner
        self._clock = clock
        self._events: tuple[Throttle, ...] = ()
        self._bytes: tuple[Throttle, ...] = ()

    def attach(self, throttles: Iterable[Throttle], direction: str = BOTH) -> bool:
        """Draw from these throttles from now on; what was leased from others goes back first.

        Args:
            direction: "in" or "out", to leave out those that do not count it.
        Returns:
            Whether there is any to draw from.
        """
        if self._events or self._bytes:
            self.close()
        self._events, self._bytes = _sorted(tuple(throttles), direction)
        for throttle in self._all():
            throttle.attached += 1
        self.scanner.events = 0 if self._events else FOREVER
        self.scanner.octets = 0 if self._bytes else FOREVER
        return bool(self._events or self._bytes)

    def close(self) -> None:
        """Give everything back and let go of the throttles. Idempotent."""
        if not self._events and not self._bytes:
            return
        self.surrender(EVENTS)
        self.surrender(BYTES)
        for throttle in self._all():
            throttle.attached -= 1
        self._events = self._bytes = ()

    def _all(self) -> tuple[Throttle, ...]:
        return self._events + self._bytes

    def _of(self, kind: str) -> tuple[Throttle, ...]:
        return self._events if kind == EVENTS else self._bytes

    def unspent(self, kind: str) -> int:
        """Credit that the scanner still holds; negative where its last message overdrew it."""
        return self.scanner.events if kind == EVENTS else self.scanner.octets

    def surrender(self, kind: str) -> None:
        """Return the unspent lease of `kind` to every throttle it was drawn from; an overdraft is charged."""
        throttles = self._of(kind)
        if not throttles:
            return
        left = self.unspent(kind)
        for throttle in throttles:
            throttle.holders.pop(self, None)
            throttle.taken -= left
        self._add(kind, -left)

    def _add(self, kind: str, amount: int) -> None:
        # The fields themselves, not grant(): a scanner that stopped for want of credit stays stopped.
        if kind == EVENTS:
            self.scanner.events += amount
        else:
            self.scanner.octets += amount

    def refill(self, scanner: Scanner, wanted: int = 1) -> bool:
        """The scanner's hook: the frame at hand does not fit its credit.

        Args:
            scanner: the one this purse was made for.
            wanted: payload bytes of that frame.

        Returns:
            Whether a message may begin: there is credit for it, be it less than its bytes.
        """
        now = self._clock()
        for throttle in self._all():
            throttle.roll(now)
        events = self._lease(EVENTS, 1)
        octets = self._lease(BYTES, max(wanted, 1))
        if scanner.events + events > 0 and scanner.octets + octets > 0:
            scanner.grant(events, octets)
            return True
        self._add(EVENTS, events)
        self._add(BYTES, octets)
        return False

    def _lease(self, kind: str, wanted: int) -> int:
        """Take a lease of `kind` out of every throttle at once: as much as the tightest shares out."""
        throttles = self._of(kind)
        if not throttles or self.unspent(kind) >= wanted:
            return 0
        self.surrender(kind)
        for throttle in throttles:
            if throttle.remaining() < wanted:
                throttle.reclaim(self)
        amount = min([max(throttle.share(), min(wanted, throttle.remaining())) for throttle in throttles])
        amount = max(amount, 0)
        for throttle in throttles:
            throttle.taken += amount
            # Even with nothing: what a message that has begun overdraws from here on is this window's.
            throttle.holders[self] = None
        return amount

    def spent_throttles(self) -> list[Throttle]:
        """The throttles that let nothing more of this purse pass in their present windows."""
        return [throttle for throttle in self._all() if throttle.spent()]


def retry_after(throttles: Iterable[Throttle], now: float) -> int:
    """Whole seconds until every one of these windows has ended; at least 1."""
    return max([1, *(ceil(throttle.end - now) for throttle in throttles)])
