"""What passes between sam's client and the backend, and how every possible end of a session is told to both."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket

import pytest

from gateway.core.frames import CONTROL_BURST
from gateway.relay import Direction, Ending, SocketLeg, legs, link
from gateway.relay.sockets import READ_BYTES
from tests.gateway.legs import Owner, Peer, relay, tcp
from tests.wires import BINARY, CLOSE, PING, PONG, TEXT, Seen, close, frame

CONTRACT_WAITS = (link.CLOSE_WAIT_S, legs.LINGER_S, legs.CONTROL_WINDOW_S)
KINDS = [
    ("socket", "socket"), ("tls", "socket"), ("socket", "tls"), ("tls", "tls"), ("transport", "transport"),
    ("transport tls", "transport tls"),
]  # fmt: skip
every_leg = pytest.mark.parametrize("kinds", KINDS, ids="-".join)
Kinds = tuple[str, str]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules on a faster clock; the real lengths are in the contract and checked last."""
    monkeypatch.setattr("gateway.relay.link.CLOSE_WAIT_S", 0.2)
    monkeypatch.setattr("gateway.relay.legs.CONTROL_WINDOW_S", 0.3)
    monkeypatch.setattr("gateway.relay.transports.PATROL_S", 0.1)


def hello(text: bytes = b"hello", *, masked: bool = True) -> bytes:
    return frame(TEXT, text, masked=masked)


def closing(seen: Seen) -> tuple[int, int | None, bytes]:
    return seen.opcode, seen.code, seen.payload[2:]


async def send_cut(peer: Peer, data: bytes, dice: random.Random, most: int) -> None:
    at = 0
    while at < len(data):
        size = dice.randint(1, most)
        await peer.send(data[at : at + size])
        at += size
        if dice.random() < 0.3:
            await asyncio.sleep(0)


def chatter(dice: random.Random, count: int, *, masked: bool) -> bytes:
    out = []
    for _ in range(count):
        kind = dice.random()
        body = dice.randbytes(dice.choice((0, 1, 60, 125, 126, 2000, 65536)))
        if kind < 0.1:
            out.append(frame(dice.choice((PING, PONG)), body[:125], masked=masked))
        elif kind < 0.3:
            half = len(body) // 2
            out.append(frame(BINARY, body[:half], masked=masked, fin=False))
            out.append(frame(PING, b"", masked=masked))
            out.append(frame(0, body[half:], masked=masked))
        else:
            out.append(frame(dice.choice((TEXT, BINARY)), body, masked=masked))
    return b"".join(out)


# -- frames pass --------------------------------------------------------------------------------------------------


@every_leg
@pytest.mark.parametrize("most", [7, 3000, 200_000])
async def test_frames_pass_both_ways_byte_for_byte_however_they_are_cut(kinds: Kinds, most: int) -> None:
    dice = random.Random(most)
    count = 2 if most == 7 else 60
    there, back = chatter(dice, count, masked=True), chatter(dice, count, masked=False)
    if most == 7:
        there, back = hello(dice.randbytes(500)), hello(dice.randbytes(500), masked=False)
    async with relay(kinds) as it:
        got = await asyncio.gather(
            it.backend.bytes(len(there)),
            it.sam.bytes(len(back)),
            send_cut(it.sam, there, dice, most),
            send_cut(it.backend, back, dice, most),
        )
        assert got[0] == there
        assert got[1] == back


async def test_a_frame_is_passed_on_before_its_message_is_complete() -> None:
    async with relay(("socket", "socket")) as it:
        big = frame(BINARY, bytes(50_000), masked=True)
        await it.sam.send(big[:1000])
        assert await it.backend.bytes(1000) == big[:1000]


