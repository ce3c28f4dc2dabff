"""The answers to a client's request (sans-IO): the 101 that opens a session, and those that end it all.

Source: RFC 6455 section 4.2.2, RFC 9112 (HTTP/1.1), CONTRACT section 5.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterable, Sequence
from hashlib import sha1
from typing import Any, Final

from gateway.core.handshake import Plain
from gateway.core.rejections import Rejection, title

Headers = Sequence[tuple[bytes, bytes]]
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
NAMES_KEPT: Final = 500
_OPENS: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2


def accept_key(key: bytes) -> bytes:
    """The value of Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2)."""
    return binascii.b2a_base64(sha1(key + GUID, usedforsecurity=False).digest(), newline=False)


def accept_answer(key: bytes, subprotocol: bytes | None, extensions: bytes | None, headers: Headers = ()) -> bytes:
    """The head that opens the session: 101 has neither a body nor a Content-Length (RFC 9110 section 8.6)."""
    pairs: list[tuple[bytes, bytes]] = []
    if subprotocol:
        pairs.append((b"Sec-WebSocket-Protocol", subprotocol))
    if extensions:
        pairs.append((b"Sec-WebSocket-Extensions", extensions))
    return _OPENS + accept_key(key) + _fields([*pairs, *headers])


def final_answer(status: int, headers: Headers, body: bytes, *, with_body: bool = True) -> bytes:
    """A whole HTTP answer after which the connection closes; its length is always said.

    Args:
        with_body: False for an answer to HEAD.
    """
    ours = (b"content-length", b"connection", b"transfer-encoding")
    pairs = [pair for pair in headers if pair[0].lower() not in ours]
    pairs += [(b"Content-Length", b"%d" % len(body)), (b"Connection", b"close")]
    line = b"HTTP/1.1 %d %s" % (status, title(status).encode("ascii"))
    return render_head(line, pairs) + (body if with_body else b"")


def plain_answer(request: Plain, health: dict[str, Any]) -> bytes:
    """The answer to a request that is no upgrade: `/health` says how the gateway is, all else is 426.

    A gateway that is not "up" answers 503, so that load balancers send it nobody.
    """
    with_body = request.method != "HEAD"
    if request.path == "/health" and request.method in {"GET", "HEAD"}:
        headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
        status = 200 if health.get("status") == "up" else 503
        return final_answer(status, headers, json.dumps(health).encode(), with_body=with_body)
    rejection = Rejection("upgrade_required", headers=(("Upgrade", "websocket"),))
    return final_answer(rejection.status, rejection.all_headers(), rejection.body(), with_body=with_body)


def render_head(first_line: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A head, blank line included.

    Raises:
        ValueError: a name or value would break out of its line.
    """
    if b"\n" in first_line or b"\r" in first_line or b"\0" in first_line:
        raise ValueError("not a first line: it would break in two")
    return first_line + _fields(headers)


def _fields(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """What stands behind the first line, from its end to the blank line."""
    lines = []
    for name, value in headers:
        if name not in _names:
            _learn(name)
        lines.append(b"\r\n" + name + b": " + value)
    fields = b"".join(lines)
    if fields.count(b"\n") != len(lines) or fields.count(b"\r") != len(lines) or b"\0" in fields:
        raise ValueError("not a header: it would break out of its line")
    return fields + b"\r\n\r\n"


_names: Final[set[bytes]] = set()  # of headers, known to be tokens: the same few in every handshake


def _learn(name: bytes) -> None:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"not a header: {name!r}")
    if len(_names) < NAMES_KEPT:
        _names.add(name)
