"""The constants of the WebSocket wire, and the smallest things made of them: frame tables, a ping, a close frame.

Source: RFC 6455 section 5.2 (frame layout), 5.5 (control frames), 7.4 (close codes); RFC 7692 section 6 (RSV1).
"""

from __future__ import annotations

from typing import Final

from gateway.core.rejections import REASON_LIMIT

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

CONTROL_LIMIT: Final = 125  # RFC 6455 section 5.5: largest payload of a control frame

Steps = tuple[int, ...]
Rows = tuple[Steps, ...]


def _steps(masked: bool) -> Steps:
    """Second header byte -> length of the whole frame; -(length of the header) for a longer length; 0 otherwise."""
    head, base = (6, 128) if masked else (2, 0)
    table = [0] * 256
    for length in range(126):
        table[base + length] = head + length
    table[base + 126], table[base + 127] = -(head + 2), -(head + 8)
    return tuple(table)


def _rows(masked: bool, firsts: bytes) -> Rows:
    """First header byte -> the table of second bytes for it; all zero unless the frame is a whole message."""
    steps, none = _steps(masked), tuple([0] * 256)
    return tuple(steps if first in firsts else none for first in range(256))


WHOLE: Final[dict[tuple[bool, bool], Rows]] = {
    (masked, deflate): _rows(masked, b"\x81\x82\xc1\xc2" if deflate else b"\x81\x82")
    for masked in (False, True)
    for deflate in (False, True)
}
"""(masked, deflate) -> table over the first two header bytes of frames that are whole messages: FIN with opcode text
or binary, and RSV1 too where a permessage extension was agreed."""
NOTHING: Final[Rows] = _rows(True, b"")
"""The table that sends every frame the long way."""


def is_wire_code(code: int) -> bool:
    """Whether a close frame may carry this code (RFC 6455 section 7.4 and its IANA registry)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def unmask(body: bytes, key: bytes) -> bytes:
    """`body` with the 4-byte masking key applied (RFC 6455 section 5.3); for the few bytes of a close frame."""
    size = len(body)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(body, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def body_of(frame: bytes) -> bytes:
    """What a whole control frame carries, unmasked."""
    return frame[2:] if frame[1] < 128 else unmask(frame[6:], frame[2:6])


def header_of(data: bytes, pos: int = 0) -> tuple[int, int]:
    """Payload size and header length of the frame that begins at `pos`; of a header that is cut off, what is there."""
    second = data[pos + 1]
    size, head = second & 127, 6 if second > 127 else 2
    if size > 125:
        wide = 2 if size == 126 else 8
        return int.from_bytes(data[pos + 2 : pos + 2 + wide], "big"), head + wide
    return size, head


def alike(data: bytes, pos: int, end: int, step: int) -> int:
    """How many frames of `step` bytes, all with the same first two, lie between `pos` and `end`: all that fit, or 0."""
    count = (end - pos) // step
    until = pos + count * step
    # two comparisons in machine code instead of a turn for each frame; lengths differ more often than kinds
    if data[pos + 1 : until : step] != data[pos + 1 : pos + 2] * count:
        return 0
    return count if data[pos:until:step] == data[pos : pos + 1] * count else 0


def payload_of(front: bytes) -> bytes:
    """What the front of a frame of any kind carries, unmasked, as far as it is there."""
    _, head = header_of(front)
    body = front[head:]
    if front[1] < 128 or not body:
        return body
    key = front[head - 4 : head] * (len(body) // 4 + 1)
    mask = int.from_bytes(key[: len(body)], "big")
    return (int.from_bytes(body, "big") ^ mask).to_bytes(len(body), "big")


def text_frame(text: str, key: bytes = b"") -> bytes:
    """One unfragmented text message.

    Args:
        text: at most 125 bytes of UTF-8.
        key: as in `close_frame`.
    Raises:
        ValueError: it is longer.
    """
    body = text.encode()
    if len(body) > CONTROL_LIMIT:
        raise ValueError(f"a notice of {len(body)} bytes is too long")
    if key:
        return bytes((0x80 | TEXT, 0x80 | len(body))) + key + unmask(body, key)
    return bytes((0x80 | TEXT, len(body))) + body


def ping_frame(payload: bytes, key: bytes = b"") -> bytes:
    """One ping.

    Args:
        payload: at most 125 bytes.
        key: as in `close_frame`.
    """
    if key:
        return bytes((0x80 | PING, 0x80 | len(payload))) + key + unmask(payload, key)
    return bytes((0x80 | PING, len(payload))) + payload


def close_frame(code: int, reason: str = "", key: bytes = b"") -> bytes:
    """One close frame.

    Args:
        code: a code that is legal on the wire.
        reason: cut at 123 bytes of UTF-8, never inside a character.
        key: 4 random bytes if the frame goes to an upstream (a client must mask), else empty.
    Raises:
        ValueError: the code must not be sent.
    """
    if not is_wire_code(code):
        raise ValueError(f"{code} is not a close code that may be sent")
    text = reason.encode("utf-8", "replace")[:REASON_LIMIT].decode("utf-8", "ignore").encode()
    body = code.to_bytes(2, "big") + text
    if key:
        return bytes((0x80 | CLOSE, 0x80 | len(body))) + key + unmask(body, key)
    return bytes((0x80 | CLOSE, len(body))) + body
