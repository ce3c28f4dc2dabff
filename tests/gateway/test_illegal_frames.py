"""An illegal frame ends the session with 1002 on both sides, and not one byte of it is passed on (RFC 6455 section 5).

Each is sent whole, cut at every place, and with more behind it, by a hostile client and by a broken backend.
"""

from __future__ import annotations

import time

import pytest

from tests.gateway.ends import Corridor, End, Session, both_ways, message
from tests.wires import BINARY, CLOSE, PING, PONG, TEXT, Seen, frame

REASON = b'{"code":"protocol_error"}'
DEFLATE = (("Sec-WebSocket-Extensions: permessage-deflate",),) * 2
PLAIN: tuple[tuple[str, ...], ...] = ((), ())


class Bad:
    """A way to break the rules, for either end: frames that may pass, then the one that must not.

    Args:
        name: for people.
        opcode, payload, facts: of the illegal frame.
        swap: whether it has a mask where none belongs, or the other way round.
        head: the illegal header as it is, instead.
        before: legal frames before it, as opcode, payload and FIN.
        deflate: after compression was agreed.
    """

    def __init__(
        self,
        name: str,
        opcode: int = TEXT,
        payload: bytes = b"bad",
        *,
        swap: bool = False,
        head: bytes = b"",
        before: tuple[tuple[int, bytes, bool], ...] = (),
        deflate: bool = False,
        **facts: int,
    ) -> None:
        self.name, self.opcode, self.payload, self.facts = name, opcode, payload, facts
        self.swap, self.head, self.before, self.deflate = swap, head, before, deflate

    def legal(self, sender: str) -> bytes:
        return b"".join(message(sender, payload, opcode, fin=fin) for opcode, payload, fin in self.before)

    def illegal(self, sender: str) -> bytes:
        masked = (sender == "sam") != self.swap
        if self.head:
            return bytes((self.head[0], self.head[1] | (0x80 if masked else 0))) + self.head[2:]
        return frame(self.opcode, self.payload, masked=masked, **self.facts)


OPEN = ((TEXT, b"begun", False),)  # a message that is not finished
MID = (*OPEN, (0, b"and on", False))
DONE = (*MID, (0, b"and done", True))
STARTED: tuple[tuple[tuple[int, bytes, bool], ...], ...] = (OPEN, MID)

TABLE = [
    Bad("a text with the wrong mask", swap=True),
    Bad("an empty text with the wrong mask", payload=b"", swap=True),
    Bad("a ping with the wrong mask", PING, swap=True),
    Bad("a close with the wrong mask", CLOSE, b"\x03\xe8", swap=True),
    Bad("a fragment with the wrong mask", 0, before=OPEN, swap=True),
    *(Bad(f"reserved opcode {opcode}", opcode) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)),
    Bad("reserved opcode 3 inside a message", 3, before=OPEN),
    *(Bad(f"reserved bits {rsv:#x} without an extension", rsv=rsv) for rsv in (0x10, 0x20, 0x40, 0x70)),
    *(Bad(f"reserved bits {rsv:#x} besides compression", rsv=rsv, deflate=True) for rsv in (0x10, 0x20, 0x50, 0x60)),
    Bad("compression begun in the middle of a message", 0, before=OPEN, rsv=0x40, deflate=True),
    Bad("a compressed ping", PING, rsv=0x40, deflate=True),
    Bad("a compressed close", CLOSE, b"\x03\xe8", rsv=0x40, deflate=True),
    *(Bad(f"control frame {opcode} in fragments", opcode, b"", fin=False) for opcode in (CLOSE, PING, PONG)),
    *(Bad(f"control frame {opcode} of 126 bytes", opcode, b"\x03\xe8" + bytes(124)) for opcode in (CLOSE, PING, PONG)),
    Bad("a ping of 65536 bytes", PING, bytes(65_536)),
    Bad("a ping whose length is not minimal", PING, form=1),
    Bad("a continuation of nothing", 0),
    Bad("a continuation of nothing, not the last", 0, fin=False),
    Bad("a continuation of what is done", 0, before=DONE),
    *(Bad(f"a new message inside another ({len(before)})", BINARY, before=before) for before in STARTED),
    Bad("a new message in fragments inside another", TEXT, before=OPEN, fin=False),
    Bad("a length of 3 in 16 bits", form=1),
    Bad("a length of 0 in 16 bits", payload=b"", form=1),
    Bad("a length of 125 in 16 bits", payload=bytes(125), form=1),
    Bad("a length of 3 in 64 bits", form=2),
    Bad("a length of 65535 in 64 bits", payload=bytes(65_535), form=2),
    Bad("a fragment whose length is not minimal", 0, before=OPEN, form=1),
    Bad("a length of 2^63", head=b"\x82\x7f\x80" + bytes(7)),
    Bad("a length of 2^64 - 1", head=b"\x82\x7f" + b"\xff" * 8),
    Bad("a close of one byte", CLOSE, b"\x03"),
    *(
        Bad(f"close code {code}", CLOSE, code.to_bytes(2, "big") + b"why")
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535)
    ),
]
WAYS = pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
SMALL = 32  # bytes of an illegal frame that is cut at every place; of a larger one, its first so many


