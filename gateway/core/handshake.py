"""A client's upgrade request, read strictly (sans-IO); what is answered to it is in `gateway.core.answers`.

Strict means: what two HTTP parsers could read in two ways is refused, so that nothing can be smuggled past the gateway
to whatever stands before or behind it. Source: RFC 6455 section 4, RFC 9112 (HTTP/1.1), CONTRACT section 5.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from gateway.core.frames import FOREVER, PROTOCOL, FrameScanner
from gateway.core.rejections import Rejection

if TYPE_CHECKING:
    from gateway.core.familiar import Familiar

HEAD_LIMIT: Final = 16_384  # bytes of request line and headers together
TARGET_LIMIT: Final = 4_096  # bytes of path and query
HEADER_COUNT_LIMIT: Final = 100

VERSION: Final = "13"  # RFC 6455 section 4.1

Headers = Sequence[tuple[bytes, bytes]]

_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,16}) ([!-~]+) HTTP/1\.([01])")
_TARGET: Final = re.compile(rb"/(?:[^%#\\]|%[0-9A-Fa-f]{2})*")  # origin-form; a backslash is no part of any URI
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110 section 5.6.2
_FIELDS: Final = re.compile(rb"(?:" + _TOKEN + rb":[\t -~\x80-\xff]*\r\n)*")
_FIELD: Final = re.compile(rb"([^:]+):([^\r]*)\r\n")  # of what is known to be _FIELDS
_IS_TOKEN: Final = re.compile(_TOKEN)
_HOST: Final = re.compile(rb"[0-9A-Za-z._~\-%!$&'()*+;=]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")
_C1: Final = re.compile("[\x80-\x9f\u2028\u2029]")  # some line splitters end a line here (CVE-2026-44546)
_ONCE: Final = frozenset({b"host", b"origin", b"sec-websocket-key", b"sec-websocket-version"})


@dataclass(frozen=True, slots=True)
class Plain:
    """A request that is no upgrade: for health checks, and people with a browser."""

    method: str
    path: str


@dataclass(slots=True)
class Upgrade:
    """A valid WebSocket upgrade request.

    Attributes:
        raw_path: path as it was sent, percent-encoded.
        path: the same, decoded.
        query: what follows the question mark.
        headers: (lower-case name, value) in their order, without names that hold an underscore.
        key: Sec-WebSocket-Key.
        subprotocols: all that were offered, in their order.
        familiar: what is known of a head that came before, or None.
    """

    raw_path: bytes
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    key: bytes
    subprotocols: list[str]
    familiar: Familiar | None = None


def head_end(data: bytes | bytearray) -> int:
    """Where the head ends, blank line included, or 0 while it is not complete.

    Raises:
        Rejection: it is larger than HEAD_LIMIT, or cannot become a request any more.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end > HEAD_LIMIT or (end < 4 and len(data) >= HEAD_LIMIT):
        raise Rejection("header_too_large")
    if end >= 4:
        return end
    if data.count(b"\n") != data.count(b"\r\n"):
        raise _bad("A line ends with a bare line feed.")
    if data and not 65 <= data[0] <= 90:
        raise _bad("The request does not begin with a method.")  # TLS on the plain port, mostly
    return 0


def parse_request(head: bytes) -> Upgrade | Plain:
    """Read a whole head, blank line included.

    Raises:
        Rejection: bad_request, upgrade_required (another version than 13) or header_too_large.
    """
    first, _, fields = head[:-2].partition(b"\r\n")
    matched = _REQUEST_LINE.fullmatch(first)
    if not matched:
        raise _bad("The request line is malformed.")
    method, target, minor = matched.groups()
    if len(target) > TARGET_LIMIT:
        raise Rejection("header_too_large", f"The URL is longer than {TARGET_LIMIT} bytes.")
    raw_path, _, query = target.partition(b"?")
    path = _decode_path(target, raw_path) if query else _decode_known(target)
    headers, named = _read_headers(fields)
    upgrades = lists(named.get(b"upgrade", b""), b"websocket")
    if not upgrades and b"sec-websocket-key" not in named:
        return Plain(method.decode(), path)
    _check_http(method, minor, named, upgrades)
    key = _check_websocket(named)
    if b"_" in fields:
        headers = [header for header in headers if b"_" not in header[0]]
    offered = named.get(b"sec-websocket-protocol")
    return Upgrade(raw_path, path, query, headers, key, _read_subprotocols(offered) if offered is not None else [])


def check_early(data: bytes) -> None:
    """Bytes sent behind a request, before it was answered, must at least be frames.

    Raises:
        Rejection: bad_request: a second request, or a body.
    """
    if not data:
        return
    scanner = FrameScanner(True, True, FOREVER, FOREVER, FOREVER)
    scanner.feed(data)
    if scanner.event == PROTOCOL:
        raise _bad("What follows the request is no WebSocket frame.")