@every_leg
async def test_a_side_that_does_not_read_holds_up_the_other_and_memory_stays_small(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        flood = frame(BINARY, bytes(65_000), masked=True) * 8
        sent = 0
        it.backend.writer.transport.pause_reading()
        while True:
            it.sam.writer.write(flood)
            sent += len(flood)
            try:
                await asyncio.wait_for(it.sam.writer.drain(), 0.3)
            except TimeoutError:
                break
        # docs/limits.md, for one of the two ways
        in_poller = not any("transport" in kind for kind in kinds)
        assert it.link.buffered_bytes() <= (2 * READ_BYTES + 1000 if in_poller else 600_000)
        assert sent > 1_000_000
        it.backend.writer.transport.resume_reading()
        total = 0
        while total < sent:
            total += len(await it.backend.bytes(min(65_536, sent - total)))
        assert it.owner.scanner_in.messages == sent // len(flood) * 8


# -- credit -------------------------------------------------------------------------------------------------------


@every_leg
async def test_sams_sixth_message_of_a_plan_of_five_does_not_reach_the_backend(kinds: Kinds) -> None:
    owner = Owner(events=5)
    async with relay(kinds, owner) as it:
        owner.on_spent = lambda direction: it.link.close(4429, '{"code":"quota_exceeded","retry_after":12}')
        messages = [hello(b"message %d" % n) for n in range(9)]
        await send_cut(it.sam, b"".join(messages), random.Random(1), 9)
        assert await it.backend.bytes(len(messages[0]) * 5) == b"".join(messages[:5])
        assert closing(await it.backend.frame()) == (CLOSE, 1001, b"")
        assert closing(await it.sam.frame()) == (CLOSE, 4429, b'{"code":"quota_exceeded","retry_after":12}')
        await it.sam.send(close(4429, masked=True))
        await it.backend.send(close(1001, masked=False))
        assert await owner.ending() == Ending("gateway", 4429, '{"code":"quota_exceeded","retry_after":12}', "close")
        assert owner.asked == [Direction.IN]
        assert owner.scanner_in.messages == 5


@every_leg
async def test_a_held_client_goes_on_when_there_is_credit_again_and_nothing_is_lost(kinds: Kinds) -> None:
    owner = Owner(events=2)
    async with relay(kinds, owner) as it:

        def later(direction: Direction) -> None:
            def more() -> None:
                owner.scanner_in.grant(3, 0)
                it.link.resume(direction)

            it.link.loop.call_later(0.02, more)

        owner.on_spent = later
        messages = b"".join(hello(b"message %d" % n) for n in range(10))
        await it.sam.send(messages[:70])
        await it.sam.send(messages[70:])
        assert await it.backend.bytes(len(messages)) == messages
        assert len(owner.asked) == 3


async def test_credit_given_message_by_message_from_within_spent_does_not_exhaust_the_stack() -> None:
    owner = Owner(events=1)
    async with relay(("socket", "socket"), owner) as it:

        def more(direction: Direction) -> None:
            owner.scanner_in.grant(1, 0)
            it.link.resume(direction)

        owner.on_spent = more
        messages = hello() * 3000
        await it.sam.send(messages)
        assert await it.backend.bytes(len(messages)) == messages


@every_leg
@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_a_held_client_that_leaves_is_noticed_though_nobody_reads_it(kinds: Kinds, how: str) -> None:
    owner = Owner(events=0)
    async with relay(kinds, owner) as it:
        await it.sam.send(hello() * 5)
        while not owner.asked:
            await asyncio.sleep(0.005)
        it.sam.vanish(how)
        assert closing(await it.backend.frame()) == (CLOSE, 1001, b"")
        await it.backend.send(close(1001, masked=False))
        assert (await owner.ending()).initiator == "client"


async def test_a_client_that_leaves_while_the_backend_is_stuck_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.relay.legs.LINGER_S", 0.2)
    async with relay(("socket", "socket")) as it:
        it.backend.writer.transport.pause_reading()
        block = frame(BINARY, bytes(65_000), masked=True) * 100
        it.sam.sock.setblocking(False)
        it.sam.writer.write(block)
        while it.link.buffered_bytes() == 0:
            await asyncio.sleep(0.005)
        it.sam.vanish("reset")
        assert await it.owner.ending() == Ending("client", 1006, "", "reset")


@every_leg
async def test_a_flood_of_pings_is_held_to_a_burst_a_window_and_nothing_is_lost(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        ping = frame(PING, b"eve", masked=True)
        started = it.link.loop.time()
        await it.sam.send(ping * (CONTROL_BURST * 2 + 50) + hello())
        everything = len(ping) * (CONTROL_BURST * 2 + 50) + len(hello())
        await it.backend.bytes(len(ping) * CONTROL_BURST * 2)
        assert it.link.loop.time() - started < 0.28
        await it.backend.bytes(everything - len(ping) * CONTROL_BURST * 2)
        assert it.link.loop.time() - started > 0.28


# -- close frames pass --------------------------------------------------------------------------------------------


@every_leg
@pytest.mark.parametrize(("code", "reason"), [(1000, b""), (1001, b"bye"), (4321, "voilà".encode()), (None, b"")])
async def test_sams_goodbye_and_its_answer_pass_unchanged(kinds: Kinds, code: int | None, reason: bytes) -> None:
    async with relay(kinds) as it:
        goodbye, answer = close(code, reason, masked=True), close(code, reason, masked=False)
        await it.sam.send(hello() + goodbye)
        assert await it.backend.bytes(len(hello() + goodbye)) == hello() + goodbye
        await it.backend.send(answer)
        assert await it.sam.rest() == (answer, "eof")
        assert await it.owner.ending() == Ending("client", code or 1005, reason.decode(), "close")
        assert (await it.backend.rest())[0] == b""


@every_leg
async def test_the_backends_goodbye_and_its_answer_pass_unchanged(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        goodbye = close(1012, b"restarting", masked=False)
        await it.backend.send(hello(masked=False) + goodbye)
        assert await it.sam.bytes(len(hello(masked=False) + goodbye)) == hello(masked=False) + goodbye
        answer = close(1012, masked=True)
        await it.sam.send(answer)
        assert await it.backend.rest() == (answer, "eof")
        assert await it.owner.ending() == Ending("upstream", 1012, "restarting", "close")


@every_leg
async def test_a_backend_that_closes_and_leaves_at_once_has_still_said_goodbye(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        await it.backend.send(close(1000, b"done", masked=False))
        it.backend.vanish("eof")
        assert closing(await it.sam.frame()) == (CLOSE, 1000, b"done")
        await it.sam.send(close(1000, masked=True))
        assert await it.sam.rest() == (b"", "eof")
        assert (await it.owner.ending()).initiator == "upstream"
        assert it.owner.endings[0].code == 1000


async def test_sam_may_end_his_stream_behind_his_close_frame_and_still_gets_the_answer() -> None:
    async with relay(("socket", "socket")) as it:
        await it.sam.send(close(1000, masked=True))
        it.sam.writer.write_eof()
        assert closing(await it.backend.frame()) == (CLOSE, 1000, b"")
        await it.backend.send(hello(b"last words", masked=False) + close(1000, masked=False))
        assert await it.sam.rest() == (hello(b"last words", masked=False) + close(1000, masked=False), "eof")
        assert (await it.owner.ending()).how == "close"


async def test_an_unanswered_goodbye_lingers_no_longer_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.relay.link.LINGER_S", 0.1)
    async with relay(("socket", "socket")) as it:
        await it.sam.send(close(1000, masked=True))
        assert await it.owner.ending() == Ending("client", 1000, "", "timeout")


async def test_a_backend_that_drops_the_line_instead_of_answering_looks_as_if_there_were_no_gateway() -> None:
    async with relay(("socket", "socket")) as it:
        await it.sam.send(close(1000, masked=True))
        await it.backend.frame()
        it.backend.vanish("eof")
        assert await it.sam.rest() == (b"", "eof")
        assert await it.owner.ending() == Ending("client", 1000, "", "close")


async def test_bytes_behind_a_close_frame_do_not_pass() -> None:
    async with relay(("socket", "socket")) as it:
        await it.sam.send(close(1000, masked=True) + hello(b"too late"))
        assert await it.backend.bytes(8) == close(1000, masked=True)
        await it.sam.send(hello(b"still too late"))
        await it.backend.send(close(1000, masked=False))
        assert (await it.backend.rest())[0] == b""


# -- vanishing ----------------------------------------------------------------------------------------------------


@every_leg
@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_a_client_that_vanishes_is_1001_to_the_backend(kinds: Kinds, how: str) -> None:
    async with relay(kinds) as it:
        await it.sam.send(hello())
        await it.backend.bytes(len(hello()))
        it.sam.vanish(how)
        seen = await it.backend.frame()
        assert closing(seen) == (CLOSE, 1001, b"")
        assert seen.masked
        await it.backend.send(hello(b"nobody reads this", masked=False) + close(1001, masked=False))
        assert await it.backend.rest() == (b"", "eof")
        ending = await it.owner.ending()
        assert (ending.initiator, ending.code) == ("client", 1006)
        assert it.owner.scanner_out.messages == 0


@every_leg
@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_a_backend_that_vanishes_is_1014_to_sam_after_all_it_had_said(kinds: Kinds, how: str) -> None:
    async with relay(kinds) as it:
        if how == "eof":
            await it.backend.send(hello(b"last", masked=False))
        it.backend.vanish(how)
        if how == "eof":
            assert (await it.sam.frame()).payload == b"last"
        assert closing(await it.sam.frame()) == (CLOSE, 1014, b'{"code":"upstream_vanished"}')
        await it.sam.send(close(1014, masked=True))
        assert await it.sam.rest() == (b"", "eof")
        ending = await it.owner.ending()
        assert (ending.initiator, ending.code) == ("upstream", 1014)


@every_leg
async def test_a_backend_that_vanishes_inside_a_frame_leaves_sam_with_an_abnormal_end(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        half = frame(BINARY, bytes(5000), masked=False)[:3000]
        await it.backend.send(hello(masked=False) + half)
        it.backend.vanish("eof")
        data, _ = await it.sam.rest()
        assert data == hello(masked=False) + half  # no close frame in the middle of a frame
        assert (await it.owner.ending()).code == 1014


@every_leg
async def test_a_client_that_vanishes_inside_a_frame_leaves_the_backend_with_an_abnormal_end(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        half = frame(BINARY, bytes(5000), masked=True)[:3000]
        await it.sam.send(half)
        await it.backend.bytes(3000)
        it.sam.vanish("eof")
        assert (await it.backend.rest())[0] == b""
        assert (await it.owner.ending()).initiator == "client"


async def test_a_backend_that_leaves_behind_a_large_message_has_it_delivered_first() -> None:
    async with relay(("socket", "socket")) as it:
        big = frame(BINARY, bytes(1 << 20), masked=False) * 3
        it.sam.writer.transport.pause_reading()

        async def speak() -> None:
            await it.backend.send(big)
            it.backend.vanish("eof")

        speaking = asyncio.ensure_future(speak())
        await asyncio.sleep(0.1)
        it.sam.writer.transport.resume_reading()
        assert await it.sam.bytes(len(big)) == big
        assert closing(await it.sam.frame())[1] == 1014
        await speaking


async def test_a_slow_client_still_gets_all_that_a_backend_said_before_its_goodbye(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.relay.link.LINGER_S", 0.5)
    async with relay(("socket", "socket")) as it:
        assert isinstance(it.link.client, SocketLeg)
        for option, fd in ((socket.SO_SNDBUF, it.link.client.fd), (socket.SO_RCVBUF, it.sam.sock.fileno())):
            with socket.socket(fileno=fd) as sock:
                sock.setsockopt(socket.SOL_SOCKET, option, 16384)
                sock.detach()
        it.sam.writer.transport.pause_reading()
        everything = frame(BINARY, bytes(20_000), masked=False) * 12 + close(1000, masked=False)
        await it.backend.send(everything)
        it.backend.vanish("eof")
        got = b""
        loop = asyncio.get_running_loop()
        with socket.socket(fileno=os.dup(it.sam.sock.fileno())) as slow:
            while len(got) < len(everything):
                await asyncio.sleep(0.08)
                got += await asyncio.wait_for(loop.run_in_executor(None, _read, slow, 8192), 3)
        assert got[: len(everything)] == everything


def _read(sock: socket.socket, most: int) -> bytes:
    sock.setblocking(True)
    data = sock.recv(most)
    assert data, "cut off"
    return data


# -- broken rules -------------------------------------------------------------------------------------------------


@every_leg
async def test_an_illegal_frame_of_eve_is_1002_to_both_and_no_byte_of_it_passes(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        await it.sam.send(hello() + frame(TEXT, b"without a mask", masked=False) + hello())
        assert await it.backend.bytes(len(hello())) == hello()
        assert closing(await it.backend.frame()) == (CLOSE, 1002, b'{"code":"protocol_error"}')
        assert closing(await it.sam.frame()) == (CLOSE, 1002, b'{"code":"protocol_error"}')
        await it.backend.send(close(1002, masked=False))
        it.sam.vanish("eof")
        assert await it.owner.ending() == Ending("gateway", 1002, "illegal frame from the client", "error")


@every_leg
async def test_an_illegal_frame_of_a_backend_is_1002_to_both(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        await it.backend.send(frame(TEXT, b"with a mask", masked=True))
        assert closing(await it.backend.frame())[:2] == (CLOSE, 1002)
        assert closing(await it.sam.frame())[:2] == (CLOSE, 1002)
        assert (await it.owner.ending()).reason == "illegal frame from the upstream"


@every_leg
async def test_a_message_too_big_is_1009_to_its_sender_and_1001_to_the_other(kinds: Kinds) -> None:
    async with relay(kinds, Owner(max_message_bytes=1000)) as it:
        fits = frame(BINARY, bytes(1000), masked=True)
        await it.sam.send(fits)
        assert await it.backend.bytes(len(fits)) == fits
        await it.sam.send(frame(BINARY, bytes(1001), masked=True))
        assert closing(await it.backend.frame()) == (CLOSE, 1001, b"")
        assert closing(await it.sam.frame()) == (CLOSE, 1009, b'{"code":"message_too_big"}')
        assert (await it.owner.ending()).code == 1009
        assert it.owner.scanner_in.messages == 1


async def test_the_sender_of_a_huge_message_reads_1009_although_it_never_stops_sending() -> None:
    async with relay(("socket", "socket")) as it:
        it.sam.writer.write(frame(BINARY, bytes(8 << 20), masked=True))
        assert closing(await it.sam.frame())[:2] == (CLOSE, 1009)


# -- the gateway's own close --------------------------------------------------------------------------------------


@every_leg
async def test_the_gateways_close_waits_for_the_end_of_the_frame_under_way(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        big = frame(BINARY, bytes(5000), masked=False)
        await it.backend.send(big[:100])
        assert await it.sam.bytes(100) == big[:100]
        it.link.close(1008, "blocked")
        assert closing(await it.backend.frame()) == (CLOSE, 1001, b"")
        await it.backend.send(big[100:] + hello(b"late", masked=False))
        assert await it.sam.bytes(len(big) - 100) == big[100:]
        assert closing(await it.sam.frame()) == (CLOSE, 1008, b"blocked")
        await it.sam.send(hello(b"crossing") + close(1008, masked=True))
        await it.backend.send(close(1001, masked=False))
        assert await it.owner.ending() == Ending("gateway", 1008, "blocked", "close")
        assert it.owner.scanner_in.messages == 0


async def test_the_gateways_close_may_go_between_two_fragments() -> None:
    async with relay(("socket", "socket")) as it:
        await it.backend.send(frame(TEXT, b"first half", masked=False, fin=False))
        assert not (await it.sam.frame()).fin
        it.link.close(4401)
        assert closing(await it.sam.frame()) == (CLOSE, 4401, b"")


@every_leg
async def test_without_a_frame_boundary_the_connection_is_reset_after_the_wait(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        await it.backend.send(frame(BINARY, bytes(5000), masked=False)[:100])
        await it.sam.bytes(100)
        started = it.link.loop.time()
        it.link.close(4401)
        assert (await it.sam.rest())[0] == b""
        assert 0.15 < it.link.loop.time() - started < 1
        assert await it.owner.ending() == Ending("gateway", 4401, "", "timeout")


@every_leg
async def test_a_client_that_does_not_answer_the_gateways_close_is_cut_after_the_wait(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        started = it.link.loop.time()
        it.link.close(4403, "out")
        it.link.close(1008, "a second call changes nothing")
        assert closing(await it.sam.frame()) == (CLOSE, 4403, b"out")
        assert (await it.sam.rest())[0] == b""
        assert 0.15 < it.link.loop.time() - started < 1
        assert await it.owner.ending() == Ending("gateway", 4403, "out", "timeout")


async def test_the_gateways_close_reaches_a_client_without_credit() -> None:
    owner = Owner(events=0)
    async with relay(("socket", "socket"), owner) as it:
        await it.sam.send(hello() * 3 + close(1000, masked=True))
        while not owner.asked:
            await asyncio.sleep(0.005)
        it.link.close(4403)
        assert closing(await it.sam.frame()) == (CLOSE, 4403, b"")
        await it.backend.frame()
        await it.backend.send(close(1001, masked=False))
        assert (await owner.ending()).how == "close"  # sam's own close, sent before, is an answer, too


async def test_the_close_to_an_upstream_is_masked_with_a_new_key_each_time() -> None:
    keys = set()
    for _ in range(3):
        async with relay(("socket", "socket")) as it:
            it.link.close(4403)
            keys.add((await it.backend.bytes(8))[2:6])
    assert len(keys) == 3


@every_leg
async def test_abort_resets_both_sides_and_is_reported_once(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        it.link.abort()
        it.link.abort()
        it.link.close(1001)
        assert await it.owner.ending() == Ending("gateway", 1006, "", "error")
        assert (await it.sam.rest())[0] == b""
        assert it.link.buffered_bytes() == 0


# -- resources ----------------------------------------------------------------------------------------------------


async def test_a_late_callback_never_touches_a_descriptor_that_belongs_to_somebody_else_by_then() -> None:
    async with relay(("socket", "socket")) as it:
        old = it.link.client
        assert isinstance(old, SocketLeg)
        number = old.fd
        it.link.abort()
        await it.owner.ending()
        mine, yours = tcp()
        near, far = (mine, yours) if mine.fileno() == number else (yours, mine)
        assert near.fileno() == number  # the kernel gave out the same number again
        far.send(b"secret")
        old.ready(5)
        old.ready(1)
        old.read_on()
        old.go_on()
        old.write(b"stray")
        old.abort()
        old.drop()
        await asyncio.sleep(0.01)
        assert near.recv(100) == b"secret"
        with pytest.raises(BlockingIOError):
            far.recv(100)
        near.close()
        far.close()


@every_leg
async def test_an_ended_link_leaves_nothing_for_the_garbage_collector(kinds: Kinds) -> None:
    async with relay(kinds) as it:
        await it.sam.send(hello())
        await it.backend.bytes(len(hello()))
        gc.collect()
        gc.disable()
        try:
            before = sum(issubclass(type(one), SocketLeg) for one in gc.get_objects())
            it.link.abort()
            await it.owner.ending()
            await asyncio.sleep(0.02)
            after = sum(issubclass(type(one), SocketLeg) for one in gc.get_objects())
        finally:
            gc.enable()
        assert before - after == kinds.count("socket") + kinds.count("tls")


def test_the_waits_are_those_of_the_contract() -> None:
    assert CONTRACT_WAITS == (1.0, 5.0, 1.0)
