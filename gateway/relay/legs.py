"""What both kinds of leg share: judging what came in, holding it back, and writing a close of the gateway's own."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from gateway.core.frames import ANSWER, CLOSED, CREDIT, DROP, FLOOD, GO, HALTED, FrameScanner

if TYPE_CHECKING:
    from gateway.relay.link import Link

LINGER_S: float = 5.0
"""How long one side may take to answer the other's close frame, and how long a side that has left is kept while what
it sent last waits for a stuck peer."""
CONTROL_WINDOW_S: float = 1.0
"""One frames.CONTROL_BURST per this long; what exceeds it waits in TCP, nothing is lost."""


def unacknowledged(fd: int) -> int:
    """Bytes in the kernel that the far end of this TCP socket has not taken (tcp(7), SIOCOUTQ).

    The kernel says "writable" only when a good part of its buffer, which grows to megabytes, is free again: without
    this a reader that is slow but steady would look like one that has stopped.
    """
    if fcntl is None or fd < 0:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"), sys.byteorder)
    except OSError:
        return 0


class Leg(ABC):
    """One side of a session: frames come from it, and the other side's frames go to it.

    `full` means that bytes for this side wait, so the peer must not be read; at most one read of the peer waits.
    `waiting` means that this side has, or may have, bytes that nobody reads until there is room or credit.
    """

    __slots__ = (
        "final", "full", "leaving", "link", "moves", "over", "peer", "relief", "rest", "scanner", "told", "waiting",
    )  # fmt: skip
    __deletable__ = ("peer",)  # mypyc wants to know

    def __init__(self, link: Link, scanner: FrameScanner) -> None:
        self.link = link
        self.scanner = scanner
        self.peer: Leg = self
        self.rest = b""  # read but not passed on: an incomplete header, or what the scanner stopped
        self.full = False
        self.waiting = False
        self.moves = 0  # how often some of what waited for this side was taken
        self.over = False  # this side has ended its stream
        self.told = False  # a close frame of our own was written to it
        self.final = b""  # that close frame, while it waits for a frame boundary
        self.leaving = False  # close it as soon as everything is written
        self.relief = 0.0  # loop time before which no further CONTROL_BURST is allowed

    # -- what a kind of leg must be able to do ------------------------------------------------------------------

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Its connection is still ours."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send `data`, or keep it and be `full`; nothing happens on a leg that is not alive."""

    @abstractmethod
    def read_on(self) -> None:
        """Read what was left unread."""

    @abstractmethod
    def end_writing(self) -> None:
        """Send an end of stream but go on reading, where the kind of leg can."""

    @abstractmethod
    def drop(self) -> None:
        """Close now; what waits unsent is lost. Then tell the link."""

    @abstractmethod
    def abort(self) -> None:
        """Close with a reset. Then tell the link."""

    @abstractmethod
    def unsent(self) -> int:
        """Bytes accepted for this side that are not in the kernel yet."""

    @abstractmethod
    def progress(self) -> object:
        """What waits for this side, to compare with what waits later: the same, and it has taken nothing meanwhile."""

    @abstractmethod
    def untaken(self) -> int:
        """Bytes in the kernel for this side that it has not taken; 0 where that cannot be told."""

    # -- judging ------------------------------------------------------------------------------------------------

    def forward(self, data: bytes) -> None:
        """Judge `data` and write what may pass to the peer."""
        taken = self.scanner.feed(data)
        if taken:
            self.peer.write(data[:taken])
        self.rest = data[taken:]
        if self.scanner.event:
            self.stopped()

    def stopped(self) -> None:
        """The scanner stopped at a frame boundary of what this side sends."""
        event = self.scanner.event
        if event in {ANSWER, DROP}:
            self._sift()
            event = self.scanner.event
        if event == GO:
            return
        if event == CREDIT:
            self.waiting = True
            self.link.spent(self)
        elif event == FLOOD:
            self.waiting = True
            self._flooded()
        elif event == HALTED:
            self.at_boundary()
        elif event == CLOSED:
            self.rest = b""
            self.link.said_goodbye(self)
        else:
            self.rest = b""
            self.link.violated(self, event)

    def _sift(self) -> None:
        """Pass on what was read without the frames that are left out of it."""
        scanner, data = self.scanner, self.rest
        dropping, before = scanner.event == DROP, scanner.discarded
        passed, judged = scanner.sift(data)
        self.rest = data[judged:]
        if passed:
            self.peer.write(passed)
        if dropping or scanner.discarded != before:
            self.link.discarded(self)

    def aside(self, data: bytes) -> None:
        """What this side still sends after its frames are no longer passed on."""
        event = self.scanner.event
        if event in (CREDIT, FLOOD):
            self.rest += data
        elif event == HALTED:
            data = self.rest + data
            self.rest = data[self.scanner.seek(data) :]
            if self.scanner.event == CLOSED:
                self.rest = b""
                self.link.settle()
            elif self.scanner.event != HALTED:  # its answer can no longer be found
                self.rest = b""
                if self.told:
                    self.leave()

    def go_on(self) -> None:
        """Credit, calm or room came: judge what was kept, then read on."""
        if not self.alive:
            return
        if self.rest and self.scanner.event == GO:
            self.forward(self.rest)
        if self.waiting and not self.held:
            self.waiting = False
            self.read_on()

    @property
    def held(self) -> bool:
        """This side must not be read now."""
        event = self.scanner.event
        return event in (CREDIT, FLOOD) or (event == GO and self.peer.full)

    def _flooded(self) -> None:
        loop = self.link.loop
        now = loop.time()
        if now >= self.relief:
            self._calm()
        else:
            loop.call_later(self.relief - now, self._calm)

    def _calm(self) -> None:
        if self.alive:
            self.relief = self.link.loop.time() + CONTROL_WINDOW_S
            self.scanner.calm()
            self.link.loop.call_soon(self.go_on)

    @property
    def informed(self) -> bool:
        """A close frame was written to this side: the peer's, passed on, or one of our own."""
        return self.told or self.peer.scanner.closed

    # -- ending -------------------------------------------------------------------------------------------------

    def at_boundary(self) -> None:
        """No frame of this side is half way: write the close that waits for the peer; from now on only listen."""
        if self.scanner.event in (GO, CREDIT, FLOOD):
            self.scanner.event = HALTED
        peer = self.peer
        if peer.final:
            final, peer.final, peer.told = peer.final, b"", True
            peer.write(final)
            if peer.scanner.event > HALTED and peer.scanner.event != CLOSED:
                peer.leave()  # it broke the protocol: nothing of it can be understood as an answer
            self.link.wait_for_answer()
        if self.alive and self.scanner.event == HALTED:
            self.aside(b"")
            self.link.loop.call_soon(self.go_on)

    def hush(self) -> None:
        """Let no further frame of this side begin."""
        if self.scanner.halt():
            self.at_boundary()

    def leave(self) -> None:
        """Close once everything is written; if its end is not known, end our stream and wait for its."""
        self.leaving = True
        if self.full or not self.alive:
            return
        if self.over or self.scanner.closed:
            self.drop()
        else:
            self.end_writing()

    def departed(self, broken: bool) -> None:
        """The kernel says that this side has left, while its reading is put off.

        Without credit nothing it still sends may pass, so it ends now. If only the peer is slow, what was sent before
        leaving is still delivered, as long as the peer takes any of it.
        """
        if broken:
            self.link.lost(self, "reset")
        elif self.scanner.event == CREDIT:
            self.link.lost(self, "eof")
        elif not self.over:
            self.over = True
            self._watch(self.peer.progress())

    def _watch(self, before: object) -> None:
        self.link.loop.call_later(LINGER_S, self._look, before)

    def _look(self, before: object) -> None:
        if not self.alive:
            return
        now = self.peer.progress()
        if not self.waiting or now != before:
            self._watch(now)
        else:
            self.link.lost(self, "eof")
