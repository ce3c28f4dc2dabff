"""One request and its answer over a fresh connection, before the connection goes to a relay."""

from __future__ import annotations

import asyncio
import os
import socket
from time import monotonic
from typing import Final, cast

from gateway.core.frames import FrameScanner
from gateway.core.upstream_handshake import BadAnswer, answer_end
from gateway.relay import Link, Poller, SocketLeg, TransportLeg
from gateway.relay.legs import Leg
from gateway.relay.poller import BROKEN, GONE, WRITABLE
from gateway.relay.sockets import borrowed
from gateway.running import Pause
from gateway.timekeeper import Timekeeper

READ_BYTES: Final = 65536


class SocketExchange:
    """A plain connection during the handshake, in the poller of the sessions (see gateway.relay.poller.Guest).

    Args:
        fd: of a socket that is connected, or is about to be; the exchange owns it from now on.
    """

    __slots__ = ("_data", "_keeper", "_left", "_pause", "_unsent", "deadline", "fd", "poller", "signs")

    def __init__(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        self.fd = fd
        self.signs = 0
        self.deadline = 0.0
        self._data = b""
        self._unsent: bytes | None = b""  # of the request; None while the connection is made
        self._left = 0  # what the socket was ready for when the answer was complete
        self._pause: Pause | None = None
        self._keeper = Timekeeper.of(loop)
        self.poller = Poller.of(loop)
        self.poller.add(self)

    async def connected(self, wait_s: float) -> None:
        """Wait for the connection.

        Raises:
            OSError: it was not made; closed. TimeoutError is one.
        """
        self._unsent = None
        try:
            await self._wait(wait_s)
        except BaseException:
            self.close()
            raise
        self._unsent = b""

    async def ask(self, request: bytes, wait_s: float) -> tuple[bytes, bytes]:
        """Send the request; the head of the answer, and the bytes behind it.

        Raises:
            BadAnswer, TimeoutError, OSError: there was none.
        """
        self._say(request)
        if self._left:  # something came before it was asked for, or the upstream has left
            self.poller.postpone(self, self._left)
        end = await self._wait(wait_s)
        return self._data[:end], self._data[end:]

    def _say(self, request: bytes) -> None:
        self._send(request)

    async def _wait(self, wait_s: float) -> int:
        pause = self._pause = Pause()
        self.deadline = monotonic() + wait_s
        self._keeper.watch(self)
        try:
            result: int = await pause
            return result
        finally:
            self._pause = None
            self._keeper.forget(self)

    def expired(self) -> None:
        """See gateway.timekeeper.Timed."""
        if self._pause is not None:
            self._pause.fail(TimeoutError())

    def ready(self, what: int) -> None:
        """See Member: that a new socket can be written to is no news."""
        if what != WRITABLE or self._unsent != b"":
            self.poller.postpone(self, what)

    def turn(self, what: int) -> None:
        """See Guest."""
        pause = self._pause
        if pause is None or pause.done:
            self._left |= what  # for the leg, or for the next question
            return
        try:
            if self._unsent is None:
                self._conclude(pause, what)
                return
            if self._unsent:
                self._send(self._unsent)
            while not pause.done:
                more = os.read(self.fd, READ_BYTES)
                if not more:
                    raise BadAnswer("the connection ended before an answer")
                self._left = what & GONE or int(len(more) == READ_BYTES)
                self._heard(more, pause)
        except BlockingIOError:
            return
        except (OSError, BadAnswer) as error:
            pause.fail(error)

    def _heard(self, data: bytes, pause: Pause) -> None:
        """The upstream said something. Raises: BadAnswer, OSError."""
        self._data += data
        end = answer_end(self._data)
        if end:
            pause.end(end)

    def _conclude(self, pause: Pause, what: int) -> None:
        """The connection is made, or not."""
        with borrowed(self.fd) as sock:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            pause.fail(OSError(number, os.strerror(number)))
        elif what & (WRITABLE | BROKEN):
            pause.end(0)

    def _send(self, data: bytes) -> None:
        try:
            self._unsent = data[os.write(self.fd, data) :]
        except BlockingIOError:
            self._unsent = data

    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """Give the connection to a link; nothing remains here."""
        fd, self.fd = self.fd, -1
        return SocketLeg(link, scanner, fd, unread=bool(self._left or self.signs))

    def close(self) -> None:
        """Close it, unless it was given away."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            self.poller.close(fd)


class TransportExchange(asyncio.Protocol):
    """A connection by a transport during the handshake."""

    transport: asyncio.Transport | None = None

    def __init__(self) -> None:
        self.data = b""
        self.answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.data += data
        try:
            end = answer_end(self.data)
        except BadAnswer as error:
            self._done(error)
            return
        if end:
            if self.transport is not None:
                self.transport.pause_reading()
            self._done(end)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._done(BadAnswer("the connection ended before an answer"))

    def _done(self, result: int | BadAnswer) -> None:
        if self.answered.done():
            return
        if isinstance(result, int):
            self.answered.set_result(result)
        else:
            self.answered.set_exception(result)

    async def ask(self, request: bytes, wait_s: float | None = None) -> tuple[bytes, bytes]:
        """Send the request; the head of the answer, and the bytes behind it.

        Raises:
            BadAnswer, TimeoutError: there was none.
        """
        assert self.transport is not None  # noqa: S101
        self.transport.write(request)
        async with asyncio.timeout(wait_s):
            end = await self.answered
        return self.data[:end], self.data[end:]

    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """Give the connection to a link; nothing remains here."""
        assert self.transport is not None  # noqa: S101
        transport, self.transport = self.transport, None
        return TransportLeg(link, scanner, transport)

    def close(self) -> None:
        """Close it, unless it was given away."""
        if not self.answered.done():
            self.answered.cancel()
        elif not self.answered.cancelled():
            self.answered.exception()  # looked at, so that nobody complains
        if self.transport is not None:
            self.transport.abort()


Exchange = SocketExchange | TransportExchange
