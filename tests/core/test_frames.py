"""What the frame scanner lets through: every byte of a legal, paid-for stream, and not one byte more."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import frames
from gateway.core.frames import FOREVER, FrameScanner
from gateway.core.wire import close_frame, is_wire_code
from tests.wires import BINARY, CLOSE, PING, PONG, TEXT, close, frame, parse

FAST = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
SIZES = [0, 1, 2, 60, 124, 125, 126, 127, 200, 1000, 65535, 65536]


@dataclass
class Stream:
    """A legal stream, and what a fair witness would have counted."""

    masked: bool
    deflate: bool
    frames: list[bytes] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # index of the first frame of every message
    sizes: list[int] = field(default_factory=list)  # payload of every message
    pings: int = 0

    @property
    def data(self) -> bytes:
        return b"".join(self.frames)

    def scanner(self, **facts: int) -> FrameScanner:
        facts = {"events": FOREVER, "octets": FOREVER, "max_message_bytes": 1 << 22, **facts}
        return FrameScanner(self.masked, self.deflate, **facts)


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Messages whole and in fragments, compressed or not, with pings and pongs between and inside them."""
    dice = random.Random(draw(st.integers(0, 1 << 32)))
    stream = Stream(masked=dice.random() < 0.5, deflate=dice.random() < 0.5)

    def control() -> None:
        opcode = dice.choice((PING, PONG))
        stream.pings += opcode == PING
        stream.frames.append(frame(opcode, dice.randbytes(dice.choice((0, 4, 125))), masked=stream.masked))

    for _ in range(dice.randint(1, 12)):
        if dice.random() < 0.15:
            control()
        stream.starts.append(len(stream.frames))
        stream.sizes.append(0)
        pieces = 1 if dice.random() < 0.75 else dice.randint(2, 5)
        rsv = 0x40 if stream.deflate and dice.random() < 0.5 else 0
        for piece in range(pieces):
            payload = dice.randbytes(dice.choices(SIZES, [6, 4, 4, 9, 4, 5, 5, 4, 3, 2, 0.1, 0.1])[0])
            stream.sizes[-1] += len(payload)
            stream.frames.append(
                frame(
                    0 if piece else dice.choice((TEXT, BINARY)),
                    payload,
                    masked=stream.masked,
                    fin=piece == pieces - 1,
                    rsv=0 if piece else rsv,
                    key=dice.randbytes(4),
                )
            )
            if piece < pieces - 1 and dice.random() < 0.4:
                control()
    return stream


def run(scanner: FrameScanner, data: bytes, cut: int) -> tuple[bytes, bytes]:
    """Feed in pieces of `cut` bytes until an event; what passed, and what the scanner left in our hands."""
    passed, rest = [], b""
    for at in range(0, len(data), cut):
        piece = rest + data[at : at + cut]
        taken = scanner.feed(piece)
        passed.append(piece[:taken])
        rest = piece[taken:]
        if scanner.event:
            return b"".join(passed), rest + data[at + cut :]
        assert len(rest) <= 130
    return b"".join(passed), rest


cuts = st.sampled_from([1, 2, 3, 7, 70, 500, 5000, 1 << 20])


@FAST
@given(streams(), cuts)
def test_any_legal_stream_passes_byte_for_byte_however_the_network_cuts_it(stream: Stream, cut: int) -> None:
    scanner = stream.scanner()
    assert run(scanner, stream.data, cut) == (stream.data, b"")
    assert scanner.event == frames.GO
    assert scanner.between_messages
    assert (scanner.messages, scanner.payload, scanner.pings) == (
        len(stream.sizes),
        sum(stream.sizes),
        stream.pings,
    )


@FAST
@given(streams(), cuts, st.data())
def test_with_credit_for_n_messages_exactly_n_pass_and_the_rest_after_a_grant(
    stream: Stream, cut: int, data: st.DataObject
) -> None:
    paid = data.draw(st.integers(0, len(stream.sizes)))
    scanner = stream.scanner(events=paid)
    passed, rest = run(scanner, stream.data, cut)
    assert scanner.messages == paid
    if paid == len(stream.sizes):
        assert passed == stream.data
        return
    assert scanner.event == frames.CREDIT
    assert passed == b"".join(stream.frames[: stream.starts[paid]])
    scanner.grant(FOREVER, 0)
    again, left = run(scanner, rest, cut)
    assert (passed + again, left) == (stream.data, b"")
    assert (scanner.messages, scanner.payload) == (len(stream.sizes), sum(stream.sizes))


