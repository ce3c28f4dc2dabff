"""Reach an endpoint: resolve, check the address that is really dialled, connect, upgrade.

The client is answered only after this succeeded, so no client ever holds an open socket to a backend that refused.
Nothing here follows a redirect, reads a proxy from the environment or falls back to unverified TLS. Source: CONTRACT
section 5, RFC 6455 section 4.1, RFC 8305 (several addresses).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from binascii import b2a_base64
from collections.abc import Callable
from functools import cache
from time import monotonic
from typing import Any

from gateway.capacity import EXHAUSTED
from gateway.core.extras import Proxy
from gateway.core.frames import FrameScanner
from gateway.core.upstream_handshake import (
    Answer,
    BadAnswer,
    offered_extensions,
    parse_answer,
    upgrade_request,
)
from gateway.exchanges import Exchange, SocketExchange, TransportExchange
from gateway.names import forget, prompt_addresses, resolve
from gateway.randomness import random_bytes
from gateway.relay import HAS_EPOLL, Link
from gateway.relay.legs import Leg
from gateway.running import in_task
from gateway.sockets import Address, connect_any, connect_now, keep_alive
from gateway.targets import DialError, Place, Target, host_header, place_of
from gateway.tls_exchange import TlsExchange
from gateway.tunnelling import NoTunnel, tunnel

__all__ = ["DialError", "Target", "Upstream", "dial", "host_header", "reach", "resolve"]


class Upstream:
    """An upgraded connection that nobody relays yet: give it to `corridor.take`, or `close` it.

    Attributes:
        subprotocol, extensions: what the upstream chose, or None.
        headers: its answer's further headers.
        address: the IP address that was dialled.
    """

    __slots__ = ("address", "early", "exchange", "extensions", "headers", "subprotocol")

    def __init__(self, exchange: Exchange, answer: Answer, early: bytes, address: str = "") -> None:
        self.exchange: Exchange | None = exchange
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
        exchange, self.exchange = self.exchange, None
        if exchange is None:
            raise RuntimeError("this upstream was given away before")
        return exchange.leg(link, scanner)

    def close(self) -> None:
        """Drop the connection, unless a link has it."""
        if self.exchange is not None:
            self.exchange.close()
            self.exchange = None


async def dial(target: Target) -> Upstream:
    """Connect and upgrade. When cancelled, the socket is closed.

    Raises:
        DialError: see there.
    """
    place = place_of(target.url)
    key = b2a_base64(random_bytes(16), newline=False)
    request, extensions = _request(place, target, key)
    exchange, address = await _open(place, target)
    kept = False
    try:
        head, early = await exchange.ask(request, target.handshake_s)
        upstream = Upstream(exchange, parse_answer(head, key, target.subprotocols, extensions), early, address)
        kept = True
        return upstream
    except TimeoutError:
        raise DialError("timeout", "handshake", f"no answer within {target.handshake_s} s") from None
    except BadAnswer as error:
        raise DialError(_kind(error.status), "handshake", str(error), error.status, error.challenges) from None
    except OSError as error:
        raise DialError("bad_response", "handshake", f"the connection broke: {error}") from None
    finally:
        if not kept:
            exchange.close()


def _request(place: Place, target: Target, key: bytes) -> tuple[bytes, bytes | None]:
    """The request, and the extensions that it offers."""
    form = target.form
    if form is not None and form.learnt:
        return form.filled(key, target.request_id), form.extensions
    extensions = offered_extensions(target.extensions)
    request = upgrade_request(
        place.header,
        target.path_and_query,
        key=key,
        headers=target.headers,
        subprotocols=target.subprotocols,
        extensions=extensions,
    )
    if form is not None:
        form.learn(request, key, target.request_id, extensions)
    return request, extensions


async def _open(place: Place, target: Target) -> tuple[Exchange, str]:
    """An open connection, on the spot where that is possible."""
    try:
        if HAS_EPOLL and target.proxy is None:
            addresses = prompt_addresses(place.host, place.port)
            if addresses is not None:
                end = monotonic() + target.connect_s
                sock, address, under_way = connect_now(_judged(place.host, addresses, target.allowed))
                exchange = _in_poller(sock, place, target)
                if under_way:
                    await exchange.connected(target.connect_s)
                if isinstance(exchange, TlsExchange):
                    await exchange.secured(end - monotonic())
                return exchange, address
        await in_task()
        async with asyncio.timeout(target.connect_s):
            return await _connect(place, target)
    except TimeoutError:
        raise DialError("timeout", "connect", f"no connection within {target.connect_s} s") from None
    except OSError as error:  # ssl.SSLError is one, too
        forget(place.host, place.port)
        raise DialError("exhausted" if error.errno in EXHAUSTED else "unreachable", "connect", str(error)) from None


def _kind(status: int | None) -> str:
    """The kind of a failure from the status that was answered instead of 101."""
    return {4: "refused", 5: "server_error"}.get((status or 0) // 100, "bad_response")


async def _connect(place: Place, target: Target) -> tuple[Exchange, str]:
    """An open connection to the first address that answers."""
    sock, address = await reach(place.host, place.port, target.allowed, target.proxy)
    keep_alive(sock)
    if HAS_EPOLL:
        exchange = _in_poller(sock, place, target)
        if isinstance(exchange, TlsExchange):
            await exchange.secured(target.connect_s)
        return exchange, address
    return await _by_transport(sock, (target.server_name or place.host) if place.secure else None, target), address


def _in_poller(sock: socket.socket, place: Place, target: Target) -> SocketExchange:
    """Give a socket, connected or about to be, to the poller. Raises: OSError."""
    if not place.secure:
        return SocketExchange(sock.detach())
    try:
        exchange = TlsExchange(sock.fileno(), target.tls or _system_tls(), target.server_name or place.host)
    except BaseException:
        sock.close()
        raise
    sock.detach()
    return exchange


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
    return _judged(host, await resolve(host, port), allowed)


def _judged(host: str, found: list[Address], allowed: Callable[[str], bool]) -> list[Address]:
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
    """Verify against the system's authorities, name included; TLS 1.2 at least, never negotiated again."""
    context = ssl.create_default_context()
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context
