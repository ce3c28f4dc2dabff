"""Accepts connections on one listening socket and opens a door for each.

Where proxies speak the PROXY protocol, what a trusted one must say first is read from the bare socket, to the byte, so
that TLS may follow as well as a request. Anybody else has nothing to say here and begins at once: a header of theirs
is a malformed request.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

import structlog

from gateway import meters
from gateway.callers import End
from gateway.capacity import EXHAUSTED
from gateway.core.answers import final_answer
from gateway.core.proxy_protocol import Malformed, Source, parse, wanted
from gateway.core.rejections import Rejection
from gateway.doors import READ_BYTES, SocketDoor, TransportDoor
from gateway.doorway import HEAD_WAIT_S
from gateway.host import Host
from gateway.relay import HAS_EPOLL, Poller, TlsLayer
from gateway.relay.poller import READABLE
from gateway.tls_door import TlsDoor

log = structlog.get_logger("gateway")

PAUSE_S: Final = 0.5  # before accepting again, where this process lacks what a connection takes
FULL: Final = Rejection("overloaded")
AT_ONCE: Final = 1 if HAS_EPOLL else 64
"""Connections that are accepted in one turn. The poller says once more that others wait; to be told so by a failure
costs more."""


class Listener:
    """Accepts on one listening socket until closed.

    Args:
        host: the server.
        sock: listening, non-blocking.
        tls: for connections on it; None on a plain port.
    """

    __slots__ = (
        "_accept",
        "_address",
        "_host",
        "_loop",
        "_resting",
        "_sock",
        "_spare",
        "_tls",
        "_under_way",
        "fd",
        "poller",
        "signs",
    )

    _spare: int  # a descriptor that is kept for the moment in which there is no other; -1 if it is in use

    def __init__(self, host: Host, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._host = host
        self._sock = sock
        self._accept: Callable[[], tuple[int, Any]] = cast(Any, sock)._accept  # accept() less an object nobody needs
        self._address: End = sock.getsockname()[:2]
        self._tls = tls
        if tls is not None:
            tls.options |= ssl.OP_NO_RENEGOTIATION
        self._under_way: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None
        self._keep_spare()
        self.fd = sock.fileno()
        self.signs = 0
        if HAS_EPOLL:
            self.poller = Poller.of(self._loop)
        self._listen()

    def _listen(self) -> None:
        if HAS_EPOLL:
            self.poller.add(self, READABLE)
        else:
            self._loop.add_reader(self._sock, self.turn, 0)

    def _stop_listening(self) -> None:
        if HAS_EPOLL:
            self.poller.forget(self.fd)
        else:
            self._loop.remove_reader(self._sock)

    def close(self) -> None:
        """Accept no more; introductions and TLS handshakes that are under way are finished."""
        if self._sock.fileno() >= 0:
            if self._resting is not None:
                self._resting.cancel()
            else:
                self._stop_listening()
            self._sock.close()
            self.fd = -1
            if self._spare >= 0:
                os.close(self._spare)

    def ready(self, what: int) -> None:
        """See gateway.relay.poller.Guest."""
        self.poller.postpone(self, what)

    def turn(self, what: int) -> None:
        """See Guest: somebody waits to be accepted."""
        for _ in range(AT_ONCE):
            try:
                fd, peer = self._accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in EXHAUSTED or not self._turn_away():
                    log.error("not_accepting", error=error.strerror)
                    self._rest()
                return
            self._accepted(fd, (str(peer[0]), peer[1]))

    def _turn_away(self) -> bool:
        """No descriptor is left: use the one that was kept to tell whoever waits so. Whether that was possible."""
        if self._spare < 0:
            self._keep_spare()
            if self._spare < 0:
                return False
        os.close(self._spare)
        self._spare, fd = -1, -1
        try:
            fd, peer = self._accept()
            os.set_blocking(fd, False)
            if self._tls is not None and HAS_EPOLL:
                taken, fd = fd, -1
                self._let_in(taken, (str(peer[0]), peer[1]), None).refuse(FULL)
                self._rest()  # it takes a moment to say so; until then others wait, see `go_on`
                return True
            log.info("doorway_refused", status=FULL.status, code=FULL.code, peer=str(peer[0]))
            meters.handshake_ended(FULL.code)
            if self._tls is None:
                os.write(fd, final_answer(FULL.status, FULL.all_headers(), FULL.body()))
                os.read(fd, READ_BYTES)  # unread, it would make a reset of the end
        except OSError:
            return fd >= 0
        finally:
            if fd >= 0:
                os.close(fd)
            self._keep_spare()
        return True

    def _keep_spare(self) -> None:
        try:
            self._spare = os.open(os.devnull, os.O_RDONLY)
        except OSError:
            self._spare = -1

    def _rest(self) -> None:
        self._stop_listening()
        self._resting = self._loop.call_later(PAUSE_S, self.go_on)

    def go_on(self) -> None:
        """Accept again, if it rests for want of descriptors: there may be some by now."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
            if self._spare < 0:
                self._keep_spare()
            self._listen()

    def _accepted(self, fd: int, peer: End) -> None:
        trust = self._host.trust
        introduced = trust.proxy_protocol and trust.trusts(peer[0])
        if introduced or not HAS_EPOLL:
            sock = socket.socket(self._sock.family, socket.SOCK_STREAM, fileno=fd)
            sock.setblocking(False)
            task = self._loop.create_task(self._welcome(sock, peer, introduced))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        else:
            os.set_blocking(fd, False)
            self._let_in(fd, peer, None)

    def _let_in(self, fd: int, peer: End, source: Source | None) -> SocketDoor:
        if self._tls is None:
            return SocketDoor(self._host, source, self.poller, fd, (peer, self._address))
        try:
            layer = TlsLayer(self._tls, server_side=True)
        except ssl.SSLError:
            os.close(fd)
            raise
        return TlsDoor(self._host, source, self.poller, fd, (peer, self._address), layer=layer)

    async def _welcome(self, sock: socket.socket, peer: End, introduced: bool) -> None:
        source = None
        try:
            if introduced:
                async with asyncio.timeout(HEAD_WAIT_S):
                    source = await self._introduction(sock)
        except BaseException as error:
            sock.close()
            if isinstance(error, Malformed):
                log.warning("proxy_protocol_malformed", peer=peer[0], error=str(error))
            elif not isinstance(error, OSError | EOFError):
                raise
            return
        if HAS_EPOLL:
            self._let_in(sock.detach(), peer, source)
            return
        secure = self._tls is not None
        times = {"ssl_handshake_timeout": HEAD_WAIT_S, "ssl_shutdown_timeout": 1.0} if secure else {}
        # A handshake of TLS that fails is no news.
        with suppress(OSError):
            await self._loop.connect_accepted_socket(
                lambda: TransportDoor(self._host, secure, source), sock, ssl=self._tls, **times
            )

    async def _introduction(self, connection: socket.socket) -> Source:
        data = b""
        while (more := wanted(data)) > len(data):
            came = await self._loop.sock_recv(connection, more - len(data))
            if not came:
                raise EOFError
            data += came
        return parse(data)
