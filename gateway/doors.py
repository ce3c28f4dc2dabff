"""The kinds of connection that a doorway stands on.

On Linux it is a raw socket in the poller of the sessions, which it never leaves: it becomes a leg by a change of name.
`gateway.tls_door` puts TLS on it. Platforms without epoll come by a transport of the event loop.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import Final, cast

from gateway.callers import End
from gateway.core.frames import FrameScanner
from gateway.core.proxy_protocol import Source
from gateway.doorway import Doorway
from gateway.host import Host
from gateway.relay import Link, Poller, SocketLeg, TransportLeg
from gateway.relay.legs import Leg
from gateway.relay.poller import GONE, READABLE, WRITABLE
from gateway.relay.sockets import borrowed

READ_BYTES: Final = 65536
READS: Final = 8
"""Reads in one turn; more are thrown away only, and others wait."""


class SocketDoor(Doorway):
    """On a raw, non-blocking socket, which it owns.

    Args:
        host, source: see Doorway.
        poller: of the running loop.
        fd: the socket's descriptor.
        ends: address and port of the other end and of ours.
    """

    __slots__ = ("_ends", "_full", "_leaving", "_unsent", "fd", "poller", "signs")

    def __init__(
        self, host: Host, source: Source | None, poller: Poller, fd: int, ends: tuple[End, End], *, secure: bool = False
    ) -> None:
        super().__init__(host, secure, source)
        self.poller = poller
        self.fd = fd
        self.signs = 0
        self._ends = ends
        self._full = False  # more early frames than anybody keeps
        self._unsent = b""  # what could not be written yet
        self._leaving = False  # what is unsent is the last
        poller.add(self)
        self.arrive(fd)

    @property
    def ends(self) -> tuple[End, End]:
        """See Doorway."""
        return self._ends

    @property
    def lost(self) -> bool:
        """See Doorway."""
        return self.fd < 0

    def ready(self, what: int) -> None:
        """See Member: that a new socket can be written to is no news."""
        if what != WRITABLE or self._unsent:
            self.poller.postpone(self, what)

    def turn(self, what: int) -> None:
        """See Guest."""
        if self._unsent:
            self._write(b"")
        for _ in range(READS):
            if self._full:
                break
            try:
                data = os.read(self.fd, READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._gone()
                return
            self.received(data)
            if self.fd < 0 or (len(data) < READ_BYTES and not what & GONE):
                return
        if not self._full:
            self.poller.postpone(self, what)
        elif what & GONE:
            self._gone()

    def _gone(self) -> None:
        self.left()
        self.part()

    def hold_back(self) -> None:
        """See Doorway."""
        self._full = True

    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """See Doorway."""
        fd, self.fd = self.fd, -1
        return SocketLeg(link, scanner, fd, unread=self._full or self.signs != 0)

    def see_off(self, answer: bytes) -> None:
        """See Doorway; what still comes is read and thrown away, so that closing is no reset."""
        self._full = False
        self._leaving = True
        self._write(answer)
        self.poller.postpone(self, READABLE)

    def _write(self, data: bytes) -> None:
        """Write it as soon as possible, behind what waits; the last of it ends our side."""
        data = self._unsent + data
        try:
            self._unsent = data[os.write(self.fd, data) :]
            if self._leaving and not self._unsent:
                with borrowed(self.fd) as sock:
                    sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            self._unsent = data
        except OSError:  # gone, as the next read tells
            self._unsent = b""

    def part(self) -> None:
        """See Doorway."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self.poller.close(fd)
            self._host.timekeeper.forget(self)
            self._host.descriptor_free()


class TransportDoor(Doorway, asyncio.Protocol):
    """On a transport."""

    __slots__ = ("_transport",)
    _transport: asyncio.Transport

    @property
    def ends(self) -> tuple[End, End]:
        """See Doorway."""
        peer, own = (self._transport.get_extra_info(name) or ("", 0) for name in ("peername", "sockname"))
        return (peer[0], peer[1]), (own[0], own[1])

    @property
    def lost(self) -> bool:
        """See Doorway."""
        return self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self.arrive(transport.get_extra_info("socket").fileno())

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.received(data)

    def eof_received(self) -> bool:
        """See asyncio.Protocol; the transport closes."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.left()
        self._host.descriptor_free()

    def hold_back(self) -> None:
        """See Doorway."""
        self._transport.pause_reading()

    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """See Doorway."""
        return TransportLeg(link, scanner, self._transport)

    def see_off(self, answer: bytes) -> None:
        """See Doorway."""
        self._transport.write(answer)
        if self._transport.can_write_eof():
            with suppress(OSError):  # gone, as `connection_lost` tells; some loops raise that here
                self._transport.write_eof()
        else:
            self._transport.close()

    def part(self) -> None:
        """See Doorway."""
        self._transport.abort()
