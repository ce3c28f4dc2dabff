"""Limits on connection time: seconds per window, summed over all sessions that count under them.

A session leases seconds as its purses lease messages: it is asked again when its lease is over, so between two leases
nothing happens. A second that has begun counts; whole ones that are left go back when the session ends.
Source: CONTRACT section 7.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Final

from gateway.core.throttling import LARGEST_LEASE, SECONDS, Throttle, lease_of

ASK_AGAIN_S: Final = 0.25  # where other processes have to be asked first


class AirTime:
    """The paid connection time of one session; it holds leases like a `Purse`.

    Args:
        clock: epoch seconds, for windows.
        monotonic: seconds that are never set, for durations.
        changed: called when `until` has moved nearer because somebody else needs the time, or a window ended.

    Attributes:
        until: when what is paid for is over (monotonic); `pay` then.
    """

    __slots__ = ("_changed", "_clock", "_monotonic", "_throttles", "until")

    def __init__(self, clock: Callable[[], float], monotonic: Callable[[], float], changed: Callable[[], None]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._changed = changed
        self._throttles: tuple[Throttle, ...] = ()
        self.until = monotonic()

    def attach(self, throttles: tuple[Throttle, ...]) -> None:
        """Count under these from now on; what was leased from others goes back first."""
        self.close()
        self.until = max(self.until, self._monotonic())
        self._throttles = throttles
        for throttle in throttles:
            throttle.attached += 1

    def close(self) -> None:
        """Give everything back and let go of the throttles. Idempotent."""
        self._give_back()
        for throttle in self._throttles:
            throttle.attached -= 1
        self._throttles = ()

    def unspent(self, kind: str) -> int:
        """Seconds that are paid for and have not begun; see `gateway.core.throttling.Holder`."""
        return max(0, ceil(self.until - self._monotonic()) - 1) if kind == SECONDS else 0

    def surrender(self, kind: str) -> None:
        """Somebody else needs the time, or the window is over: return what is left; `changed` is told."""
        if kind == SECONDS and self._throttles:
            self._give_back()
            self._changed()

    def _give_back(self) -> None:
        left = self.unspent(SECONDS)
        for throttle in self._throttles:
            if throttle.holders.pop(self, self) is None:  # it holds a lease of it
                throttle.taken -= left
        self.until -= left

    def pay(self) -> bool:
        """Lease more if what is paid for is over. False: nothing is left in the present window of a limit."""
        now = self._clock()
        for throttle in self._throttles:
            throttle.roll(now)
        if self.until > self._monotonic() or not self._throttles:
            return True
        for throttle in self._throttles:
            throttle.holders.pop(self, None)  # what it had is over
        amount = lease_of(self._throttles, self, 1)
        # not beyond a window: its leases die with it
        amount = min([amount, *(max(1, ceil(throttle.end - now)) for throttle in self._throttles)])
        if amount <= 0:
            awaited = any(throttle.awaited() for throttle in self._throttles)
            self.until = self._monotonic() + (ASK_AGAIN_S if awaited else 0)
            return awaited
        for throttle in self._throttles:
            throttle.taken += amount
            throttle.holders[self] = None
        # a late question changes nothing
        self.until = max(self.until, self._monotonic() - LARGEST_LEASE[SECONDS]) + amount
        return True

    def spent_throttles(self) -> list[Throttle]:
        """The limits that leave nothing in their present windows."""
        return [throttle for throttle in self._throttles if throttle.spent()]