def ended(session: Session, sender: str, legal: bytes) -> None:
    """Both sides hear 1002 and nothing else besides the legal frames; then both connections end."""
    source, target = session.ends(sender)
    assert target.bytes(len(legal)) == legal
    seen = told(target)
    assert seen.masked is (sender == "sam")  # whoever sends to a backend must mask
    assert told(source).masked is (sender != "sam")
    assert source.rest() == b""
    source.close()
    target.send(frame(CLOSE, b"\x03\xea", masked=sender != "sam"))
    assert target.rest() == b""


def told(end: End) -> Seen:
    """The next frame, which is a close with 1002."""
    seen = end.frame()
    assert (seen.opcode, seen.fin, seen.code, seen.payload[2:]) == (CLOSE, True, 1002, REASON)
    return seen


@both_ways
@WAYS
def test_an_illegal_frame_is_1002_to_both_and_no_byte_of_it_is_passed_on(
    corridor: Corridor, bad: Bad, sender: str
) -> None:
    with corridor.session(*(DEFLATE if bad.deflate else PLAIN)) as session:
        legal = message(sender, b"a legal one") + bad.legal(sender)
        session.ends(sender)[0].send(legal + bad.illegal(sender) + message(sender, b"behind it"))
        ended(session, sender, legal)


@both_ways
@WAYS
def test_wherever_the_network_cuts_it(corridor: Corridor, bad: Bad, sender: str) -> None:
    illegal = bad.illegal(sender)
    for cut in range(1, min(len(illegal), SMALL)):
        with corridor.session(*(DEFLATE if bad.deflate else PLAIN)) as session:
            legal = bad.legal(sender)
            source = session.ends(sender)[0]
            source.send(legal + illegal[:cut])
            if session.settled(sender):
                source.send(illegal[cut:])
            ended(session, sender, legal)


@both_ways
def test_whoever_goes_on_sending_behind_it_still_hears_why(session: Session, sender: str) -> None:
    """A reset would take the close frame out of its reach before it is read."""
    source, target = session.ends(sender)
    source.send(TABLE[0].illegal(sender) + message(sender, bytes(60_000), BINARY) * 10)
    told(source)
    told(target)
    target.send(frame(CLOSE, b"\x03\xea", masked=sender != "sam"))
    source.close()
    assert target.rest() == b""


@both_ways
def test_the_close_waits_for_the_end_of_the_frame_that_comes_the_other_way(session: Session, sender: str) -> None:
    source, target = session.ends(sender)
    other = "backend" if sender == "sam" else "sam"
    big = message(other, bytes(5000), BINARY)
    target.send(big[:1000])
    assert source.bytes(1000) == big[:1000]
    source.send(TABLE[0].illegal(sender))
    told(target)
    target.send(big[1000:] + message(other, b"no longer passed on"))
    assert source.bytes(len(big) - 1000) == big[1000:]
    told(source)


@both_ways
def test_an_innocent_end_that_does_not_answer_is_not_waited_for(session: Session, sender: str) -> None:
    source, target = session.ends(sender)
    started = time.monotonic()
    source.send(TABLE[0].illegal(sender))
    told(source)
    told(target)
    assert (source.rest(), target.rest()) == (b"", b"")
    assert time.monotonic() - started < 3  # CONTRACT section 6: a second for the boundary, a second for the answer


def test_a_backend_that_begins_with_an_illegal_frame_is_1002_to_both(corridor: Corridor) -> None:
    for behind in (b"", message("backend", b"legal")):
        with corridor.session(early=(b"", behind + TABLE[0].illegal("backend"))) as session:
            ended(session, "backend", behind)


def test_what_sam_sends_before_he_is_answered_is_judged_when_the_session_begins(corridor: Corridor) -> None:
    legal = message("sam", b"legal")
    with corridor.session(early=(legal + TABLE[1].illegal("sam")[:1], b"")) as session:
        session.sam.send(TABLE[1].illegal("sam")[1:])
        ended(session, "sam", legal)


def test_an_illegal_frame_in_the_segment_of_the_request_opens_no_session(corridor: Corridor) -> None:
    """It may as well be a second request (CVE-2026-69243): nothing is dialled, and the answer is 400."""
    sam = corridor.knock(behind=TABLE[0].illegal("sam"))
    assert sam.head().startswith(b"HTTP/1.1 400 ")
    sam.close()
    with corridor.session() as session:  # the next one that the backend gets is this one
        session.passes("sam", message("sam"))
