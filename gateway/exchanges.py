"""One request and its answer over a fresh connection, before the connection goes to a relay."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, cast

from gateway.core.upstream_handshake import BadAnswer, answer_end

READ_BYTES: Final = 65536


class SocketExchange:
    """A plain connection during the handshake."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock: socket.socket | None = sock

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send the request; the head of the answer, and the bytes behind it."""
        assert self.sock is not None  # noqa: S101 - not released yet
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.sock, request)
        data = b""
        while not (end := answer_end(data)):
            more = await loop.sock_recv(self.sock, READ_BYTES)
            if not more:
                raise BadAnswer("the connection ended before an answer")
            data += more
        return data[:end], data[end:]

    def release(self) -> socket.socket:
        """The connection, which is the caller's from now on."""
        assert self.sock is not None  # noqa: S101
        sock, self.sock = self.sock, None
        return sock

    def close(self) -> None:
        """Close it, unless it was released."""
        if self.sock is not None:
            self.sock.close()


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

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send the request; the head of the answer, and the bytes behind it."""
        assert self.transport is not None  # noqa: S101
        self.transport.write(request)
        end = await self.answered
        return self.data[:end], self.data[end:]

    def release(self) -> asyncio.Transport:
        """The connection, which is the caller's from now on."""
        assert self.transport is not None  # noqa: S101
        transport, self.transport = self.transport, None
        return transport

    def close(self) -> None:
        """Close it, unless it was released."""
        if not self.answered.done():
            self.answered.cancel()
        elif not self.answered.cancelled():
            self.answered.exception()  # looked at, so that nobody complains
        if self.transport is not None:
            self.transport.abort()


Exchange = SocketExchange | TransportExchange
