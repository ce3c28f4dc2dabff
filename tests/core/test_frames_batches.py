"""Many messages in one read are judged at once, and exactly as one after the other would be."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import frames
from gateway.core.frames import FOREVER, FrameScanner
from tests.wires import BINARY, PING, TEXT, close, frame

MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
Found = tuple[int | bool | tuple[int, ...], ...]


@st.composite
def reads(draw: st.DrawFn, masked: bool) -> list[bytes]:
    """Rows of messages of one length and kind with others in between, one byte of it all perhaps another; cut up."""
    dice = random.Random(draw(st.integers(0, 1 << 32)))
    parts: list[bytes] = []
    for _ in range(dice.randint(1, 5)):
        size = dice.choices((0, 1, 5, 64, 125, 126, 300, 65535, 65536), (2, 3, 3, 6, 3, 2, 2, 0.2, 0.2))[0]
        kind = dice.choice((TEXT, BINARY))
        count = 1 if size > 60_000 else dice.choice((1, 2, 6, 7, 40, 90))
        parts += [frame(kind, dice.randbytes(size), masked=masked, key=dice.randbytes(4)) for _ in range(count)]
        if dice.random() < 0.3:
            parts.append(frame(PING, b"?", masked=masked))
        if dice.random() < 0.2:
            parts += [frame(kind, b"a", masked=masked, fin=False), frame(0, b"b", masked=masked)]
        if dice.random() < 0.1:
            parts.append(close(1000, masked=masked))
    data = bytearray(b"".join(parts))
    if dice.random() < 0.6:  # one bit somewhere: mostly payload, or a header that is legal, illegal or another length
        at = dice.choice((dice.randrange(len(data)), sum(map(len, parts[: dice.randrange(len(parts))])), 1))
        data[at] ^= 1 << dice.randrange(8)
    cut = dice.choice((1, 7, 71, 700, 5_000, 1 << 20))
    return [bytes(data[start : start + cut]) for start in range(0, len(data), cut)]


def judged(scanner: FrameScanner, pieces: list[bytes], asked: list[int]) -> list[Found]:
    """All that can be seen of a scanner after each read."""
    found: list[Found] = []
    rest = b""
    for piece in pieces:
        rest += piece
        taken = scanner.feed(rest)
        credit, counted = (scanner.events, scanner.octets), (scanner.messages, scanner.payload)
        more = (scanner.skip, scanner.size, scanner.event)
        found.append((taken, *credit, *counted, *more, scanner.open, tuple(asked)))
        if scanner.event:
            break
        rest = rest[taken:]
    return found


def pair(masked: bool, events: int, octets: int, handed_out: tuple[int, int]) -> list[tuple[FrameScanner, list[int]]]:
    """Two scanners with the same credit; the second looks at each frame by itself, since it is watched."""
    made = []
    for watched in (False, True):
        asked: list[int] = []

        def refill(scanner: FrameScanner, wanted: int, asked: list[int] = asked) -> bool:
            asked.append(wanted)
            if len(asked) % 3 == 0:
                return False
            scanner.events += handed_out[0]
            scanner.octets += handed_out[1]
            return scanner.events > 0 and scanner.octets > 0

        scanner = FrameScanner(masked, False, 100_000, events, octets, refill)
        scanner.watch((lambda first, size, event, front: None) if watched else None)
        made.append((scanner, asked))
    return made


@pytest.mark.parametrize("masked", [True, False], ids=["from-clients", "from-upstreams"])
@pytest.mark.parametrize("scarce", [False, True], ids=["plenty", "scarce"])
@MANY
@given(st.data())
def test_a_batch_is_judged_as_its_messages_one_by_one(masked: bool, scarce: bool, data: st.DataObject) -> None:
    pieces = data.draw(reads(masked))
    events = data.draw(st.sampled_from([0, 1, 5, 6, 39, 40, 41, 200])) if scarce else FOREVER
    octets = data.draw(st.sampled_from([0, 1, 64, 384, 2_560, 2_800, 70_000])) if scarce else FOREVER
    more = data.draw(st.sampled_from([(0, 0), (1, 64), (7, 100_000)]))
    (quick, quick_asked), (careful, careful_asked) = pair(masked, events, octets, more)
    assert judged(quick, pieces, quick_asked) == judged(careful, pieces, careful_asked)


@pytest.mark.parametrize("count", [5, 6, 16, 31, 32, 900])
@pytest.mark.parametrize("size", [0, 64, 125])
def test_of_many_equal_messages_and_the_front_of_one_more_each_is_counted_once(count: int, size: int) -> None:
    one = frame(BINARY, bytes(size), masked=True)
    scanner = FrameScanner(True, events=FOREVER, octets=FOREVER)
    assert scanner.feed(one * count + one[:1]) == len(one) * count
    assert scanner.feed(one[:4]) == 4
    assert scanner.feed(one[4:] + one * count) == len(one) * (count + 1) - 4
    assert (scanner.messages, scanner.payload) == (2 * count + 1, (2 * count + 1) * size)
    assert scanner.between_messages


@pytest.mark.parametrize("at", [0, 1, 5, 15, 31])
@pytest.mark.parametrize("bad", [b"\x83\x80", b"\xc2\x80", b"\x82\x01", b"\x80\x80", b"\x09\x80"], ids=bytes.hex)
def test_nothing_of_an_illegal_frame_passes_out_of_a_row_of_equal_ones(at: int, bad: bytes) -> None:
    one = frame(BINARY, b"", masked=True)
    row = [one] * 32
    row[at] = bad + one[2:]
    scanner = FrameScanner(True, events=FOREVER, octets=FOREVER)
    assert scanner.feed(b"".join(row)) == at * len(one)
    assert (scanner.event, scanner.messages) == (frames.PROTOCOL, at)


@pytest.mark.parametrize("paid", [1, 6, 31, 32, 33])
def test_of_a_row_of_equal_messages_as_many_pass_as_are_paid_for(paid: int) -> None:
    one = frame(TEXT, b"sam says", masked=True)
    scanner = FrameScanner(True, events=paid, octets=FOREVER)
    assert scanner.feed(one * 64) == paid * len(one)
    assert (scanner.event, scanner.messages, scanner.events) == (frames.CREDIT, paid, 0)
    scanner = FrameScanner(True, events=FOREVER, octets=paid * 8)
    assert scanner.feed(one * 64) == paid * len(one)
    assert (scanner.event, scanner.messages, scanner.octets) == (frames.CREDIT, paid, 0)
