"""One small HTTP request over a connection that this gateway made and judged itself: for the token of an endpoint.

No redirect is followed, no proxy is read from the environment, an answer is bounded in size (RFC 9112).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from gateway.core.extras import Proxy
from gateway.core.handshake import read_header_lines
from gateway.upstreams import reach

HEAD_BYTES: Final = 16_384
BODY_BYTES: Final = 65_536


class BadReply(Exception):
    """What came back is no HTTP answer of a sane size."""


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Callable[[str], bool],
    proxy: Proxy | None = None,
    tls: ssl.SSLContext | None = None,
) -> tuple[int, bytes]:
    """Status and body of the answer. Bound it in time.

    Args:
        url: http:// or https://.
        allowed: whether an IP address may be dialled.
        tls: for https://, instead of the system's authorities.

    Raises:
        BadReply, OSError, gateway.upstreams.DialError (no address that may be dialled).
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    sock, _ = await reach(host, port, allowed, proxy)
    context = (tls or ssl.create_default_context()) if secure else None
    try:
        reader, writer = await asyncio.open_connection(
            sock=sock, limit=HEAD_BYTES, ssl=context, server_hostname=host if secure else None
        )
    except BaseException:
        sock.close()
        raise
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        facts = {"Host": parts.netloc.rpartition("@")[2], "Content-Length": str(len(body)), "Connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**facts, **headers}.items())
        writer.write(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body)
        return await _reply(reader)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise BadReply(f"the answer is malformed or too large ({type(error).__name__})") from None
    finally:
        writer.transport.abort()


async def _reply(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, _, fields = (await reader.readuntil(b"\r\n\r\n"))[:-2].partition(b"\r\n")
    words = first.split(b" ", 2)
    headers = dict(read_header_lines(fields) or ())
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise BadReply("the status line is malformed")
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return int(words[1]), await _chunks(reader)
    if b"content-length" in headers:
        return int(words[1]), await reader.readexactly(_bounded(int(headers[b"content-length"])))
    body = b""
    while more := await reader.read(BODY_BYTES):
        body += more
        _bounded(len(body))
    return int(words[1]), body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        _bounded(len(body) + size)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    return body


def _bounded(size: int) -> int:
    if not 0 <= size <= BODY_BYTES:
        raise BadReply(f"the answer is larger than {BODY_BYTES} bytes")
    return size
