"""A fault of the gateway's own in the middle of one session is the end of that session and of no other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.relay import Direction
from tests.gateway.legs import Owner, relay
from tests.gateway.test_relay import KINDS, Kinds, hello
from tests.wires import BINARY, CLOSE, close, frame

every_leg = pytest.mark.parametrize("kinds", KINDS, ids="-".join)


@every_leg
async def test_a_fault_in_one_session_ends_it_and_those_that_are_served_with_it_go_on(kinds: Kinds) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, facts: told.append(facts))
    faulty = Owner(events=0)

    def fail(direction: Direction) -> None:
        raise RuntimeError("a fault")

    faulty.on_spent = fail
    async with relay(kinds) as before, relay(kinds, faulty) as broken, relay(kinds) as after:
        for one in (before, broken, after):  # all of them in one poll
            one.sam.writer.write(hello())
        for one in (before, after):
            assert await one.backend.bytes(len(hello())) == hello()
            back = hello(b"and back", masked=False)
            await one.backend.send(back)
            assert await one.sam.bytes(len(back)) == back
        ending = await faulty.ending()
        assert ending.how in {"error", "reset"}
        assert hello() not in (await broken.backend.rest())[0]
    assert [str(facts["exception"]) for facts in told] == ["a fault"]


@every_leg
async def test_a_client_that_was_held_up_by_a_backend_that_is_gone_now_may_say_goodbye(kinds: Kinds) -> None:
    """What it had sent meanwhile is read, though it leads nowhere: else the connection would end by a reset."""
    owner = Owner()
    async with relay(kinds, owner) as it:
        async with asyncio.timeout(10):
            while not it.link.client.waiting:
                it.sam.writer.write(frame(BINARY, bytes(65_536), masked=True))
                await asyncio.sleep(0.001)
        it.link.give_up(it.link.upstream)
        told = await it.sam.frame()
        assert (told.opcode, told.code) == (CLOSE, 1014)
        await asyncio.wait_for(it.sam.send(close(1014, masked=True)), 10)
        assert (await it.sam.rest())[1] == "eof"
        ending = await owner.ending()
        assert (ending.initiator, ending.how) == ("upstream", "timeout")
