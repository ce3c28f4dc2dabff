"""Ask an HTTP proxy to connect to a host (CONNECT, RFC 9110 section 9.3.6, RFC 9112 section 3.2.3)."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Final

from gateway.core.upstream_handshake import BadAnswer, answer_end

READ_BYTES: Final = 4096
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |$)")


class NoTunnel(Exception):
    """The proxy did not connect; says why, without a credential."""


async def tunnel(sock: socket.socket, host: str, port: int, authorization: bytes = b"") -> None:
    """Turn a connection to a proxy into one to the host behind it. Closes it if that fails.

    Args:
        sock: connected and not blocking.
        authorization: value of Proxy-Authorization, or b"".

    Raises:
        NoTunnel, OSError.
    """
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    authority = name.encode("ascii" if name.isascii() else "idna")
    own = b"Proxy-Authorization: " + authorization + b"\r\n" if authorization else b""
    try:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (authority, authority, own))
        await _granted(loop, sock)
    except BaseException:
        sock.close()
        raise


async def _granted(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    data = b""
    try:
        while not (end := answer_end(data)):
            more = await loop.sock_recv(sock, READ_BYTES)
            if not more:
                raise NoTunnel("it ended the connection before an answer")
            data += more
    except BadAnswer as error:
        raise NoTunnel(str(error)) from None
    matched = _STATUS_LINE.match(data.partition(b"\r\n")[0])
    if matched is None or matched[1][:1] != b"2":
        raise NoTunnel(f"it answered {matched[1].decode()}" if matched else "its status line is malformed")
    if len(data) > end:  # nobody behind it may speak before we do: TLS and the upgrade are ours to begin
        raise NoTunnel("it sent bytes behind its answer")
