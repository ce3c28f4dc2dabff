"""A direction whose messages are left out, what its sender is told of it, and a session that somebody looks into."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from gateway.core.frames import ALL, CLOSED, DROP, GO, KEEP, UNPAID
from gateway.core.wire import payload_of
from gateway.relay import Direction, Ending
from tests.gateway.legs import Owner, relay
from tests.gateway.test_relay import KINDS, Kinds, chatter, hello, send_cut
from tests.wires import BINARY, CLOSE, PING, TEXT, close, frame, parse

every_leg = pytest.mark.parametrize("kinds", KINDS, ids="-".join)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


@every_leg
async def test_what_eve_sends_without_the_scope_never_arrives_and_what_she_receives_does(kinds: Kinds) -> None:
    owner = Owner()
    owner.scanner_in.discard(ALL)
    dice = random.Random(7)
    said, heard = chatter(dice, 60, masked=True), chatter(dice, 60, masked=False)
    pings = b"".join(frame(one.opcode, one.payload, masked=True) for one in parse(said)[0] if one.opcode > 7)
    messages = sum(one.opcode < 8 and one.fin for one in parse(said)[0])
    async with relay(kinds, owner) as it:
        speaking = asyncio.ensure_future(send_cut(it.sam, said, dice, 5000))
        hearing = asyncio.ensure_future(it.sam.bytes(len(heard)))
        await it.backend.send(heard)
        await speaking
        await it.sam.send(frame(PING, b"the end", masked=True))
        assert await it.backend.bytes(len(pings) + 13) == pings + frame(PING, b"the end", masked=True)
        assert await hearing == heard
    assert (owner.scanner_in.messages, owner.scanner_in.payload) == (0, 0)
    assert owner.scanner_in.discarded == messages


@every_leg
async def test_beyond_the_plan_messages_are_dropped_and_sam_is_told_between_messages(kinds: Kinds) -> None:
    owner = Owner(events=2)
    owner.scanner_in.discard(UNPAID)
    told: list[bool] = []
    async with relay(kinds, owner) as it:
        owner.on_discarded = lambda direction: told.append(it.link.notice(direction, '{"code":"quota_exceeded"}'))
        half = frame(TEXT, b"ha", masked=False, fin=False)
        await it.backend.send(half)
        assert await it.sam.bytes(len(half)) == half
        await it.sam.send(hello(b"one") + hello(b"two") + hello(b"three"))
        assert await it.backend.bytes(18) == hello(b"one") + hello(b"two")
        await until(lambda: bool(told))
        await it.backend.send(frame(0, b"lf", masked=False))
        assert (await it.sam.frame()).payload == b"lf"  # no notice inside the backend's message
        await it.sam.send(hello(b"four") * 1000)
        assert (await it.sam.frame()).payload == b'{"code":"quota_exceeded"}'
        owner.scanner_in.grant(1, 0)
        ping = frame(PING, b"so far", masked=True)
        await it.sam.send(ping + hello(b"five"))
        assert await it.backend.bytes(len(ping) + 10) == ping + hello(b"five")
    assert told[0] is False
    assert any(told)
    assert (owner.scanner_in.messages, owner.scanner_in.discarded) == (3, 1001)
    assert owner.scanner_out.messages == 1  # notices count nowhere
    assert not owner.asked


@every_leg
async def test_a_session_may_be_closed_for_what_it_had_discarded_even_inside_a_message(kinds: Kinds) -> None:
    owner = Owner()
    owner.scanner_in.discard(ALL)
    async with relay(kinds, owner) as it:
        owner.on_discarded = lambda direction: it.link.close(1008, "enough")
        await it.sam.send(frame(BINARY, bytes(100_000), masked=True)[:50_000])
        seen = await it.backend.frame()
        assert (seen.opcode, seen.code) == (CLOSE, 1001)
        assert (await it.sam.frame()).code == 1008
        await it.backend.send(close(1001, masked=False))
        await it.sam.send(bytes(50_014) + close(1008, masked=True))
        assert await owner.ending() == Ending("gateway", 1008, "enough", "close")


async def test_a_direction_the_client_must_not_hear_is_silent_until_it_may() -> None:
    owner = Owner()
    owner.scanner_out.discard(ALL)
    asked: list[Direction] = []
    owner.on_discarded = asked.append
    async with relay(("socket", "socket"), owner) as it:
        await it.backend.send(hello(b"secret", masked=False) * 500)
        await until(lambda: owner.scanner_out.discarded == 500)
        owner.scanner_out.discard(KEEP)
        await it.backend.send(hello(b"hello sam", masked=False))
        assert (await it.sam.frame()).payload == b"hello sam"
    assert set(asked) == {Direction.OUT}


@every_leg
async def test_a_live_session_is_looked_into_while_it_goes_on_unchanged(kinds: Kinds) -> None:
    seen: list[tuple[int, int, int, bytes]] = []
    async with relay(kinds) as it:
        await it.sam.send(hello(b"unseen"))
        await it.backend.bytes(12)
        it.owner.scanner_in.watch(lambda *facts: seen.append(facts))
        await it.sam.send(hello(b"seen") + frame(BINARY, bytes(70_000), masked=True))
        await it.backend.bytes(10 + 70_014)
        it.owner.scanner_in.discard(ALL)
        await it.sam.send(hello(b"dropped") + close(1000, masked=True))
        assert (await it.backend.frame()).code == 1000
    assert [(first & 15, size, event) for first, size, event, _ in seen] == [
        (TEXT, 4, GO),
        (BINARY, 70_000, GO),
        (TEXT, 7, DROP),
        (CLOSE, 2, CLOSED),
    ]
    assert payload_of(seen[0][3]) == b"seen"
