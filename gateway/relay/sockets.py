"""The fast leg: a raw socket in one edge-triggered epoll that all sessions share (Linux)."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from gateway.core.frames import FrameScanner
from gateway.relay.legs import Leg, unacknowledged
from gateway.relay.link import Link
from gateway.relay.poller import BROKEN, GONE, READABLE, WRITABLE, Poller

READ_BYTES: Final = 81920
"""One read: a message of 64 KiB with its header in one go (measured: 1.02 of nginx's CPU; 1.17 with 65536). Above
128 KiB glibc maps and unmaps memory for every buffer."""
READS: Final = 8
"""Reads of one leg before others get their turn."""

DRAIN: Final = 1 << 20  # our own: read until nothing is there, its edge has been reported before
TO_THE_END: Final = GONE | DRAIN
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() resets


class SocketLeg(Leg):
    """A leg on a raw, non-blocking, connected socket, whose descriptor it owns.

    `fd` is -1 once closed: a late callback must never touch a descriptor number that belongs to somebody else by then.

    Args:
        fd: the descriptor; the poller may know it already, by a guest that gives it to this leg.
        unread: something may have come on it that no edge will tell of.
    """

    __slots__ = ("fd", "pending", "poller")

    def __init__(self, link: Link, scanner: FrameScanner, fd: int, *, unread: bool = True) -> None:
        super().__init__(link, scanner)
        self.fd = fd
        self.pending = b""  # accepted for this side, not yet written; `full` while there is any
        self.poller = Poller.of(link.loop)
        self.waiting = unread
        if fd in self.poller.legs:  # the guest that it was
            self.poller.legs[fd] = self
        else:
            self.poller.add(self)

    @property
    def alive(self) -> bool:
        """See Leg."""
        return self.fd >= 0

    def ready(self, what: int) -> None:  # noqa: C901, PLR0912 - the hottest function: every call costs 1 %
        """The kernel says what the socket is ready for."""
        if what & WRITABLE:
            if self.full:
                self._flush(b"")
            if what == WRITABLE:
                return
        scanner = self.scanner
        turns = READS
        while self.fd >= 0:
            peer = self.peer
            if peer.full or scanner.event:
                self._put_off(what)
                return
            try:
                data = os.read(self.fd, READ_BYTES)
            except OSError as error:
                self._ended(error)
                return
            if not data:
                self._ended(None)
                return
            got = len(data)
            if self.rest:
                data = self.rest + data
                self.rest = b""
            taken = scanner.feed(data)
            if taken == len(data):
                peer.write(data)
            else:
                self.rest = data[taken:]
                if taken:
                    peer.write(data[:taken])
            if scanner.event:
                self.stopped()
            if got < READ_BYTES and not what & TO_THE_END:
                return
            turns -= 1
            if turns == 0:
                self.link.loop.call_soon(self._again, what | DRAIN)
                return

    def _ended(self, error: OSError | None) -> None:
        """Nothing to read now, an end of stream (None), or a broken connection."""
        if not isinstance(error, BlockingIOError):
            self.link.lost(self, "reset" if error else "eof")

    def _again(self, what: int) -> None:
        if self.fd >= 0:
            self.ready(what)

    def _put_off(self, what: int) -> None:
        """The peer is full or the scanner has stopped."""
        if not self.held:
            self._listen(what)
            return
        self.waiting = True
        if what & GONE or self.over:
            self.departed(bool(what & BROKEN))

    def _listen(self, what: int) -> None:
        """Read what no longer travels on: this side's answer to a close, or nothing of interest."""
        for _ in range(READS):
            try:
                data = os.read(self.fd, READ_BYTES)
            except OSError as error:
                self._ended(error)
                return
            if not data:
                self._ended(None)
                return
            self.aside(data)
            if self.fd < 0:
                return
        self.link.loop.call_soon(self._again, what | DRAIN)

    def write(self, data: bytes) -> None:
        """See Leg."""
        if self.full or self.fd < 0:
            self._flush(data)
            return
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.link.loop.call_soon(self._broken)
            return
        if sent != len(data):
            self.pending = data[sent:]
            self.full = True

    def _flush(self, more: bytes) -> None:
        """Write what waits, and `more` behind it."""
        if self.fd < 0:
            return
        data = self.pending + more
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(data)
            self.link.loop.call_soon(self._broken)
        self.pending = data[sent:]
        self.moves += sent > 0
        if self.pending:
            return
        self.full = False
        peer = self.peer
        if self.leaving:
            self.leave()
        if peer.waiting:
            self.link.loop.call_soon(peer.go_on)

    def _broken(self) -> None:
        """Writing failed; what this side sent before is read first, it may be a close frame."""
        if self.fd < 0:
            return
        self.ready(READABLE | BROKEN)
        if self.fd >= 0 and not self.over:
            self.link.lost(self, "reset")

    def read_on(self) -> None:
        """See Leg."""
        self._again(READABLE | DRAIN)

    def end_writing(self) -> None:
        """See Leg."""
        with borrowed(self.fd) as sock, suppress(OSError):
            sock.shutdown(socket.SHUT_WR)

    def drop(self) -> None:
        """See Leg."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self.pending, self.full = b"", False
            self.poller.close(fd)
        self.link.left()

    def abort(self) -> None:
        """See Leg."""
        if self.fd >= 0:
            with borrowed(self.fd) as sock, suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.drop()

    def unsent(self) -> int:
        """See Leg."""
        return len(self.pending)

    def progress(self) -> object:
        """See Leg."""
        return self.moves, len(self.pending)

    def untaken(self) -> int:
        """See Leg."""
        return unacknowledged(self.fd)


@contextmanager
def borrowed(fd: int) -> Iterator[socket.socket]:
    """A socket object for a moment; the descriptor stays ours."""
    # Family and type are said so that Python need not ask the kernel; nothing done with this object depends on them.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=fd)
    try:
        yield sock
    finally:
        sock.detach()
