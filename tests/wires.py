"""Frames made by hand, for tests that need to know every byte on the wire (RFC 6455 section 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def xor(payload: bytes, key: bytes) -> bytes:
    """Mask or unmask."""
    return bytes(byte ^ key[i & 3] for i, byte in enumerate(payload))


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    masked: bool,
    fin: bool = True,
    rsv: int = 0,
    form: int | None = None,
    key: bytes = b"\x11\x22\x33\x44",
) -> bytes:
    """One frame; `form` forces the length into 7 (0), 16 (1) or 64 (2) bits, minimal or not."""
    size = len(payload)
    if form is None:
        form = 0 if size < 126 else 1 if size < 65536 else 2
    bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv | opcode])
    if form == 0:
        head += bytes([bit | size])
    elif form == 1:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + key + xor(payload, key) if masked else head + payload


def close(code: int | None = None, reason: bytes = b"", *, masked: bool) -> bytes:
    """One close frame; without a code it is empty."""
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason, masked=masked)


@dataclass(frozen=True)
class Seen:
    """One frame as a peer read it."""

    opcode: int
    payload: bytes
    fin: bool
    masked: bool

    @property
    def code(self) -> int | None:
        """The close code it carries."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


def take(data: bytes) -> tuple[Seen | None, bytes]:
    """The first frame in `data`, payload unmasked, or None if it is not whole; and the bytes behind it."""
    if len(data) < 2:
        return None, data
    size, at = data[1] & 127, 2
    if size > 125:
        wide = 2 if size == 126 else 8
        size, at = int.from_bytes(data[2 : 2 + wide], "big"), 2 + wide
    masked = data[1] > 127
    key = data[at : at + 4] if masked else b""
    at += len(key)
    if len(data) < at + size:
        return None, data
    body = data[at : at + size]
    return Seen(data[0] & 15, xor(body, key) if masked else body, data[0] > 127, masked), data[at + size :]


def parse(data: bytes) -> tuple[list[Seen], bytes]:
    """All whole frames in `data`, and what is left over."""
    seen = []
    while True:
        one, data = take(data)
        if one is None:
            return seen, data
        seen.append(one)
