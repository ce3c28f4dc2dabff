"""The PROXY protocol, versions 1 and 2: what a proxy says of its client before the client's first byte (sans-IO).

Strict: who may speak it must speak it well, and nothing else is guessed at. Source: The PROXY protocol, HAProxy
Technologies, 2020/03/05, sections 2.1 (text) and 2.2 (binary).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"  # section 2.2
FIXED_BYTES: Final = 16  # signature, version and command, family, length
SHORTEST_TEXT: Final = b"PROXY UNKNOWN\r\n"
LONGEST_TEXT: Final = 107  # section 2.1, line end included
LONGEST_BINARY: Final = 4096  # of addresses and what follows; a proxy sends some dozens, 65535 could be said
_TLS: Final = 0x20  # PP2_TYPE_SSL, section 2.2.6
_CAME_BY_TLS: Final = 0x01  # PP2_CLIENT_SSL

_TEXT: Final = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n")
_UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?\r\n")


class Malformed(Exception):
    """What came is no PROXY protocol header."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a header says.

    Attributes:
        address, port: of the client; "" and 0 where the proxy speaks for itself (a health check of its own) or does
            not know, so that the connection's own peer counts.
        secure: whether the client came to the proxy by TLS; None where it says nothing about that.
    """

    address: str = ""
    port: int = 0
    secure: bool | None = None


def wanted(data: bytes) -> int:
    """How many bytes the header has at least, as far as can be told from its beginning: what may be read so far.

    Nothing behind the header is ever asked for: whatever follows it belongs to whoever reads next.

    Args:
        data: what has come.
    Returns:
        len(data) when the header is complete.
    Raises:
        Malformed: it cannot become a header.
    """
    if SIGNATURE.startswith(data[: len(SIGNATURE)]):
        if len(data) < FIXED_BYTES:
            # Both kinds begin differently, so one byte decides; the shorter one is 15 bytes long.
            return FIXED_BYTES if data else 1
        length = int.from_bytes(data[14:16], "big")
        if length > LONGEST_BINARY:
            raise Malformed("too long")
        return FIXED_BYTES + length
    if not b"PROXY ".startswith(data[:6]):
        raise Malformed("neither of both signatures")
    if data.endswith(b"\r\n"):
        return len(data)
    if b"\n" in data or len(data) >= LONGEST_TEXT:
        raise Malformed("no line")
    return max(len(SHORTEST_TEXT), len(data) + (1 if data.endswith(b"\r") else 2))


def parse(header: bytes) -> Source:
    """Read a complete header.

    Raises:
        Malformed: it is none.
    """
    return _binary(header) if header.startswith(SIGNATURE) else _text(header)


def _text(header: bytes) -> Source:
    if len(header) > LONGEST_TEXT:
        raise Malformed("too long")
    if _UNKNOWN.fullmatch(header):
        return Source()
    matched = _TEXT.fullmatch(header)
    if matched is None:
        raise Malformed("no line of it")
    family, source, target, port, target_port = matched.groups()
    kind = IPv4Address if family == b"4" else IPv6Address
    try:
        address, _ = kind(source.decode()), kind(target.decode())
    except ValueError:
        raise Malformed("an address that is none") from None
    if int(port) > 65535 or int(target_port) > 65535:
        raise Malformed("a port that is none")
    return Source(str(address), int(port))


def _binary(header: bytes) -> Source:
    if len(header) < FIXED_BYTES or len(header) != FIXED_BYTES + int.from_bytes(header[14:16], "big"):
        raise Malformed("another length than it says")
    version, command = header[12] >> 4, header[12] & 15
    if version != 2 or command > 1:
        raise Malformed("an unknown version or command")
    sizes = {0x11: 4, 0x21: 16}  # TCP over IPv4 and IPv6; all else is as good as unknown
    size = sizes.get(header[13])
    if command == 0 or size is None:
        return Source()
    payload = header[FIXED_BYTES:]
    fixed = 2 * size + 4
    if len(payload) < fixed:
        raise Malformed("no room for its addresses")
    port = int.from_bytes(payload[2 * size : 2 * size + 2], "big")
    return Source(str(ip_address(payload[:size])), port, _told_of_tls(payload[fixed:]))


def _told_of_tls(rest: bytes) -> bool | None:
    """What the type-length-value parts say about TLS."""
    secure: bool | None = None
    while rest:
        if len(rest) < 3:
            raise Malformed("half a part")
        length = int.from_bytes(rest[1:3], "big")
        value, kind = rest[3 : 3 + length], rest[0]
        if len(value) != length:
            raise Malformed("a part longer than the header")
        if kind == _TLS:
            if length < 5:
                raise Malformed("too little about TLS")
            secure = bool(value[0] & _CAME_BY_TLS)
        rest = rest[3 + length :]
    return secure