def read_header_lines(fields: bytes) -> list[tuple[bytes, bytes]] | None:
    """(lower-case name, value) of each header field, or None if one of them is none (RFC 9112 section 5).

    Args:
        fields: all lines, each with its end.
    """
    if not _FIELDS.fullmatch(fields):
        return None
    if not fields.isascii():
        try:
            if _C1.search(fields.decode()):
                return None
        except UnicodeDecodeError:
            return None
    return [(name.lower(), value.strip(b" \t")) for name, value in _FIELD.findall(fields)]


def _bad(detail: str) -> Rejection:
    return Rejection("bad_request", detail)


def _decode_path(target: bytes, raw_path: bytes) -> str:
    """The path as text; what could mean another path to somebody else is refused."""
    if not _TARGET.fullmatch(target):
        raise _bad("The request target is not a path.")
    try:
        path = unquote_to_bytes(raw_path).decode() if b"%" in raw_path else raw_path.decode()
    except UnicodeDecodeError:
        raise _bad("The path is not UTF-8.") from None
    if not path.isprintable() or any(part in {".", ".."} for part in path.split("/")):
        raise _bad("The path holds control characters or dot segments.")
    return path


@lru_cache(maxsize=1024)  # few paths are all that clients use; a query may hold secrets and is not kept
def _decode_known(target: bytes) -> str:
    return _decode_path(target, target.partition(b"?")[0])


def _read_headers(fields: bytes) -> tuple[list[tuple[bytes, bytes]], dict[bytes, bytes]]:
    """All headers, and the same by name; lines of one name are one list (RFC 9110 section 5.3)."""
    if fields.count(b"\n") > HEADER_COUNT_LIMIT:
        raise Rejection("header_too_large", f"There are more than {HEADER_COUNT_LIMIT} headers.")
    headers = read_header_lines(fields)
    if headers is None:
        raise _bad("A header line is malformed.")
    named = dict(headers)
    if len(named) == len(headers):
        return headers, named
    named = {}
    for name, value in headers:
        if name in named and name in _ONCE:
            raise _bad(f"The header {name.decode()} came twice.")
        named[name] = named[name] + b"," + value if name in named else value
    return headers, named


def lists(value: bytes, word: bytes) -> bool:
    """Whether a list header holds a word, in whatever case (RFC 9110 section 5.6.1); `word` is lower-case."""
    value = value.lower()
    return value == word or word in [item.strip() for item in value.split(b",")]


def _check_http(method: bytes, minor: bytes, named: dict[bytes, bytes], upgrades: bool) -> None:
    """The HTTP side of an upgrade (RFC 6455 section 4.2.1, points 1 to 4)."""
    if method != b"GET" or minor != b"1":
        raise _bad("An upgrade is a GET request of HTTP/1.1.")
    if not _HOST.fullmatch(named.get(b"host", b"")):
        raise _bad("The Host header is missing or malformed.")
    if b"content-length" in named or b"transfer-encoding" in named:
        raise _bad("An upgrade request has no body.")
    if not upgrades or not lists(named.get(b"connection", b""), b"upgrade"):
        raise _bad("The headers Upgrade: websocket and Connection: Upgrade belong together.")


def _check_websocket(named: dict[bytes, bytes]) -> bytes:
    """The WebSocket side (points 5 to 9); the key."""
    if named.get(b"sec-websocket-version") != VERSION.encode():
        raise Rejection(
            "upgrade_required",
            f"The gateway speaks version {VERSION} of the WebSocket protocol.",
            headers=(("Sec-WebSocket-Version", VERSION),),
        )
    key = named.get(b"sec-websocket-key", b"")
    check_key(key)
    if not named.get(b"sec-websocket-extensions", b"").isascii():
        raise _bad("Sec-WebSocket-Extensions is malformed.")
    return key


def check_key(key: bytes) -> None:
    """Raises: Rejection, unless this is the value of a Sec-WebSocket-Key."""
    try:
        valid = len(key) == 24 and len(binascii.a2b_base64(key, strict_mode=True)) == 16
    except binascii.Error:
        valid = False
    if not valid:
        raise _bad("Sec-WebSocket-Key is not 16 bytes in base64.")


def _read_subprotocols(value: bytes) -> list[str]:
    offered = [item.strip() for item in value.split(b",")]
    if not all(map(_IS_TOKEN.fullmatch, offered)) or len(set(offered)) != len(offered):
        raise _bad("Sec-WebSocket-Protocol is not a list of different tokens.")
    return [item.decode() for item in offered]
