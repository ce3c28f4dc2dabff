"""Messages that are left out of a stream, and frames that somebody looks at: nothing else of the stream changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import frames
from gateway.core.frames import ALL, FOREVER, KEEP, UNPAID, FrameScanner
from gateway.core.wire import payload_of, text_frame
from tests.core.test_frames import BAD, FAST, Stream, cuts, streams
from tests.wires import BINARY, PING, PONG, TEXT, close, frame, parse


def run(scanner: FrameScanner, data: bytes, cut: int) -> tuple[bytes, bytes]:
    """Feed in pieces of `cut` bytes as a leg does; what passed, and what is left in our hands."""
    passed, rest = b"", b""
    for at in range(0, len(data), cut):
        rest += data[at : at + cut]
        taken = scanner.feed(rest)
        passed, rest = passed + rest[:taken], rest[taken:]
        if scanner.event in {frames.DROP, frames.ANSWER}:
            more, judged = scanner.sift(rest)
            passed, rest = passed + more, rest[judged:]
        assert len(rest) <= 130 or scanner.event
        if scanner.event:
            return passed, rest + data[at + cut :]
    return passed, rest


def plain(stream: Stream) -> Stream:
    """The same stream where no extension was agreed."""
    return Stream(stream.masked, False, stream.frames, stream.starts, stream.sizes, stream.pings)


def uncompressed(stream: Stream) -> bool:
    return not any(one[0] & 0x40 for one in stream.frames)


legal = streams().filter(uncompressed).map(plain)


def controls(stream: Stream, start: int = 0) -> bytes:
    return b"".join(one for one in stream.frames[start:] if one[0] & 15 > 7)


@FAST
@given(legal, cuts)
def test_of_a_direction_without_its_scope_only_control_frames_pass(stream: Stream, cut: int) -> None:
    scanner = stream.scanner()
    scanner.discard(ALL)
    assert run(scanner, stream.data, cut) == (controls(stream), b"")
    assert (scanner.messages, scanner.payload, scanner.events, scanner.octets) == (0, 0, FOREVER, FOREVER)
    assert (scanner.discarded, scanner.pings) == (len(stream.sizes), stream.pings)
    assert scanner.event == frames.GO
    assert scanner.between_messages


@FAST
@given(legal, cuts, st.data())
def test_messages_beyond_the_credit_are_discarded_whole_and_the_paid_ones_pass_whole(
    stream: Stream, cut: int, data: st.DataObject
) -> None:
    paid = data.draw(st.integers(0, len(stream.sizes)))
    scanner = stream.scanner(events=paid)
    scanner.discard(UNPAID)
    first = [*stream.starts, len(stream.frames)][paid]
    expected = b"".join(stream.frames[:first]) + controls(stream, first)
    assert run(scanner, stream.data, cut) == (expected, b"")
    assert (scanner.messages, scanner.discarded) == (paid, len(stream.sizes) - paid)
    assert scanner.payload == sum(stream.sizes[:paid])


@FAST
@given(legal, cuts, st.data())
def test_a_message_that_has_begun_to_pass_is_finished_and_one_discarded_is_discarded_to_its_end(
    stream: Stream, cut: int, data: st.DataObject
) -> None:
    """Discarding begins and ends in the middle of whatever is under way."""
    on, off = sorted(data.draw(st.integers(0, len(stream.frames))) for _ in range(2))
    scanner = stream.scanner()
    passed = b""
    for which, part in ((KEEP, stream.frames[:on]), (ALL, stream.frames[on:off]), (KEEP, stream.frames[off:])):
        scanner.discard(which)
        more, rest = run(scanner, b"".join(part), cut)
        assert rest == b""
        passed += more
    expected, keep = b"", True
    for at, one in enumerate(stream.frames):
        if at in stream.starts:
            keep = not on <= at < off
        expected += one if keep or one[0] & 15 > 7 else b""
    assert passed == expected
    assert scanner.messages + scanner.discarded == len(stream.sizes)
    assert scanner.discarded == sum(on <= start < off for start in stream.starts)


@FAST
@given(legal, cuts)
def test_each_discarded_message_asks_for_credit_anew_and_passes_once_there_is_some(stream: Stream, cut: int) -> None:
    asked = []

    def every_third(scanner: FrameScanner, size: int) -> bool:
        asked.append(size)
        if len(asked) % 3 == 0:
            scanner.grant(1, 0)
        return len(asked) % 3 == 0

    scanner = stream.scanner(events=0)
    scanner.refill = every_third
    scanner.discard(UNPAID)
    run(scanner, stream.data, cut)
    assert len(asked) == len(stream.sizes)
    assert (scanner.messages, scanner.discarded) == (len(asked) // 3, len(asked) - len(asked) // 3)


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("inside", [False, True])
def test_what_is_discarded_must_be_legal_too(what: str, inside: bool) -> None:
    scanner = FrameScanner(True)
    scanner.discard(ALL)
    good = frame(TEXT, b"good", masked=True, fin=not inside)
    passed, rest = run(scanner, good + BAD[what](True, inside), 1 << 20)
    assert (passed, rest, scanner.event) == (b"", BAD[what](True, inside), frames.PROTOCOL)


def test_what_is_discarded_must_be_within_the_limits_too() -> None:
    scanner = FrameScanner(True, max_message_bytes=1000)
    scanner.discard(ALL)
    run(scanner, frame(TEXT, bytes(600), masked=True, fin=False) + frame(0, bytes(401), masked=True), 1 << 20)
    assert (scanner.event, scanner.discarded) == (frames.OVERSIZE, 1)


def test_a_session_with_a_compression_context_cannot_discard() -> None:
    scanner = FrameScanner(True, deflate=True)
    with pytest.raises(ValueError, match="compression"):
        scanner.discard(UNPAID)
    scanner.discard(KEEP)


def test_a_close_or_a_notice_may_be_written_while_a_message_is_being_left_out() -> None:
    scanner = FrameScanner(True)
    scanner.discard(ALL)
    half = frame(BINARY, bytes(500), masked=True, fin=False)[:100]
    assert run(scanner, half, 100) == (b"", b"")
    assert scanner.between_frames
    assert scanner.between_messages
    assert scanner.halt()
    rest = bytes(408) + frame(0, b"end", masked=True) + close(1000, b"bye", masked=True)
    assert rest[scanner.seek(rest) :] == b""
    assert (scanner.event, scanner.close_code) == (frames.CLOSED, 1000)


def test_a_close_frame_behind_discarded_messages_passes() -> None:
    scanner = FrameScanner(True)
    scanner.discard(ALL)
    goodbye = close(1000, b"bye", masked=True)
    passed, rest = run(scanner, frame(TEXT, b"no", masked=True) * 3 + goodbye + b"late", 1 << 20)
    assert (passed, rest, scanner.event) == (goodbye, b"late", frames.CLOSED)


def test_answers_to_own_pings_and_discarded_messages_are_left_out_in_one_go() -> None:
    scanner = FrameScanner(False)
    scanner.probe = b"p"
    scanner.discard(ALL)
    own, other = frame(PONG, b"p", masked=False), frame(PONG, b"q", masked=False)
    message = frame(TEXT, b"no", masked=False)
    assert run(scanner, own + message + other + own + message + own + other, 1 << 20) == (other + other, b"")


@FAST
@given(streams(), cuts)
def test_whoever_looks_sees_every_frame_once_and_changes_nothing(stream: Stream, cut: int) -> None:
    scanner = stream.scanner()
    seen: list[tuple[int, int, int]] = []
    scanner.watch(lambda first, size, event, front: seen.append((first, size, event)))
    assert run(scanner, stream.data, cut) == (stream.data, b"")
    frames_of_it, _ = parse(stream.data)
    assert seen == [(raw[0], len(one.payload), frames.GO) for raw, one in zip(stream.frames, frames_of_it, strict=True)]
    assert scanner.messages == len(stream.sizes)
    scanner.watch(None)
    assert run(scanner, stream.data, cut) == (stream.data, b"")
    assert len(seen) == len(stream.frames)


def test_whoever_looks_is_told_what_became_of_a_frame_and_may_read_its_front() -> None:
    scanner = FrameScanner(True, events=1, octets=FOREVER, max_message_bytes=100_000)
    seen: list[tuple[int, bytes]] = []
    scanner.watch(lambda first, size, event, front: seen.append((event, payload_of(front))))
    long = b"wide" * 20_000
    run(scanner, frame(BINARY, long, masked=True) + frame(PING, b"you there?", masked=True), 1 << 20)
    scanner.discard(UNPAID)
    run(scanner, frame(TEXT, b"unpaid", masked=True), 1 << 20)
    scanner.discard(KEEP)
    run(scanner, frame(TEXT, b"waits", masked=True), 1 << 20)
    scanner.grant(1, 0)
    run(scanner, frame(TEXT, b"waits", masked=True) + frame(TEXT, b"bare", masked=False), 1 << 20)
    assert seen == [
        (frames.GO, long[: frames.TAP_BYTES - 14]),
        (frames.GO, b"you there?"),
        (frames.DROP, b"unpaid"),
        (frames.CREDIT, b"waits"),
        (frames.GO, b"waits"),
        (frames.PROTOCOL, b"bare"),
    ]


@pytest.mark.parametrize("key", [b"", b"\xa1\xb2\xc3\xd4"])
def test_a_notice_reads_back_and_is_never_longer_than_a_control_frame(key: bytes) -> None:
    (seen,), _ = parse(text_frame('{"code":"quota_exceeded"}', key))
    assert (seen.opcode, seen.payload, seen.fin, seen.masked) == (TEXT, b'{"code":"quota_exceeded"}', True, bool(key))
    assert payload_of(text_frame("a notice", key)) == b"a notice"
    with pytest.raises(ValueError, match="too long"):
        text_frame("x" * 126, key)
