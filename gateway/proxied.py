"""A listener for proxies that speak the PROXY protocol: they say who their client is, then the connection begins.

What a trusted peer must say first is read from the bare socket, to the byte, so that TLS may follow as well as a
request. Anybody else has nothing to say here and begins at once: a header of theirs is a malformed request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog

from gateway.core.proxies import Trust
from gateway.core.proxy_protocol import Malformed, Source, parse, wanted

log = structlog.get_logger("gateway")

PAUSE_S: Final = 0.5  # before accepting again, where this process lacks what a connection takes
AT_ONCE: Final = 64  # connections that are accepted before anybody else gets a turn


class ProxiedListener:
    """Accepts on one listening socket until closed.

    Args:
        sock: listening, non-blocking.
        tls: for connections on it; None on a plain port.
        trust: who must introduce their clients.
        door: makes the protocol of a connection from what was said of it.
        wait_s: how long an introduction, and the TLS handshake after it, may take each.
    """

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext | None,
        *,
        trust: Trust,
        door: Callable[[Source | None], asyncio.Protocol],
        wait_s: float,
    ) -> None:
        self._sock = sock
        self._trust = trust
        self._door = door
        self._wait_s = wait_s
        self._tls: dict[str, Any] = {}
        if tls is not None:
            self._tls = {"ssl": tls, "ssl_handshake_timeout": wait_s, "ssl_shutdown_timeout": 1.0}
        self._under_way: set[asyncio.Task[None]] = set()
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Accept no more; introductions that are under way are finished."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._sock)
            self._sock.close()

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptor left, most likely
                log.error("not_accepting", error=error.strerror)
                self._loop.remove_reader(self._sock)
                self._loop.call_later(PAUSE_S, self._go_on)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._welcome(connection, str(peer[0])))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def _go_on(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._sock, self._accept)

    async def _welcome(self, connection: socket.socket, peer: str) -> None:
        try:
            source = None
            if self._trust.trusts(peer):
                async with asyncio.timeout(self._wait_s):
                    source = await self._introduction(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, Malformed):
                log.warning("proxy_protocol_malformed", peer=peer, error=str(error))
            elif not isinstance(error, OSError | EOFError):
                raise
            return
        # A handshake of TLS that fails is no news.
        with suppress(OSError):
            await self._loop.connect_accepted_socket(lambda: self._door(source), connection, **self._tls)

    async def _introduction(self, connection: socket.socket) -> Source:
        data = b""
        while (more := wanted(data)) > len(data):
            came = await self._loop.sock_recv(connection, more - len(data))
            if not came:
                raise EOFError
            data += came
        return parse(data)