@FAST
@given(streams(), cuts, st.data())
def test_byte_credit_is_overdrawn_by_one_message_at_most_and_that_message_is_finished_and_counted(
    stream: Stream, cut: int, data: st.DataObject
) -> None:
    paid = data.draw(st.integers(1, sum(stream.sizes) + 1))
    scanner = stream.scanner(octets=paid)
    passed, _ = run(scanner, stream.data, cut)
    spent = admitted = 0
    while admitted < len(stream.sizes) and spent < paid:
        spent += stream.sizes[admitted]
        admitted += 1
    assert (scanner.messages, scanner.payload, scanner.octets) == (admitted, spent, paid - spent)
    if admitted < len(stream.sizes):
        assert scanner.event == frames.CREDIT
        assert passed == b"".join(stream.frames[: stream.starts[admitted]])
    else:
        assert passed == stream.data


@FAST
@given(streams(), cuts)
def test_a_refill_hook_can_hand_out_credit_one_message_at_a_time(stream: Stream, cut: int) -> None:
    asked = []

    def refill(scanner: FrameScanner, size: int) -> bool:
        asked.append(scanner.messages)
        scanner.grant(1, 0)
        return True

    scanner = stream.scanner(events=1)
    scanner.refill = refill
    assert run(scanner, stream.data, cut) == (stream.data, b"")
    assert asked == list(range(1, len(stream.sizes)))
    assert scanner.events == 0


BAD = {
    "the mask of the other side": lambda m, inside: frame(0 if inside else TEXT, b"hello", masked=not m),
    "reserved opcode 3": lambda m, inside: frame(3, b"abc", masked=m),
    "reserved opcode 7": lambda m, inside: frame(7, b"", masked=m),
    "reserved opcode 11": lambda m, inside: frame(11, b"", masked=m),
    "reserved opcode 15": lambda m, inside: frame(15, b"", masked=m),
    "a new message inside a message, or a continuation of none": lambda m, inside: frame(
        TEXT if inside else 0, b"abc", masked=m
    ),
    "RSV2": lambda m, inside: frame(0 if inside else TEXT, b"abc", masked=m, rsv=0x20),
    "RSV3": lambda m, inside: frame(0 if inside else TEXT, b"abc", masked=m, rsv=0x10),
    "RSV1 on a continuation, or RSV1 and RSV2 on a first frame": lambda m, inside: frame(
        0 if inside else BINARY, b"abc", masked=m, rsv=0x40 if inside else 0x60
    ),
    "RSV1 on a ping": lambda m, inside: frame(PING, b"", masked=m, rsv=0x40),
    "a fragmented ping": lambda m, inside: frame(PING, b"", masked=m, fin=False),
    "a ping of 126 bytes": lambda m, inside: frame(PING, bytes(126), masked=m),
    "a close of 126 bytes": lambda m, inside: frame(CLOSE, b"\x03\xe8" + bytes(124), masked=m),
    "a close of one byte": lambda m, inside: frame(CLOSE, b"\x03", masked=m),
    "a close with code 1005": lambda m, inside: close(1005, masked=m),
    "a close with code 999": lambda m, inside: close(999, b"bye", masked=m),
    "a close with code 5000": lambda m, inside: close(5000, masked=m),
    "a 16-bit length for 100 bytes": lambda m, inside: frame(0 if inside else BINARY, bytes(100), masked=m, form=1),
    "a 16-bit length for 125 bytes": lambda m, inside: frame(0 if inside else BINARY, bytes(125), masked=m, form=1),
    "a 64-bit length for 65535 bytes": lambda m, inside: frame(0 if inside else BINARY, bytes(65535), masked=m, form=2),
    "a 64-bit length for 300 bytes": lambda m, inside: frame(0 if inside else BINARY, bytes(300), masked=m, form=2),
    "a length with the top bit set": lambda m, inside: (
        bytes([0x80 if inside else 0x82, 255 if m else 127]) + (1 << 63).to_bytes(8, "big") + bytes(8)
    ),
}


