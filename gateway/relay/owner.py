"""What a link says to whoever decides about it, and in which words."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from gateway.core.frames import FrameScanner


class Direction(enum.Enum):
    """Which way frames travel."""

    IN = "in"  # client -> upstream
    OUT = "out"  # upstream -> client


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended.

    Attributes:
        initiator: "client", "upstream" or "gateway": who closed first, vanished or made it impossible to go on.
        code: the first close code seen or sent; 1005 if that close frame had none, 1006 if there was no close frame.
        reason: the text that came with it; for a broken rule, whose frame it was.
        how: "close" (a close frame began it and both sides ended in time), "eof" or "reset" (the initiator vanished
            without a close frame), "timeout" (a side did not answer or take anything in time), "error" (an illegal
            frame, or abort()).
    """

    initiator: str
    code: int
    reason: str
    how: str


class LinkOwner(Protocol):
    """Who decides about a link; implemented by the session."""

    scanner_in: FrameScanner
    scanner_out: FrameScanner

    def spent(self, direction: Direction) -> None:
        """That direction has no credit and its refill hook gave none: close the link, or later grant and resume."""

    def discarded(self, direction: Direction) -> None:
        """Messages of that direction were left out (`scanner.discard`): once for each read that brought some.

        The link may be closed from within, and `notice` be called.
        """

    def ended(self, ending: Ending) -> None:
        """The link is over; exactly once, and the last call."""
