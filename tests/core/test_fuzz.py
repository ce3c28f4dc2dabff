"""Whatever bytes come, the pure parts either understand them or say no in the one way they have."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.frames import ANSWER, FOREVER, GO, FrameScanner
from gateway.core.handshake import check_early, head_end, parse_request
from gateway.core.rejections import Rejection
from gateway.core.upstream_handshake import BadAnswer, answer_end, parse_answer
from tests.wires import frame

LOOKS_RIGHT = (
    b"GET /echo/1.0.0?x=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer x\r\n\r\n"
)
ANSWERED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
MANY = settings(max_examples=600, deadline=None)


def splices(data: bytes) -> st.SearchStrategy[bytes]:
    """`data` with pieces cut out and others put in."""
    cut = st.tuples(st.integers(0, len(data)), st.integers(0, 30), st.binary(max_size=12))

    def apply(cuts: list[tuple[int, int, bytes]]) -> bytes:
        changed = data
        for at, length, put in cuts:
            changed = changed[:at] + put + changed[at + length :]
        return changed

    return st.lists(cut, max_size=4).map(apply)


@MANY
@given(splices(LOOKS_RIGHT) | st.binary(max_size=600))
def test_a_request_is_understood_or_refused(data: bytes) -> None:
    with suppress(Rejection):
        end = head_end(data)
        if end:
            parse_request(data[:end])
            check_early(data[end:])


@MANY
@given(splices(ANSWERED) | st.binary(max_size=600))
def test_an_answer_is_understood_or_bad(data: bytes) -> None:
    with suppress(BadAnswer):
        end = answer_end(data)
        if end:
            parse_answer(data[:end], b"dGhlIHNhbXBsZSBub25jZQ==", None, None)


def travels(scanner: FrameScanner, pieces: list[bytes]) -> tuple[bytes, int]:
    """What passes of a stream that comes in these pieces, and why it stopped."""
    passed, rest = b"", b""
    for piece in pieces:
        rest += piece
        while True:
            taken = scanner.feed(rest)
            assert 0 <= taken <= len(rest)
            passed, rest = passed + rest[:taken], rest[taken:]
            if scanner.event != ANSWER:
                break
            scanner.event = GO
            rest = rest[scanner.head + len(scanner.probe) :]
        if scanner.event:
            break
    return passed, scanner.event


NEARLY = b"".join(
    frame(opcode, b"a payload", masked=True, fin=fin)
    for opcode, fin in ((1, True), (2, False), (9, True), (0, True), (10, True))
)


@MANY
@given(splices(NEARLY * 2) | st.binary(max_size=400), st.integers(0, 400), st.sampled_from([b"", b"a payload"]))
def test_what_passes_of_any_stream_does_not_depend_on_how_it_is_cut(data: bytes, cut: int, probe: bytes) -> None:
    ends = []
    for pieces in ([data], [data[:cut], data[cut:]], [data[at : at + 1] for at in range(len(data))]):
        scanner = FrameScanner(True, events=FOREVER, octets=FOREVER, max_message_bytes=4096)
        scanner.probe = probe
        passed, event = travels(scanner, pieces)
        ends.append((passed, event, scanner.messages, scanner.payload, scanner.close_code))
    assert ends[0] == ends[1] == ends[2]