@pytest.mark.parametrize("what", BAD)
@settings(FAST, max_examples=8)
@given(streams(), cuts, st.data())
def test_an_illegal_frame_is_stopped_before_its_first_byte_wherever_it_comes(
    what: str, stream: Stream, cut: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(stream.frames)))
    inside = False
    for one in stream.frames[:at]:
        if one[0] & 15 < 8:
            inside = one[0] < 128
    bad = BAD[what](stream.masked, inside)
    scanner = stream.scanner()
    passed, rest = run(scanner, b"".join([*stream.frames[:at], bad, *stream.frames[at:]]), cut)
    assert scanner.event == frames.PROTOCOL
    assert passed == b"".join(stream.frames[:at])
    assert rest.startswith(bad)
    assert scanner.between_frames


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
def test_an_illegal_frame_is_illegal_between_messages_and_inside_one(
    what: str, inside: bool, masked: bool, deflate: bool
) -> None:
    good = frame(TEXT, b"good", masked=masked, fin=not inside)
    scanner = FrameScanner(masked, deflate, events=9, octets=FOREVER)
    assert scanner.feed(good + BAD[what](masked, inside)) == len(good)
    assert scanner.event == frames.PROTOCOL


@pytest.mark.parametrize("masked", [True, False])
def test_rsv1_is_legal_only_where_a_permessage_extension_was_agreed(masked: bool) -> None:
    squeezed = frame(TEXT, b"abc", masked=masked, rsv=0x40)
    for deflate, event in ((True, frames.GO), (False, frames.PROTOCOL)):
        scanner = FrameScanner(masked, deflate, events=9, octets=999)
        scanner.feed(squeezed)
        assert scanner.event == event


