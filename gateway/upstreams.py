"""Reach an endpoint: resolve, check the address that is really dialled, connect, upgrade.

The client is answered only after this succeeded, so no client ever holds an open socket to a backend that refused.
Nothing here follows a redirect, reads a proxy from the environment or falls back to unverified TLS. Source: CONTRACT
section 5, RFC 6455 section 4.1, RFC 8305 (several addresses).
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from gateway.capacity import EXHAUSTED
from gateway.core.extras import Extras, Proxy
from gateway.core.frames import FrameScanner
from gateway.core.upstream_handshake import (
    Answer,
    BadAnswer,
    offered_extensions,
    parse_answer,
    upgrade_request,
)
from gateway.exchanges import Exchange, SocketExchange, TransportExchange
from gateway.relay import HAS_EPOLL, Link, SocketLeg, TransportLeg
from gateway.relay.legs import Leg
from gateway.running import in_task
from gateway.sockets import Address, connect_any, keep_alive
from gateway.tunnelling import NoTunnel, tunnel

RESOLVED_S: Final = 1.0
"""How long the addresses of a name are used again. Only that: whether one may be dialled is judged each time."""
NAMES: Final = 1024
_resolved: Final[dict[tuple[str, int], tuple[float, list[Address]]]] = {}


@dataclass(frozen=True, slots=True)
class Target:
    """What to dial.

    Attributes:
        url: the endpoint, ws:// or wss://; its host and port count, its path does not.
        path_and_query: of the request.
        headers: everything the upstream shall know besides the upgrade itself.
        subprotocols, extensions: header values as the client offered them, or None.
        connect_s: for the name, TCP and TLS together.
        handshake_s: for the request and its answer.
        allowed: whether an IP address may be dialled.
        tls: for wss://, instead of the system's certificate authorities.
        server_name: for wss://, the name that is asked for and checked instead of the URL's host.
        proxy: that is asked to connect, unless the host is one of its exceptions.
        extras: what the endpoint asks for besides; None, or to be settled by `gateway.upstream_auth.dial_secured`.
    """

    url: str
    path_and_query: bytes = field(repr=False)
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    subprotocols: bytes | None = field(default=None, repr=False)
    extensions: bytes | None = None
    connect_s: float = 5.0
    handshake_s: float = 10.0
    allowed: Callable[[str], bool] = lambda address: True
    tls: ssl.SSLContext | None = None
    server_name: str = ""
    proxy: Proxy | None = None
    extras: Extras | None = None


class DialError(Exception):
    """The upstream could not be reached or did not upgrade.

    Args:
        kind: "unreachable" (no address, refused, reset, TLS not trusted), "forbidden_address" (policy), "timeout",
            "bad_response" (nonsense, or an answer of the 1xx, 2xx, 3xx kind), "refused" (4xx), "server_error" (5xx),
            "exhausted" (this process has no descriptor left), "no_credentials" (what the endpoint's security asks for
            could not be had).
        phase: "connect" or "handshake".
        detail: for the log.
        status: the HTTP status that the upstream answered, if any; `challenges`: its WWW-Authenticate fields.
    """

    def __init__(
        self, kind: str, phase: str, detail: str = "", status: int | None = None, challenges: Sequence[bytes] = ()
    ) -> None:
        super().__init__(f"{kind} ({phase}): {detail}")
        self.challenges = challenges
        self.kind = kind
        self.phase = phase
        self.detail = detail
        self.status = status


class Upstream:
    """An upgraded connection that nobody relays yet: give it to `corridor.take`, or `close` it.

    Attributes:
        subprotocol, extensions: what the upstream chose, or None.
        headers: its answer's further headers.
        address: the IP address that was dialled.
    """

    __slots__ = ("address", "early", "extensions", "headers", "sock", "subprotocol", "transport")

    def __init__(
        self, exchange: socket.socket | asyncio.Transport, answer: Answer, early: bytes, address: str = ""
    ) -> None:
        self.sock = exchange if isinstance(exchange, socket.socket) else None
        self.transport = None if isinstance(exchange, socket.socket) else exchange
        self.subprotocol = answer.subprotocol
        self.extensions = answer.extensions
        self.headers = answer.headers
        self.early = early
        self.address = address

    @property
    def deflate(self) -> bool:
        """Whether frames may carry RSV1: only permessage extensions are ever offered."""
        return self.extensions is not None

    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """Give the connection to a link; nothing remains here."""
        sock, transport, self.sock, self.transport = self.sock, self.transport, None, None
        if sock is not None:
            return SocketLeg(link, scanner, sock.detach())
        if transport is None:
            raise RuntimeError("this upstream was given away before")
        return TransportLeg(link, scanner, transport)

    def close(self) -> None:
        """Drop the connection, unless a link has it."""
        if self.sock is not None:
            self.sock.close()
        if self.transport is not None:
            self.transport.abort()
        self.sock = self.transport = None


async def dial(target: Target) -> Upstream:
    """Connect and upgrade. When cancelled, the socket is closed.

    Raises:
        DialError: see there.
    """
    url = urlsplit(target.url)
    key = b64encode(os.urandom(16))
    extensions = offered_extensions(target.extensions)
    request = upgrade_request(
        host_header(url),
        target.path_and_query,
        key=key,
        headers=target.headers,
        subprotocols=target.subprotocols,
        extensions=extensions,
    )
    await in_task()
    try:
        async with asyncio.timeout(target.connect_s):
            exchange, address = await _connect(url, target)
    except TimeoutError:
        raise DialError("timeout", "connect", f"no connection within {target.connect_s} s") from None
    try:
        async with asyncio.timeout(target.handshake_s):
            head, early = await exchange.ask(request)
        answer = parse_answer(head, key, target.subprotocols, extensions)
        return Upstream(exchange.release(), answer, early, address)
    except TimeoutError:
        raise DialError("timeout", "handshake", f"no answer within {target.handshake_s} s") from None
    except BadAnswer as error:
        raise DialError(_kind(error.status), "handshake", str(error), error.status, error.challenges) from None
    except OSError as error:
        raise DialError("bad_response", "handshake", f"the connection broke: {error}") from None
    finally:
        exchange.close()


def _kind(status: int | None) -> str:
    """The kind of a failure from the status that was answered instead of 101."""
    return {4: "refused", 5: "server_error"}.get((status or 0) // 100, "bad_response")


def host_header(url: SplitResult) -> bytes:
    """The value of Host: the port is left out where it is the scheme's own (RFC 9110 section 7.2)."""
    name = url.hostname or ""
    host = f"[{name}]" if ":" in name else name
    default = 443 if url.scheme == "wss" else 80
    return (host if url.port in {None, default} else f"{host}:{url.port}").encode(
        "idna" if not host.isascii() else "ascii"
    )


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host; what they are is checked at every dial, and exactly these are dialled.

    An answer is good for RESOLVED_S: the resolver works in a thread and reads files, which is a quarter of the CPU time
    of a handshake, and in a storm of reconnects every handshake asks it for the same name.
    """
    loop = asyncio.get_running_loop()
    known = _resolved.get((host, port))
    if known is not None and loop.time() < known[0]:
        return known[1]
    found = await _look_up(host, port)
    if len(_resolved) >= NAMES:
        _resolved.clear()
    _resolved[host, port] = loop.time() + RESOLVED_S, found
    return found


async def _look_up(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DialError("unreachable", "connect", f"{host} does not resolve: {error}") from None
    return [(family, address) for family, _, _, _, address in found]


async def _connect(url: SplitResult, target: Target) -> tuple[Exchange, str]:
    """An open connection to the first address that answers."""
    secure = url.scheme == "wss"
    host = url.hostname or ""
    port = url.port or (443 if secure else 80)
    try:
        sock, address = await reach(host, port, target.allowed, target.proxy)
        keep_alive(sock)
        if not secure and HAS_EPOLL:
            return SocketExchange(sock), address
        return await _by_transport(sock, (target.server_name or host) if secure else None, target), address
    except OSError as error:  # ssl.SSLError is one, too
        _resolved.pop((host, port), None)  # it may lead somewhere else by now
        raise DialError("exhausted" if error.errno in EXHAUSTED else "unreachable", "connect", str(error)) from None


async def reach(
    host: str, port: int, allowed: Callable[[str], bool], proxy: Proxy | None = None
) -> tuple[socket.socket, str]:
    """A connected socket to a host, and the IP address that was dialled: the host's, or the proxy's.

    Raises:
        DialError: no address, or none that may be dialled.
        OSError: none answered, or the proxy did not connect.
    """
    if proxy is None or not proxy.serves(host):
        return await connect_any(asyncio.get_running_loop(), await _permitted(host, port, allowed))
    await _check_behind(host, port, allowed)
    sock, address = await connect_any(asyncio.get_running_loop(), await _permitted(proxy.host, proxy.port, allowed))
    try:
        await tunnel(sock, host, port, proxy.authorization)
    except NoTunnel as error:
        raise ConnectionRefusedError(f"the proxy did not connect: {error}") from None
    return sock, address


async def _permitted(host: str, port: int, allowed: Callable[[str], bool]) -> list[Address]:
    """The addresses of a host that may be dialled."""
    found = await resolve(host, port)
    permitted = [(family, address) for family, address in found if allowed(str(address[0]))]
    if not permitted:
        raise DialError("forbidden_address", "connect", f"{host} leads to an address that may not be dialled")
    return permitted


async def _check_behind(host: str, port: int, allowed: Callable[[str], bool]) -> None:
    """The proxy looks the name up by itself: where we know an address of it that may not be dialled, it is not asked.

    A name that only the proxy knows passes; what it leads to is the proxy's to judge.
    """
    try:
        found = await resolve(host, port)
    except DialError:
        return
    if not all(allowed(str(address[0])) for _, address in found):
        raise DialError("forbidden_address", "connect", f"{host} leads to an address that may not be dialled")


async def _by_transport(sock: socket.socket, host: str | None, target: Target) -> TransportExchange:
    """Wrap a connected socket: TLS for `host`, or plain where there is no epoll."""
    loop = asyncio.get_running_loop()
    context: dict[str, Any] = {}
    if host is not None:
        context = {
            "ssl": target.tls or _system_tls(),
            "server_hostname": host,
            "ssl_handshake_timeout": max(target.connect_s, 0.1),
            "ssl_shutdown_timeout": 1.0,
        }
    try:
        _, exchange = await loop.create_connection(TransportExchange, sock=sock, **context)
    except BaseException:
        sock.close()
        raise
    return exchange


@cache
def _system_tls() -> ssl.SSLContext:
    """Verify against the system's authorities, name included; TLS 1.2 at least."""
    return ssl.create_default_context()
