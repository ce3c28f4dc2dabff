"""Plain socket work: reach one of several addresses, listen, and the options every session's sockets have."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, cast

HEAD_START_S: Final = 0.25
"""How long an address has for itself before the next is tried beside it (RFC 8305 section 8)."""
BACKLOG: Final = 4096  # connections that may wait to be accepted; the kernel caps it at net.core.somaxconn
# A peer that lost its power is noticed after 60 + 4 x 15 seconds, by the kernel, at no cost to the loop.
KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
_KEEP_ALIVE: Final = [(getattr(socket, name), value) for name, value in KEEP_ALIVE.items() if hasattr(socket, name)]

ASK_TWICE: Final = sys.platform == "linux"  # connect(2) on a socket that connects already says how far it has come

NONBLOCK: Final[int] = getattr(socket, "SOCK_NONBLOCK", 0)
UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EALREADY})

Address = tuple[socket.AddressFamily | int, Any]


def keep_alive(sock: socket.socket) -> None:
    """Options of both sockets of a session: no delay of small frames, and a watch for a dead peer."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEP_ALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
    except OSError:  # it may be gone already, which its reader will see
        return


def connect_now(addresses: Sequence[Address]) -> tuple[socket.socket, str, bool]:
    """Connect to the first address that does not refuse on the spot.

    Returns:
        The socket, the IP address it leads to, and whether the connection is still under way.
    Raises:
        OSError: all refused; the error of the first one.
    """
    problem = 0
    for family, address in addresses:
        sock = cast("socket.socket", socket.SocketType(family, socket.SOCK_STREAM | NONBLOCK))  # for a moment only
        keep_alive(sock)
        # A peer on the same host is there by the second call.
        error = sock.connect_ex(address) and sock.connect_ex(address)
        if not error or error in UNDER_WAY:
            return sock, str(address[0]), bool(error)
        sock.close()
        problem = problem or error
    raise OSError(problem, os.strerror(problem))


async def connect_any(loop: asyncio.AbstractEventLoop, addresses: Sequence[Address]) -> tuple[socket.socket, str]:
    """Connect to the first address that answers; each gets a head start before the next.

    Returns:
        The connected socket and the IP address it leads to.
    Raises:
        OSError: none answered; the error of the first one.
    """
    if len(addresses) == 1:
        return await _connect(loop, *addresses[0])
    tries: list[asyncio.Task[tuple[socket.socket, str]]] = []
    try:
        for address in [*addresses, None]:
            if address is not None:
                tries.append(loop.create_task(_connect(loop, *address)))
            won = await _first(tries, HEAD_START_S if address is not None else None)
            if won is not None:
                tries.remove(won)
                return won.result()
        error = tries[0].exception()
        raise error if error is not None else OSError("no address answered")
    finally:
        for one in tries:
            _drop(one)


async def _first(tries: list[asyncio.Task[tuple[socket.socket, str]]], wait_s: float | None) -> Any:
    """The first try that has succeeded, or None when the time is over or all have failed."""
    deadline = None if wait_s is None else asyncio.get_running_loop().time() + wait_s
    while True:
        running = [one for one in tries if not one.done()]
        for one in tries:
            if one.done() and not one.cancelled() and one.exception() is None:
                return one
        if not running:
            return None
        left = None if deadline is None else deadline - asyncio.get_running_loop().time()
        if left is not None and left <= 0:
            return None
        await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)


def _drop(one: asyncio.Task[tuple[socket.socket, str]]) -> None:
    """Give up a try; a connection that it made meanwhile is closed."""

    def close(done: asyncio.Task[tuple[socket.socket, str]]) -> None:
        if not done.cancelled() and done.exception() is None:
            done.result()[0].close()

    one.cancel()
    one.add_done_callback(close)


async def _connect(loop: asyncio.AbstractEventLoop, family: int, address: Any) -> tuple[socket.socket, str]:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # A peer on the same host is there by the second call; to let the loop watch the socket for it takes 65 us
        # more. Whatever went wrong, `sock_connect` says so.
        if not ASK_TWICE or (sock.connect_ex(address) and sock.connect_ex(address)):
            await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock, str(address[0])


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of `host`.

    Raises:
        OSError: with one clear sentence, if the address is in use or not ours.
    """
    made: list[socket.socket] = []
    problem: OSError | None = None
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, address in sorted({(family, address) for family, _, _, _, address in found}):
        try:
            made.append(_listen(family, address))
        except OSError as error:
            # "localhost" may name ::1 on a machine without IPv6; one of its addresses is enough
            if problem is None or error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                problem = error
    if problem is None or (made and problem.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}):
        return made
    for sock in made:
        sock.close()
    if problem.errno == errno.EADDRINUSE:
        raise OSError(errno.EADDRINUSE, f"port {port} on {host} is in use by another program") from None
    raise OSError(
        problem.errno or 0, f"cannot listen on port {port} of {host}: {problem.strerror or problem}"
    ) from None


def _listen(family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keep_alive(sock)  # on Linux every connection that is accepted has them, too
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def raise_descriptor_limit() -> None:
    """Allow as many descriptors as the system lets this process have: a session needs two."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
