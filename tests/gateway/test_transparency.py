"""Frames travel as through glass: what either end sends is what the other one gets, byte for byte.

Autobahn (tests/conformance) compares verdicts; here both ends are in the test's own hands.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.gateway.ends import Corridor, Session, both_ways, message
from tests.gateway.world import World
from tests.wires import BINARY, CLOSE, PING, PONG, TEXT, close

MIB = 1 << 20
CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4401, 4999)
LONGEST_REASON = ("Auf Wiedersehen, " * 8).encode()[:121] + "ß".encode()  # 123 bytes, the last two of them one letter


@pytest.fixture(scope="module")
def wide(world: World, corridor: Corridor) -> Iterator[Corridor]:
    """An API whose plan allows messages of 16 MiB."""
    made = Corridor(world, corridor.tls, {"max_message_bytes": 16 * MIB})
    yield made
    made.close()


def fragments(sender: str, pieces: list[bytes], *, every: int) -> bytes:
    """One message in pieces, with a ping and a pong behind every so many of them."""
    out = []
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        out.append(message(sender, piece, BINARY if number == 0 else 0, fin=last))
        if not last and number % every == 0:
            out.append(message(sender, b"%d" % number, PING if number % 2 else PONG))
    return b"".join(out)


# -- messages -----------------------------------------------------------------------------------------------------


@both_ways
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_messages_of_every_size_up_to_the_limit_pass(session: Session, sender: str, opcode: int) -> None:
    for size in (0, 1, 125, 126, 127, 1000, 65_535, 65_536, MIB):
        session.passes(sender, message(sender, b"x" * size, opcode))


@both_ways
def test_empty_messages_pass_and_so_do_empty_fragments(session: Session, sender: str) -> None:
    session.passes(sender, message(sender, b"") + message(sender, b"", BINARY) + message(sender, b"", fin=False))
    session.passes(sender, message(sender, b"", 0, fin=False) * 3 + message(sender, b"", 0) + message(sender, b"last"))


@both_ways
def test_one_byte_at_a_time_is_no_different(session: Session, sender: str) -> None:
    source, target = session.ends(sender)
    pieces = [b"by", b"", b"te"]
    data = message(sender, b"y" * 130) + message(sender) + fragments(sender, pieces, every=1) + message(sender, b"")
    source.drip(data)
    assert target.bytes(len(data)) == data


@both_ways
@pytest.mark.parametrize("form", ["whole", "in fragments"])
def test_16_mib_pass_where_the_plan_allows_them(wide: Corridor, sender: str, form: str) -> None:
    body = random.Random(16).randbytes(MIB) * 16
    pieces = [body] if form == "whole" else [body[at : at + 65_537] for at in range(0, len(body), 65_537)]
    with wide.session() as session:
        session.passes(sender, fragments(sender, pieces, every=8) + message(sender, b"and on"))


@both_ways
def test_thousands_of_fragments_pass_with_control_frames_between_them(session: Session, sender: str) -> None:
    dice = random.Random(5)
    pieces = [dice.randbytes(dice.choice((0, 1, 7, 126))) for _ in range(6000)]
    session.passes(sender, fragments(sender, pieces, every=30))
    session.passes(sender, message(sender, b"and on"))


@both_ways
def test_more_control_frames_than_the_corridor_takes_at_once_are_slowed_down_and_not_lost(
    session: Session, sender: str
) -> None:
    session.passes(sender, b"".join(message(sender, b"%d" % number, PING) for number in range(600)))


def test_both_ends_may_talk_at_once(wide: Corridor) -> None:
    """Each writes without reading first, more than the gateway or the kernel would hold."""
    there, back = (message(sender, bytes(MIB), BINARY) * 12 for sender in ("sam", "backend"))
    with wide.session() as session:
        session.sam.meanwhile(lambda: session.sam.send(there))
        session.backend.meanwhile(lambda: session.backend.send(back))
        assert session.backend.bytes(len(there)) == there
        assert session.sam.bytes(len(back)) == back


# -- pings and pongs ----------------------------------------------------------------------------------------------


@both_ways
def test_pings_and_pongs_are_those_of_the_ends(session: Session, sender: str) -> None:
    """With their payload; the gateway answers none of them itself, and adds none."""
    other = "backend" if sender == "sam" else "sam"
    for payload in (b"", b"\x00\xff", b"p" * 125):
        session.passes(sender, message(sender, payload, PING))
        session.passes(other, message(other, payload, PONG))
        session.passes(sender, message(sender, payload, PONG))  # nobody asked for it
    session.passes(other, message(other, b"the next frame"))


# -- right behind the upgrade -------------------------------------------------------------------------------------


def test_what_either_end_sends_in_the_segment_of_its_handshake_arrives(corridor: Corridor) -> None:
    there = message("sam", b"too early?") + message("sam", b"p", PING) + message("sam", b"z" * 3000)
    back = message("backend", b"me first") + message("backend", b"", PING) + message("backend", b"y" * 3000)
    with corridor.session(early=(there, back)) as session:
        assert session.backend.bytes(len(there)) == there
        assert session.sam.bytes(len(back)) == back
        session.passes("sam", message("sam"))
        session.passes("backend", message("backend"))


def test_half_a_frame_behind_the_handshake_is_completed_later(corridor: Corridor) -> None:
    there, back = message("sam", b"x" * 300), message("backend", b"y" * 300)
    for cut in (1, 3, 5, 250):
        with corridor.session(early=(there[:cut], back[:cut])) as session:
            session.sam.send(there[cut:])
            session.backend.send(back[cut:])
            assert session.backend.bytes(len(there)) == there
            assert session.sam.bytes(len(back)) == back


def test_much_more_than_the_gateway_keeps_for_a_handshake_arrives_behind_it(corridor: Corridor) -> None:
    there, back = message("sam", bytes(400_000), BINARY), message("backend", bytes(400_000), BINARY)
    with corridor.session(early=(there, back)) as session:
        assert session.backend.bytes(len(there)) == there
        assert session.sam.bytes(len(back)) == back


# -- closing ------------------------------------------------------------------------------------------------------


def closes(session: Session, sender: str, first: bytes, answer: bytes) -> None:
    """A close frame and its answer pass as they are, then both connections end, with nothing else on them."""
    source, target = session.ends(sender)
    source.send(first)
    assert target.bytes(len(first)) == first
    target.send(answer)
    assert source.rest() == answer
    assert target.rest() == b""


@both_ways
@pytest.mark.parametrize("reason", [b"", b"going home", LONGEST_REASON], ids=["without", "short", "longest"])
def test_every_close_code_and_reason_passes_as_it_was_said(corridor: Corridor, sender: str, reason: bytes) -> None:
    for code in CODES:
        with corridor.session() as session:
            first = close(code, reason, masked=sender == "sam")
            closes(session, sender, first, close(code, reason, masked=sender != "sam"))


@both_ways
def test_a_close_without_a_code_stays_one(session: Session, sender: str) -> None:
    closes(session, sender, close(masked=sender == "sam"), close(masked=sender != "sam"))


@both_ways
def test_an_answer_may_say_another_code_than_it_was_told(session: Session, sender: str) -> None:
    closes(session, sender, close(4000, b"me", masked=sender == "sam"), close(4001, b"you", masked=sender != "sam"))


@both_ways
def test_a_reason_that_is_no_text_is_for_the_other_end_to_judge(session: Session, sender: str) -> None:
    closes(session, sender, close(1000, b"\xff\xfe", masked=sender == "sam"), close(1007, masked=sender != "sam"))


@both_ways
def test_what_is_under_way_when_a_close_is_said_still_arrives(session: Session, sender: str) -> None:
    other = "backend" if sender == "sam" else "sam"
    source, target = session.ends(sender)
    goodbye = message(sender, b"one more thing") + close(1000, masked=sender == "sam")
    source.send(goodbye)
    assert target.bytes(len(goodbye)) == goodbye
    last = message(other, b"so had I") + message(other, b"", PING) + close(1000, masked=other == "sam")
    target.send(last)
    assert source.rest() == last


def test_both_may_close_at_once(session: Session) -> None:
    session.sam.send(close(1000, b"sam", masked=True))
    session.backend.send(close(1001, b"backend", masked=False))
    assert session.sam.frame().payload[2:] == b"backend"
    seen = session.backend.frame()
    assert (seen.opcode, seen.payload[2:]) == (CLOSE, b"sam")
    assert session.sam.rest() == session.backend.rest() == b""