def legal_codes() -> set[int]:
    return {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


@pytest.mark.parametrize("masked", [True, False])
def test_exactly_the_close_codes_of_the_rfc_and_its_registry_pass(masked: bool) -> None:
    for code in [*range(990, 1020), 1100, 2000, 2999, 3000, 3999, 4000, 4321, 4999, 5000, 65535, 0]:
        scanner = FrameScanner(masked)
        data = close(code, b"reason", masked=masked)
        taken = scanner.feed(data)
        if code in legal_codes():
            assert (taken, scanner.event) == (len(data), frames.CLOSED)
            assert (scanner.close_code, scanner.close_reason) == (code, b"reason")
        else:
            assert (taken, scanner.event, scanner.close_code) == (0, frames.PROTOCOL, 0)
        assert is_wire_code(code) == (code in legal_codes())


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("cut", [1, 3, 1000])
def test_a_close_frame_passes_whole_or_not_at_all_and_nothing_passes_after_it(masked: bool, cut: int) -> None:
    goodbye = close(4321, "see you – sam".encode(), masked=masked)
    scanner = FrameScanner(masked, events=9, octets=999)
    for at in range(1, len(goodbye)):
        assert scanner.feed(goodbye[:at]) == 0
    passed, rest = run(scanner, goodbye + frame(TEXT, b"late", masked=masked), cut)
    assert passed == goodbye
    assert scanner.closed
    assert scanner.feed(rest) == 0
    assert scanner.messages == 0


@pytest.mark.parametrize("masked", [True, False])
def test_a_close_frame_without_a_code_is_told_apart_from_no_close_frame(masked: bool) -> None:
    scanner = FrameScanner(masked)
    assert not scanner.closed
    scanner.feed(close(masked=masked))
    assert scanner.closed
    assert scanner.close_code == 1005


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("limit", [1, 100, 125, 126, 1000, 65535, 65536, 100_000])
def test_a_message_of_the_limit_passes_and_one_byte_more_does_not(masked: bool, limit: int) -> None:
    for size, event in ((limit, frames.GO), (limit + 1, frames.OVERSIZE)):
        for cut in (1, 0) if size > 1 else (0,):
            scanner = FrameScanner(masked, max_message_bytes=limit, events=9, octets=FOREVER)
            data = [frame(BINARY, bytes(size), masked=masked)]
            if cut:
                data = [
                    frame(BINARY, bytes(size - 1), masked=masked, fin=False),
                    frame(PING, b"between", masked=masked),
                    frame(0, b"\0", masked=masked),
                ]
            passed, _ = run(scanner, b"".join(data), 1 << 20)
            assert scanner.event == event
            assert passed == b"".join(data if event == frames.GO else data[:-1])


@pytest.mark.parametrize("masked", [True, False])
def test_a_gigabyte_is_refused_at_its_header(masked: bool) -> None:
    scanner = FrameScanner(masked, events=9, octets=FOREVER)
    head = bytes([0x82, 255 if masked else 127]) + (1 << 30).to_bytes(8, "big") + b"abcd"
    assert scanner.feed(head) == 0
    assert scanner.event == frames.OVERSIZE


def test_endless_empty_fragments_end_though_they_cost_neither_events_nor_bytes() -> None:
    scanner = FrameScanner(True, events=9, octets=9, max_message_bytes=100_000)
    flood = frame(TEXT, masked=True, fin=False) + frame(0, masked=True, fin=False) * 10_000
    passed = scanner.feed(flood)
    assert scanner.event == frames.OVERSIZE
    assert passed == 6 * 100_000 // 16
    assert scanner.messages == 1


def test_every_message_has_its_own_size_and_its_own_fragments() -> None:
    scanner = FrameScanner(True, events=9, octets=FOREVER, max_message_bytes=1000)
    two = frame(TEXT, bytes(400), masked=True, fin=False) + frame(0, bytes(400), masked=True)
    many = frame(TEXT, masked=True, fin=False) + frame(0, masked=True, fin=False) * 3000 + frame(0, masked=True)
    assert scanner.feed(two * 2 + many * 2) == len(two * 2 + many * 2)
    assert (scanner.messages, scanner.payload, scanner.event) == (4, 1600, frames.GO)


@pytest.mark.parametrize("size", [10, 200, 70_000])
def test_more_credit_is_asked_for_before_a_message_overdraws_what_is_left(size: int) -> None:
    asked = []

    def refill(scanner: FrameScanner, wanted: int) -> bool:
        asked.append(wanted)
        return False

    scanner = FrameScanner(True, events=9, octets=size - 1, refill=refill)
    data = frame(BINARY, bytes(size), masked=True)
    assert scanner.feed(data) == len(data)  # it fits as far as there is any credit at all
    assert asked == [size]
    assert scanner.octets == -1


def test_four_megabytes_in_fragments_of_64_bytes_pass() -> None:
    scanner = FrameScanner(False, events=1, octets=FOREVER, max_message_bytes=1 << 22)
    one = bytes(64)
    data = frame(TEXT, one, masked=False, fin=False) + frame(0, one, masked=False, fin=False) * 65534
    data += frame(0, one, masked=False)
    assert scanner.feed(data) == len(data)
    assert (scanner.messages, scanner.payload) == (1, 1 << 22)


def test_a_flood_of_pings_stops_after_each_burst_and_goes_on_after_calm() -> None:
    scanner = FrameScanner(True)
    pings = frame(PING, b"eve", masked=True) * (frames.CONTROL_BURST + 5)
    passed = scanner.feed(pings)
    assert passed == len(pings) - 5 * 9
    assert scanner.event == frames.FLOOD
    scanner.calm()
    assert scanner.feed(pings[passed:]) == 5 * 9
    assert scanner.pings == frames.CONTROL_BURST + 5


def test_a_close_frame_passes_even_when_the_ping_burst_is_spent() -> None:
    scanner = FrameScanner(True)
    pings = frame(PING, masked=True) * frames.CONTROL_BURST
    goodbye = close(1000, masked=True)
    assert scanner.feed(pings + goodbye) == len(pings + goodbye)
    assert scanner.close_code == 1000


def test_control_frames_pass_without_any_credit() -> None:
    scanner = FrameScanner(True)
    data = frame(PING, b"1", masked=True) + frame(PONG, b"2", masked=True)
    assert scanner.feed(data + frame(TEXT, b"3", masked=True)) == len(data)
    assert scanner.event == frames.CREDIT


@FAST
@given(streams(), st.data())
def test_halt_stops_exactly_at_the_next_frame_boundary(stream: Stream, data: st.DataObject) -> None:
    whole = stream.data
    cut = data.draw(st.integers(0, len(whole)))
    scanner = stream.scanner()
    passed = scanner.feed(whole[:cut])
    here = scanner.halt()
    boundaries = [0]
    for one in stream.frames:
        boundaries.append(boundaries[-1] + len(one))
    rest = whole[passed:]
    taken = scanner.feed(rest)
    assert passed + taken == next(at for at in boundaries if at >= passed)
    assert here == (passed in boundaries)
    assert scanner.event == frames.HALTED or len(rest) - taken < 2


@FAST
@given(streams(), cuts, st.data())
def test_after_a_halt_the_answering_close_is_found_and_nothing_else_is_counted(
    stream: Stream, cut: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(stream.frames)))
    before, after = b"".join(stream.frames[:at]), b"".join(stream.frames[at:])
    scanner = stream.scanner()
    scanner.feed(before)
    counted = (scanner.messages, scanner.payload, scanner.pings)
    assert scanner.halt()
    rest = b""
    answer = after + close(4429, b"ok", masked=stream.masked) + b"garbage"
    for start in range(0, len(answer), cut):
        rest += answer[start : start + cut]
        rest = rest[scanner.seek(rest) :]
        if scanner.event != frames.HALTED:
            break
    assert (scanner.event, scanner.close_code, scanner.close_reason) == (frames.CLOSED, 4429, b"ok")
    assert (scanner.messages, scanner.payload, scanner.pings) == counted


