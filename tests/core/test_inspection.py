"""What is shown of a frame: never more than the API's owner allows, and never without a bound."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from gateway.core.frames import CREDIT, DROP, GO, OVERSIZE, PROTOCOL, TAP_BYTES, FrameScanner
from gateway.core.inspection import COMPRESSED, HIDDEN, RING, SHOWN_CHARS, STARS, Caught, Ring, hide, shown

CARD = {"card": {"number": "4111", "owner": "sam"}, "items": [{"secret": 1}, {"secret": 2}], "a/b": 1, "~": 2}


def frame(payload: bytes, first: int = 0x81, *, masked: bool = False, event: int = GO) -> Caught:
    """One whole frame as a tap shows it."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    key = b"\x01\x02\x03\x04" if masked else b""
    body = bytes(byte ^ key[n & 3] for n, byte in enumerate(payload)) if masked else payload
    head = bytes([first, length[0] | (0x80 if masked else 0)]) + length[1:] + key
    return Caught(0.0, "in" if masked else "out", first, size, event, (head + body)[:TAP_BYTES])


@pytest.mark.parametrize(
    ("first", "kind"), [(0x81, "text"), (0x82, "binary"), (0x80, "continuation"), (0x88, "close"), (0x89, "ping")]
)
def test_the_kind_of_a_frame_is_its_opcode(first: int, kind: str) -> None:
    assert shown(frame(b"", first), False, ()).kind == kind


@pytest.mark.parametrize(
    ("event", "verdict"),
    [(GO, "passed"), (DROP, "discarded"), (CREDIT, "held"), (PROTOCOL, "illegal"), (OVERSIZE, "too_big")],
)
def test_what_became_of_it_is_said_in_a_word(event: int, verdict: str) -> None:
    assert shown(frame(b"x", event=event), False, ()).verdict == verdict


def test_a_payload_is_shown_unmasked_and_only_where_it_may_be_seen() -> None:
    caught = frame("grüße".encode(), masked=True)
    assert shown(caught, True, ()).payload == "grüße"
    assert shown(caught, False, ()).payload is None
    assert shown(frame(b"\x00\xff", 0x82), True, ()).payload == "00 ff"


@pytest.mark.parametrize(
    ("pointer", "gone"),
    [
        ("/card/number", {**CARD, "card": {"number": STARS, "owner": "sam"}}),
        ("/card", {**CARD, "card": STARS}),
        ("/items/1/secret", {**CARD, "items": [{"secret": 1}, {"secret": STARS}]}),
        ("/items/*/secret", {**CARD, "items": [{"secret": STARS}, {"secret": STARS}]}),
        ("/a~1b", {**CARD, "a/b": STARS}),
        ("/~0", {**CARD, "~": STARS}),
        ("/nothing/here", CARD),
        ("/card/number/deeper", CARD),
    ],
)
def test_a_pointer_hides_what_it_names(pointer: str, gone: Any) -> None:
    assert hide(CARD, pointer) == gone
    text = shown(frame(json.dumps(CARD).encode()), True, [pointer]).payload
    assert text is not None
    assert json.loads(text) == gone


@pytest.mark.parametrize(
    "caught",
    [
        frame(b"4111 is my card"),
        frame(b'"4111"'),
        frame(b'{"card":4111}', 0x82),
        frame(b'{"card":4111}', 0x01),
        frame(b'{"card":4111}', 0x80),
        frame(b'{"card":"' + b"4" * 5000 + b'"}'),
        frame(b"[" * 4000),
    ],
)
def test_with_a_mask_nothing_is_shown_that_cannot_be_masked(caught: Caught) -> None:
    assert shown(caught, True, ["/card"]).payload == HIDDEN


def deflated(*messages: bytes) -> bytes:
    """The last of these as it travels when they are sent one after the other with context takeover."""
    machine = zlib.compressobj(wbits=-15)
    return [machine.compress(one) + machine.flush(zlib.Z_SYNC_FLUSH) for one in messages][-1][:-4]


def test_a_compressed_message_is_shown_where_it_stands_for_itself() -> None:
    text = json.dumps(CARD).encode()
    first, second = frame(deflated(text), 0xC1, masked=True), frame(deflated(text, text), 0xC1)
    assert shown(first, True, ()).payload == text.decode()
    assert json.loads(shown(first, True, ["/card"]).payload or "") == {**CARD, "card": STARS}
    assert (shown(second, True, ()).payload, shown(second, True, ["/card"]).payload) == (COMPRESSED, COMPRESSED)
    assert shown(first, False, ()).payload is None


def test_what_a_compressed_message_grows_to_is_bounded() -> None:
    bomb = frame(deflated(b'{"card":"' + b"4" * 1_000_000 + b'"}'), 0xC1)
    text = shown(bomb, True, ()).payload
    assert text is not None
    assert len(text) == SHOWN_CHARS + 1
    assert shown(bomb, True, ["/card"]).payload == HIDDEN


def test_what_is_shown_and_kept_is_bounded() -> None:
    text = shown(frame(b"x" * 20_000), True, ()).payload
    assert text is not None
    assert len(text) == SHOWN_CHARS + 1
    ring = Ring()
    for _ in range(RING + 7):
        ring.add(frame(b"x"))
    caught, missed = ring.take()
    assert (len(caught), missed) == (RING, 7)
    assert ring.take() == ([], 0)


def test_no_character_is_too_strange_for_a_database() -> None:
    found = shown(frame(b"a\x00b\xff"), True, ())
    assert found.payload is not None
    assert "\x00" not in found.payload
    found.payload.encode()
    masked = shown(frame(rb'{"a":"\u0000\ud800","b":1}'), True, ["/b"])
    assert masked.payload is not None
    masked.payload.encode()


def test_a_scanner_shows_its_frames_only_while_somebody_looks() -> None:
    seen: list[int] = []
    scanner = FrameScanner(False, events=100, octets=10_000)
    scanner.feed(b"\x81\x02hi")
    scanner.watch(lambda first, size, event, front: seen.append(size))
    scanner.feed(b"\x81\x03you\x82\x01x")
    scanner.watch(None)
    scanner.feed(b"\x81\x02hi")
    assert seen == [3, 1]
    assert scanner.messages == 4
