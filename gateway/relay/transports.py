"""The other leg: a transport of the event loop, for TLS on that side and for platforms without epoll."""

from __future__ import annotations

import asyncio
import select
from contextlib import suppress
from typing import Final

from gateway.core.frames import FrameScanner
from gateway.relay.legs import Leg, unacknowledged
from gateway.relay.link import Link

HIGH_WATER_BYTES: Final = 65536
"""Unsent bytes at which the peer is no longer read: one read, as with the other kind of leg."""
PATROL_S: float = 1.0
"""A transport whose reading is paused does not notice that its side has left: look this often."""
LEFT: Final = getattr(select, "POLLRDHUP", 0)
BROKEN: Final = getattr(select, "POLLERR", 0) | getattr(select, "POLLHUP", 0)


LIVING: Final[set[TransportLeg]] = set()
"""All legs of this kind whose connection is ours: nobody else keeps a list of them."""


class TransportLeg(Leg, asyncio.Protocol):
    """A leg on a connected transport, which it takes over as the new protocol.

    A buffer of our own (asyncio.BufferedProtocol) was tried and costs as much: what it spares in allocation it copies.
    """

    __slots__ = ("gone", "on_patrol", "transport")

    def __init__(self, link: Link, scanner: FrameScanner, transport: asyncio.Transport) -> None:
        super().__init__(link, scanner)
        self.transport = transport
        self.gone = False
        self.on_patrol = False
        self.waiting = True  # until it is begun
        LIVING.add(self)
        transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        transport.set_protocol(self)
        if transport.is_closing():  # lost between its handshake and now; nobody would ever tell
            link.loop.call_soon(self.connection_lost, None)

    @property
    def alive(self) -> bool:
        """See Leg."""
        return not self.gone

    # -- called by the transport --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol; may come once more after reading was paused."""
        if self.gone:
            return
        if self.scanner.event:
            self.aside(data)
        else:
            self.forward(self.rest + data if self.rest else data)
        if not self.gone and self.held:
            self._pause()

    def eof_received(self) -> bool:
        """See asyncio.Protocol; True keeps our own stream open, which TLS cannot."""
        if not self.gone:
            self.link.lost(self, "eof")
        return not self.gone and self.transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if not self.gone:
            self._let_go()
            self.link.lost(self, "eof" if exc is None else "reset")
            self.link.left()

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self.full = True

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self.full = False
        self.moves += 1
        if not self.gone and self.peer.waiting:
            self.link.loop.call_soon(self.peer.go_on)

    # -- called by the leg's own side ---------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See Leg."""
        if not self.gone:
            self.transport.write(data)

    def read_on(self) -> None:
        """See Leg."""
        if not self.gone:
            self.transport.resume_reading()

    def leave(self) -> None:
        """See Leg; the transport itself writes what waits before it closes."""
        self.leaving = True
        if self.gone:
            return
        if self.over or self.scanner.closed or not self.transport.can_write_eof():
            if not self.transport.is_closing():  # a TLS transport that is closed twice forgets what it needs to end
                self.transport.close()
        else:
            self.end_writing()

    def end_writing(self) -> None:
        """See Leg."""
        with suppress(OSError):  # gone, as `connection_lost` tells; some loops raise that here
            self.transport.write_eof()

    def drop(self) -> None:
        """See Leg."""
        if not self.gone:
            self._let_go()
            if self.transport.get_write_buffer_size():
                self.transport.abort()
            else:
                self.transport.close()
        self.link.left()

    def abort(self) -> None:
        """See Leg."""
        if not self.gone:
            self._let_go()
            self.transport.abort()
        self.link.left()

    def unsent(self) -> int:
        """See Leg."""
        return 0 if self.gone else self.transport.get_write_buffer_size()

    def progress(self) -> object:
        """See Leg."""
        return self.moves, self.unsent()

    def untaken(self) -> int:
        """See Leg."""
        sock = None if self.gone else self.transport.get_extra_info("socket")
        return unacknowledged(sock.fileno() if sock is not None else -1)

    def _let_go(self) -> None:
        self.gone = True
        self.full = False
        LIVING.discard(self)

    def _pause(self) -> None:
        self.waiting = True
        self.transport.pause_reading()
        if not self.on_patrol:
            self.on_patrol = True
            self.link.loop.call_later(PATROL_S, self._patrol)

    def _patrol(self) -> None:
        if self.gone or not self.waiting:
            self.on_patrol = False
            return
        left, broken = _state(self.transport)
        if left or broken:
            self.departed(broken)
        self.link.loop.call_later(PATROL_S, self._patrol)


def _state(transport: asyncio.Transport) -> tuple[bool, bool]:
    """Whether the other end has closed its side, and whether the connection is broken, without reading."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0 or not hasattr(select, "poll"):
        return False, False
    poll = select.poll()
    poll.register(sock.fileno(), LEFT)
    found = poll.poll(0)
    return any(what & LEFT for _, what in found), any(what & BROKEN for _, what in found)
