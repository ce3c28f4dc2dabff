"""Handshakes that drip, a byte at a time, on every port and at every stage, while others want to be served."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress

import pytest

from tests.gateway.backends import Backend
from tests.gateway.faults import request
from tests.gateway.world import Deal, World


@pytest.fixture(scope="module")
def deal(world: World, backend: Backend) -> Deal:
    return world.deal(backend.url)


def hello() -> bytes:
    """The first bytes of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("what", ["head", "head in TLS", "hello of TLS"])
async def test_five_hundred_handshakes_that_drip_are_closed_while_others_are_served(
    world: World, deal: Deal, what: str
) -> None:
    start = hello() if what == "hello of TLS" else request(deal)
    trust = world.gateway.tls() if what == "head in TLS" else None
    port = world.gateway.ws_port if what == "head" else world.gateway.wss_port
    statuses: list[bytes] = []
    longest = 0.0

    async def drip() -> None:
        nonlocal longest
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("localhost", port, ssl=trust)
        with suppress(ConnectionError):
            answer = asyncio.ensure_future(reader.read(65536))
            for at in range(60):
                writer.write(start[at : at + 1])
                await asyncio.wait([answer], timeout=0.5)
                if answer.done():
                    break
            longest = max(longest, time.monotonic() - began)
            statuses.append((await answer)[:12])
        writer.transport.abort()

    async def normal() -> float:
        started = time.monotonic()
        assert (await asyncio.to_thread(deal.knock)).status == 101
        return time.monotonic() - started

    dripping = []
    for number in range(500):  # this process has to shake hands, too
        dripping.append(asyncio.ensure_future(drip()))
        if number % 20 == 0:
            await asyncio.sleep(0.05)
    waited = []
    while not all(one.done() for one in dripping):
        waited.append(await normal())
        await asyncio.sleep(0.2)
    await asyncio.gather(*dripping)
    assert statuses == [b"" if what == "hello of TLS" else b"HTTP/1.1 408"] * 500
    assert longest < 15
    assert sorted(waited)[len(waited) * 9 // 10] < 0.5, waited  # one in ten may have waited for the machine
