"""A limit that several processes count together: this one's allotment of the common window, and when to ask for more.

Sessions draw their leases from a `SharedThrottle` as from any other; it only has no more than this process's allotment
(`gateway.core.pool`), asks for the next part before that is used up, and gives back what nobody here needs while others
have none. Whether a window is spent is known by its answer alone: until then a session waits. While the pool cannot be
asked the throttle lives on a bounded local credit, which is charged once it can.
"""

from __future__ import annotations

from typing import Final, Protocol

from gateway.core.pool import Answer, Call
from gateway.core.throttling import (
    BYTES,
    EXACT_HOLDERS,
    FOREVER,
    HANDSHAKES,
    LARGEST_LEASE,
    SHARE,
    Holder,
    Limit,
    Throttle,
)

FLOOR: Final = {BYTES: 64 << 10}  # what is asked for at first, where the share allows it; of all others FEW
FEW: Final = 32
CEILING: Final = {BYTES: 256 << 20}
MANY: Final = 1 << 18
HORIZON_S: Final = 6.0  # an allotment lasts about so long at the present pace, where the share allows it
ASK_AT: Final = 4  # with this part of an allotment left
GROWTH: Final = 4  # at most so much more than the last time
TIGHT: Final = (
    20  # a window with less than this part left: purses of idle sessions are called in, idle parts go back soon
)
USE_S: Final = 0.05  # for those who waited for a grant to use it, before others may have it
# until those who hold credit elsewhere have given it back; of any length, or compiling takes it apart
RETRY_S: Final[tuple[float, ...]] = (0.03, 0.06, 0.12, 0.25, 0.25, 0.25)


class Teller(Protocol):
    """Who carries calls to the pool and answers back (`gateway.shared_counters`)."""

    def monotonic(self) -> float:
        """Seconds that are never set."""

    def want(self, throttle: SharedThrottle) -> None:
        """Make its call soon."""

    def new_life(self) -> int:
        """A number that no throttle of this process has had."""

    def holder(self, life: int) -> str:
        """What this throttle is called among the holders of a window, in all processes."""