def test_a_halt_from_within_the_refill_hook_stops_before_the_message_it_was_asked_for() -> None:
    def refill(scanner: FrameScanner, size: int) -> bool:
        assert not scanner.halt()  # earlier frames of this buffer are judged but not yet written
        scanner.grant(5, 5)
        return True

    scanner = FrameScanner(True, events=1, octets=99, refill=refill)
    one = frame(TEXT, b"one", masked=True)
    assert scanner.feed(one + one) == len(one)
    assert scanner.event == frames.HALTED
    assert scanner.between_frames


def test_a_close_may_go_between_fragments_and_a_notice_only_between_messages() -> None:
    scanner = FrameScanner(True, events=1, octets=99)
    first = frame(TEXT, b"one", masked=True, fin=False)
    scanner.feed(first[:-1])
    assert not scanner.between_frames
    scanner.feed(first[-1:])
    assert scanner.between_frames
    assert not scanner.between_messages
    scanner.feed(frame(0, b"two", masked=True))
    assert scanner.between_messages


@pytest.mark.parametrize("key", [b"", b"\xa1\xb2\xc3\xd4"])
def test_a_close_frame_of_our_own_reads_back(key: bytes) -> None:
    (seen,), rest = parse(close_frame(4429, '{"code":"quota_exceeded"}', key))
    assert (seen.opcode, seen.code, seen.payload[2:], rest) == (CLOSE, 4429, b'{"code":"quota_exceeded"}', b"")
    assert seen.masked == bool(key)


def test_a_long_reason_is_cut_between_characters() -> None:
    (seen,), _ = parse(close_frame(1008, "é" * 100))
    assert seen.payload[2:].decode() == "é" * 61


def test_a_code_that_must_not_be_sent_is_never_framed() -> None:
    for code in (0, 1005, 1006, 1015, 2000, 5000):
        with pytest.raises(ValueError, match="may be sent"):
            close_frame(code)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_answers_to_the_gateways_own_pings_are_found_however_the_stream_is_cut(masked: bool, cut: int) -> None:
    scanner = FrameScanner(masked, events=FOREVER, octets=FOREVER)
    scanner.probe = b"whose is"
    passing = [
        frame(PONG, b"not ours", masked=masked),
        frame(TEXT, b"half", masked=masked, fin=False),
        frame(PING, b"whose is", masked=masked),
        frame(0, b"whole", masked=masked),
        frame(PONG, b"whose is it", masked=masked),
    ]
    own = frame(PONG, b"whose is", masked=masked)
    data = own + passing[0] + passing[1] + own + own + passing[2] + passing[3] + passing[4] + own
    passed, rest, found = b"", b"", 0
    for piece in (data[:cut], data[cut:]):
        rest += piece
        while True:
            taken = scanner.feed(rest)
            passed, rest = passed + rest[:taken], rest[taken:]
            if scanner.event != frames.ANSWER:
                break
            found += 1
            scanner.event = frames.GO
            rest = rest[scanner.head + len(scanner.probe) :]
    assert (passed, rest, found) == (b"".join(passing), b"", 4)
    assert (scanner.messages, scanner.pings) == (1, 1)


def test_answers_to_the_gateways_own_pings_are_no_way_around_the_bound_on_control_frames() -> None:
    scanner = FrameScanner(False, events=FOREVER, octets=FOREVER)
    scanner.probe = b"p"
    for _ in range(frames.CONTROL_BURST):
        scanner.feed(frame(PONG, b"p", masked=False))
        assert scanner.event == frames.ANSWER
        scanner.event = frames.GO
    scanner.feed(frame(PONG, b"p", masked=False))
    assert scanner.event == frames.FLOOD
