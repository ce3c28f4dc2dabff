"""What a direction whose messages are dropped or held back has been told, and whether its sender takes notice.

A sender is told once in a window how long to wait. What was on its way then is forgiven, so whoever waits as long as
it was asked is never closed; whoever goes on sending is. Source: CONTRACT section 7.
"""

from __future__ import annotations

from typing import Final

GRACE_S: Final = 5.0
"""What is dropped so soon after a notice was on its way, and nobody is closed who was first told less long ago."""
GRACE_PART: Final = 0.75  # of the announced wait, where that is shorter: a limit per second has a notice each second
DRY_S: Final = 0.05  # so long a direction that found no credit does not ask again, unless its window ends before
TOLERATED: Final = 20
"""Messages that may be dropped beyond that in an unbroken run of windows; with one more the session is closed."""


class Grading:
    """One direction of one session, made with its first message that finds no credit.

    Windows in a row form a run as long as something is dropped in each of them after its grace: a sender that keeps
    still for as long as it was asked breaks it, however slow its connection.

    Attributes:
        until: end of the window that it was last looked at in (epoch seconds).
        told_at: when the sender was told in this window, or None.
        seen: messages dropped until it was last looked at.
        dry_until: nothing is free before that moment (monotonic), so nobody need be asked.
    """

    __slots__ = ("began", "dry_until", "excess", "grace_s", "late", "seen", "told_at", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.told_at: float | None = None
        self.grace_s = 0.0
        self.late = False  # something was dropped in this window after its grace
        self.began = 0.0  # of the run
        self.excess = 0  # messages dropped in it after a grace
        self.seen = 0
        self.dry_until = 0.0

    def stale(self, now: float) -> bool:
        """Whether it has to be looked at anew: its window is over, nobody was told in it, or the clock was set back."""
        return now >= self.until or self.told_at is None or now < self.told_at

    def begin(self, now: float, start: float, until: float) -> None:
        """The window that is spent lasts from `start` to `until`; nothing happens while it is that of the last call."""
        if now < self.until and until <= self.until and (self.told_at is None or now >= self.told_at):
            return
        if not self.late or start > self.until:  # the last one ended in quiet, or was not the one before this
            self.excess = 0
        self.until, self.told_at, self.late = until, None, False

    def told(self, now: float, wait_s: float) -> None:
        """The sender was told at `now` to wait so long."""
        if not self.excess:
            self.began = now
        self.told_at = now
        self.grace_s = min(GRACE_S, GRACE_PART * wait_s)

    def ignored(self, now: float, dropped: int) -> bool:
        """So many more messages were dropped at `now`: whether the sender has ignored what it was told for too long."""
        if self.told_at is None or now - self.told_at <= self.grace_s:
            return False
        self.late = True
        self.excess += dropped
        return self.excess > TOLERATED and now - self.began >= GRACE_S