class SharedThrottle(Throttle):
    """One limit of the fleet, as one process sees it.

    Args:
        name: of the counter, the same in every process.
        teller: carries its calls.

    Attributes:
        allotted: what this process holds of the window; `taken` is what its sessions have of that.
        known: the pool has answered in this window.
        dry: there is nothing more in it, as far as can be known; asking is in vain until something happens.
        tight: little is left of the window.
        borrowed: local credit of this window that was used without the pool.
        retry_at: when to ask again (monotonic), 0.0 if not.
    """

    __slots__ = (
        "_asked_at", "_granted_at", "_left_there", "_life", "_low", "_needed", "_number", "_pace_from",
        "_share_there", "_target", "_teller", "_told", "_tries", "allotted", "asking", "borrowed", "dry", "known",
        "name", "retry_at", "tight",
    )  # fmt: skip

    def __init__(
        self, limit: Limit, now: float, prefix: str = "", plan: str = "", *, name: str, teller: Teller
    ) -> None:
        super().__init__(limit, now, prefix, plan)
        self.name = name
        self._teller = teller
        self._number = 0
        self._target = self._floor()
        self._asked_at = self._granted_at = 0.0
        self._anew()

    def _anew(self) -> None:
        """Another window: nothing is known of it."""
        self._life = self._teller.new_life()
        self.allotted = self.borrowed = 0
        self.known = self.dry = self.asking = self.tight = False
        self.retry_at = 0.0
        self._tries = self._needed = self._low = self._pace_from = 0
        self._told = 0, 0  # held and spent, as the pool knows them
        self._left_there = self.limit.amount
        self._share_there = max(1, self.limit.amount)

    def _floor(self) -> int:
        return FLOOR.get(self.limit.kind, 1 if self.limit.kind == HANDSHAKES else FEW)

    @property
    def holder(self) -> str:
        """Its name among those who hold a part of the present window."""
        return self._teller.holder(self._life)

    @property
    def key(self) -> str:
        """Of the present window in the pool."""
        return f"{self.name}@{self.start}"

    # -- as sessions see it -------------------------------------------------------------------------------------

    def remaining(self) -> int:
        """What is left of the allotment."""
        return self.allotted - self.taken

    def share(self) -> int:
        """How much one purse may lease now; asks for more in time."""
        left = self.remaining()
        if left <= self._low:
            self.ask(1)
        return min(left, max(1, left // (SHARE * (len(self.holders) + 1))), LARGEST_LEASE[self.limit.kind])

    def short(self, wanted: int, holder: Holder) -> None:
        """Somebody wants more than is left here. Near the end of the window others of this process give first."""
        self.ask(wanted)
        if self.tight:
            self.reclaim(holder)

    def warn(self, holder: Holder, wanted: int) -> int:
        """Ring for those whose mark is reached, by what is known of all processes."""
        if self.bell is not None:
            self.bell.ring(self, self.limit.amount - self.left() + wanted)
        return FOREVER

    def take(self, amount: int = 1) -> bool:
        """Charge at once, out of the allotment; what has not been asked for yet is not there."""
        if self.remaining() - amount <= self._low:
            self.ask(amount)
        return super().take(amount)

    def awaited(self) -> bool:
        """Nothing is left here, but more may be on its way."""
        return not self.dry and self.remaining() <= 0

    def settled(self) -> bool:
        """Whether a handshake can be judged by it."""
        return self.dry or (self.remaining() > 0 if self.limit.kind == HANDSHAKES else self.known)

    def spent(self) -> bool:
        """Whether nothing more may pass in this window, anywhere."""
        return self.dry and self.remaining() <= 0 and self.passed() >= self.taken

    def used(self) -> int:
        """What is taken out of the window: that of other processes as of the last answer, allotments included."""
        return self.limit.amount - self._left_there - self.remaining()

    def left(self) -> int:
        """What is announced: what was left in the pool at the last answer, and what is unspent here."""
        return max(0, self._left_there + self.allotted - self.passed())

    def roll(self, now: float) -> bool:
        rolled = super().roll(now)
        if rolled:
            self._anew()
        return rolled

    def follow(self, now: float) -> None:
        before = self.start
        super().follow(now)
        if self.start != before:  # the pool knows what was taken in that one
            self.reclaim()
            self.taken = 0
            self._anew()

    def adopt(self, limit: Limit) -> None:
        super().adopt(limit)
        self.room()

    # -- as the pool sees it ------------------------------------------------------------------------------------

    def ask(self, needed: int) -> None:
        """More is needed, soon."""
        self._needed = max(self._needed, needed)
        if not self.asking and not self.dry and not self.retry_at:
            self.asking = True
            self._teller.want(self)

    def call(self) -> Call:
        """Ask for more, out of what is needed here and how fast it has been used."""
        now = self._teller.monotonic()
        self._target = self._pace(now)
        self._low = self._target // ASK_AT
        held = max(self.allotted, self.taken)  # a message may have overdrawn it
        wanted = max(self._needed, self._target - (held - self.taken))
        self._asked_at, self._pace_from = now, self.taken
        exact = self.tight or len(self.holders) <= EXACT_HOLDERS
        return self._say(held, min(self.passed() if exact else self._told[1], held), wanted)

    def _pace(self, now: float) -> int:
        used = self.taken - self._pace_from
        pace = int(used / max(now - self._asked_at, 0.001) * HORIZON_S)
        most = min(CEILING.get(self.limit.kind, MANY), self._share_there, GROWTH * self._target)
        return max(1, min(max(pace, self._floor(), 2 * len(self.holders)), most))

    def report(self, bye: bool = False) -> Call | None:
        """Give back everything that is unspent, or None where the pool knows everything.

        Args:
            bye: this process goes.
        """
        self.reclaim()
        held = self.allotted = self.taken
        return self._say(held, held, 0, bye) if bye or self._told != (held, held) else None

    def recall(self) -> Call | None:
        """Others have none: give back what nobody here needs. Who has just been given something may use it first."""
        if self.asking or self._teller.monotonic() - self._granted_at < USE_S:
            return None
        return self.report()

    def _say(self, held: int, spent: int, wanted: int, bye: bool = False) -> Call:
        self.asking = True
        self.allotted = held
        self._number += 1
        limit, end = self.limit, self.end
        needed = self._needed if wanted else 0
        return Call(self.key, self.holder, self._number, held, spent, wanted, needed, limit.amount, end, bye)

    def answered(self, call: Call, answer: Answer) -> None:
        """The pool's word; one about another window dies with that, and only the last call's counts."""
        if call.holder != self.holder or call.number != self._number:
            return
        self.asking = False
        self.known = True
        self.allotted += answer.granted
        self._told = call.held + answer.granted, call.spent
        self._left_there, self._share_there = max(0, answer.left), answer.share
        self.tight = answer.left * TIGHT < self.limit.amount
        if not call.wanted:
            return
        if answer.granted:
            self._granted_at = self._teller.monotonic()
            self.room()
            self._needed = 0
        elif answer.elsewhere <= 0 or self._tries >= len(RETRY_S):
            self.dry = True
        else:
            self.retry_at = self._teller.monotonic() + RETRY_S[self._tries]
            self._tries += 1

    def retry(self) -> None:
        """It is time to ask again."""
        if self.retry_at:
            self.retry_at = 0.0
            self.ask(1)

    def room(self) -> None:
        """There may be something in the window again."""
        self.dry = False
        self._tries = 0
        self.retry_at = 0.0

    # -- without the pool ---------------------------------------------------------------------------------------

    def lost(self, call: Call) -> None:
        """A call was not answered. What it may have been given all the same the next one puts right."""
        if call.holder == self.holder and call.number == self._number:
            self.asking = False

    def lend(self, credit: int) -> None:
        """The pool is away: go on with at most `credit` in this window; without any left, it is spent for now."""
        self.asking = False
        self.retry_at = 0.0
        more = credit - self.borrowed
        if more > 0:
            self.borrowed = credit
            self.allotted = max(self.allotted, self.taken) + more
        self._needed = 0
        self.dry = self.remaining() <= 0

    def returned(self) -> None:
        """The pool is there again: local credit that was not used is not charged, and may be used another time."""
        self.reclaim()
        self.borrowed -= min(self.borrowed, max(0, self.remaining()))
        self.room()
