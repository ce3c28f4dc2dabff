"""Plans that count: a Limit (`gateway.core.limits`) running is a Throttle, and a Purse draws from throttles.

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
from functools import lru_cache
from math import ceil
from typing import Final, Protocol

from gateway.core.limits import BOTH, BYTES, EVENTS, FOREVER, HANDSHAKES, SECONDS, SHARE, Limit, tightest
from gateway.core.warning import Bell, before_warning
from gateway.core.windows import window

__all__ = [
    "BOTH", "BYTES", "EVENTS", "FOREVER", "HANDSHAKES", "LARGEST_LEASE", "SECONDS", "SHARE", "Holder", "Limit",
    "Purse", "Throttle", "lease_of", "retry_after", "tightest",
]  # fmt: skip

# The largest lease: big enough that asking costs nothing per message, small enough that a shared plan stays shared.
LARGEST_LEASE: Final = {EVENTS: 512, BYTES: 4 << 20, SECONDS: 60}
EXACT_HOLDERS: Final = 64  # leases that are added up for an announcement: a handshake costs the same with more sessions


class Scanner(Protocol):
    """What a purse needs of `gateway.core.frames.FrameScanner`: its credit, and a way to add to it."""

    events: int
    octets: int

    def grant(self, events: int, octets: int) -> None: ...


class Holder(Protocol):
    """Who leases from throttles: a `Purse`, or connection time (`gateway.core.airtime`)."""

    def unspent(self, kind: str) -> int:
        """What it holds and has not spent; negative where it has overdrawn it."""

    def surrender(self, kind: str) -> None:
        """Give that back."""


class Throttle:
    """One limit, running: how much of the present window is taken, and by whose leases.

    `taken` counts everything leased or spent in this window, including what lies unspent in `holders`. `bell` is there
    while somebody wants to be warned.
    """

    __slots__ = ("attached", "bell", "end", "holders", "limit", "named", "plan", "prefix", "start", "taken")

    def __init__(self, limit: Limit, now: float, prefix: str = "", plan: str = "") -> None:
        self.limit = limit
        self.prefix = prefix  # of its name in RateLimit fields: two plans may have limits of one name
        self.plan = plan  # the name of its plan, for a refusal
        self.start, self.end = window(limit.per, now)
        self.taken = 0
        self.holders: dict[Holder, None] = {}  # those with a lease, in the order they drew (dicts keep it)
        self.attached = 0
        self.bell: Bell | None = None
        self.named: tuple[Limit, str, str, str] | None = None  # of that limit and prefix, by `core.announcing`

    def remaining(self) -> int:
        """What is left to lease; negative after an overdraft."""
        return self.limit.amount - self.taken

    def passed(self) -> int:
        """What really went through in this window: everything taken, less the unspent leases."""
        return self.taken - sum(holder.unspent(self.limit.kind) for holder in self.holders)

    def used(self) -> int:
        """What is taken out of this window by anybody, unspent leases included."""
        return self.taken

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

    def reclaim(self, besides: Holder | None = None) -> None:
        """Call in the unspent leases of everybody, except of `besides`."""
        for holder in [*self.holders]:
            if holder is not besides:
                holder.surrender(self.limit.kind)

    def short(self, wanted: int, holder: Holder) -> None:
        """Somebody wants more than is left: the others give first."""
        self.reclaim(holder)

    def awaited(self) -> bool:
        """Whether more may be on its way, although nothing is left (`gateway.core.leases`)."""
        return False

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
        amount = lease_of(throttles, self, wanted)
        for throttle in throttles:
            throttle.taken += amount
            # Even with nothing: what a message that has begun overdraws from here on is this window's.
            throttle.holders[self] = None
        return amount

    def awaited(self) -> bool:
        """Whether it is not known yet if its next message may pass; who waits is told by `Session.try_again`."""
        return any(one.awaited() for one in self._all()) and not self.spent_throttles()

    def spent_throttles(self) -> list[Throttle]:
        """The throttles that let nothing more of this purse pass in their present windows."""
        return [throttle for throttle in self._all() if throttle.spent()]


def lease_of(throttles: tuple[Throttle, ...], holder: Holder, wanted: int) -> int:
    """How much one who holds nothing of these may lease now of all at once: as much as the tightest shares out."""
    amount = FOREVER
    for throttle in throttles:
        if throttle.remaining() < wanted:
            throttle.short(wanted, holder)
        if throttle.bell is not None:
            amount = min(amount, before_warning(throttle, throttle.bell, holder, wanted))
    return max(0, min([amount, *[max(one.share(), min(wanted, one.remaining())) for one in throttles]]))


def retry_after(throttles: Iterable[Throttle], now: float) -> int:
    """Whole seconds until every one of these windows has ended; at least 1."""
    return max([1, *(ceil(throttle.end - now) for throttle in throttles)])
