"""Frames of an inspected session as somebody may see them: what kind, what became of it, and a masked payload.

Bounded: of each frame a front is kept, and of very many frames only how many there were. A compressed message is
inflated where it refers to nothing that was sent before it (RFC 7692 section 7.1.1: always, without context takeover);
the others cannot be read from the middle on, and are shown by their size.
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from gateway.core.frames import ANSWER, CLOSED, CREDIT, DROP, FLOOD, GO, OVERSIZE, PROTOCOL
from gateway.core.wire import payload_of

RING: Final = 300  # frames that wait to be written, twice a second; of more than these only the number is kept
SHOWN_CHARS: Final = 1_000
KINDS: Final = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
VERDICTS: Final = {
    GO: "passed",
    CLOSED: "passed",
    DROP: "discarded",
    CREDIT: "held",
    FLOOD: "held",
    ANSWER: "answered",
    PROTOCOL: "illegal",
    OVERSIZE: "too_big",
}
HIDDEN: Final = "(hidden: what cannot be read as JSON cannot be masked)"
COMPRESSED: Final = "(compressed)"
INFLATED_BYTES: Final = 16_384  # of one message, whatever it would grow to
STARS: Final = "***"
_FIN: Final = 0x80
_RSV1: Final = 0x40
_TAIL: Final = b"\x00\x00\xff\xff"  # which a sender leaves out


class Caught(NamedTuple):
    """One frame as the scanner showed it. `front` is empty where payloads may not be seen."""

    at: float
    direction: str
    first: int
    size: int
    event: int
    front: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """One frame for people; `payload` None where it may not be seen."""

    at: float
    direction: str
    kind: str
    size_bytes: int
    verdict: str
    payload: str | None


class Ring:
    """Frames between two writes: at most RING, and how many more there were."""

    __slots__ = ("caught", "missed")

    def __init__(self) -> None:
        self.caught: deque[Caught] = deque()
        self.missed = 0

    def add(self, frame: Caught) -> None:
        """Keep one, or count that it was not kept."""
        if len(self.caught) < RING:
            self.caught.append(frame)
        else:
            self.missed += 1

    def take(self) -> tuple[list[Caught], int]:
        """Everything since the last call, and how many were left out after it."""
        taken, missed = list(self.caught), self.missed
        self.caught.clear()
        self.missed = 0
        return taken, missed


def shown(frame: Caught, see_payload: bool, mask: Iterable[str]) -> Shown:
    """A frame for people.

    Args:
        see_payload: whether the API's owner allows payloads to be seen.
        mask: JSON pointers (RFC 6901) of what is hidden in them.
    """
    kind = KINDS.get(frame.first & 15, "reserved")
    verdict = VERDICTS.get(frame.event, "passed")
    payload = _payload(frame, kind, tuple(mask)) if see_payload else None
    return Shown(frame.at, frame.direction, kind, frame.size, verdict, payload)


def _payload(frame: Caught, kind: str, mask: tuple[str, ...]) -> str | None:
    if frame.event in {PROTOCOL, OVERSIZE} or kind in {"close", "reserved"}:
        return None
    body = payload_of(frame.front)
    complete = len(body) >= frame.size
    whole = complete and bool(frame.first & _FIN) and kind != "continuation"
    if frame.first & _RSV1:
        inflated, complete = inflate(body, whole)
        if inflated is None:
            return COMPRESSED
        body, whole = inflated, whole and complete
    if mask and kind not in {"ping", "pong"}:
        return _masked(body, mask) if whole and kind == "text" else HIDDEN
    text = body.decode("utf-8", "replace") if kind in {"text", "continuation"} else body.hex(" ")
    return _cut(text.replace("\x00", "\N{SYMBOL FOR NULL}"), not complete)


def inflate(body: bytes, whole: bool) -> tuple[bytes | None, bool]:
    """What a compressed message says (RFC 7692 section 7.2.2), or the front of one; INFLATED_BYTES of it at most.

    Returns: None where it refers to messages before it (inflating such a thing without them always fails, so nothing
        wrong is ever shown); and whether that is all of it.
    """
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = machine.decompress(body + _TAIL if whole else body, INFLATED_BYTES)
    except zlib.error:
        return None, False
    return found, whole and not machine.unconsumed_tail


def _cut(text: str, more: bool) -> str:
    return f"{text[:SHOWN_CHARS]}\N{HORIZONTAL ELLIPSIS}" if more or len(text) > SHOWN_CHARS else text


def _masked(body: bytes, mask: tuple[str, ...]) -> str:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return HIDDEN
    if not isinstance(value, dict | list):
        return HIDDEN  # a pointer could not reach it, so nobody knows whether it was meant to be hidden
    for pointer in mask:
        value = hide(value, pointer)
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    return _cut(text.replace("\x00", "\N{SYMBOL FOR NULL}"), False)


def hide(value: Any, pointer: str) -> Any:
    """`value` with what a JSON pointer names replaced by stars; a `*` in it means every member (our own extension)."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return _hide(value, parts)


def _hide(value: Any, parts: list[str]) -> Any:
    if not parts:
        return STARS
    name, *rest = parts
    if isinstance(value, dict):
        names = list(value) if name == "*" and "*" not in value else [name]
        return {**value, **{one: _hide(value[one], rest) for one in names if one in value}}
    if isinstance(value, list):
        return [_hide(item, rest) if name == "*" or name == str(index) else item for index, item in enumerate(value)]
    return value
