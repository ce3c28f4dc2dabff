"""A warning before a limit is reached, for those who asked for one: once per window and limit.

A throttle that somebody listens to has a `Bell`. The lease of a purse ends where the bell must ring, so nothing is
asked per message; a throttle without listeners has none and costs nothing. Source: CONTRACT section 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.core.limits import FOREVER, SHARE

if TYPE_CHECKING:
    from gateway.core.throttling import Holder, Throttle


class Listener(Protocol):
    """Who wants to be warned (`gateway.core.session.Session`)."""

    def warn(self, throttle: Throttle) -> None:
        """So much of it is taken as was asked for. It must not write to or close the session from within."""


class Bell:
    """Who listens to one throttle, at which percentage of it each, and for which window each was warned last."""

    __slots__ = ("_percents", "_warned")

    def __init__(self) -> None:
        self._percents: dict[Listener, int] = {}
        self._warned: dict[Listener, tuple[float, int]] = {}  # start of the window, and the amount of the limit

    def __len__(self) -> int:
        return len(self._percents)

    def add(self, listener: Listener, percent: int) -> None:
        """Warn this one from now on when so much of the limit is taken."""
        self._percents[listener] = percent

    def remove(self, listener: Listener) -> None:
        """Its session is over."""
        self._percents.pop(listener, None)
        self._warned.pop(listener, None)

    def next(self, throttle: Throttle) -> int | None:
        """The smallest amount at which somebody is still to be warned in this window."""
        window = throttle.start, throttle.limit.amount
        marks = [
            mark(throttle.limit.amount, percent)
            for listener, percent in self._percents.items()
            if self._warned.get(listener) != window
        ]
        return min(marks, default=None)

    def ring(self, throttle: Throttle, taken: int) -> None:
        """So much is taken: warn everybody who asked for that much or less, and was not warned yet."""
        window = throttle.start, throttle.limit.amount
        for listener, percent in list(self._percents.items()):
            if taken >= mark(throttle.limit.amount, percent) and self._warned.get(listener) != window:
                self._warned[listener] = window
                listener.warn(throttle)


def mark(amount: int, percent: int) -> int:
    """How much has to be taken of `amount` for `percent` of it, rounded up."""
    return -(-amount * percent // 100)


def before_warning(throttle: Throttle, bell: Bell, holder: Holder, wanted: int) -> int:
    """Warn those whose mark `wanted` more reaches, and say how much may be leased before the next mark.

    Like the limit itself a mark is exact: before the bell rings, what others hold unspent is called in.
    """
    nearest = bell.next(throttle)
    if nearest is not None and throttle.used() + wanted >= nearest:
        throttle.reclaim(holder)
        bell.ring(throttle, throttle.used() + wanted)
        nearest = bell.next(throttle)
    if nearest is None:
        return FOREVER
    return max(wanted, (nearest - 1 - throttle.used()) // (SHARE * (len(throttle.holders) + 1)))


def listen(throttle: Throttle, listener: Listener, percent: int) -> None:
    """Begin to listen; where so much has passed already, the warning comes at once."""
    if throttle.bell is None:
        throttle.bell = Bell()
    throttle.bell.add(listener, percent)
    throttle.bell.ring(throttle, throttle.limit.amount - throttle.left())


def unlisten(throttle: Throttle, listener: Listener) -> None:
    """Stop listening; the last one takes the bell away."""
    if throttle.bell is not None:
        throttle.bell.remove(listener)
        if not throttle.bell:
            throttle.bell = None
