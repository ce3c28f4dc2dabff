"""Storms: nonsense by the thousand, clients that come and go; nothing is left of them afterwards.

`pytest -m soak` runs the long forms; without it they are as long as the default suite can bear.
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from tests.gateway.backends import Backend, until
from tests.gateway.faults import Log, descriptors, request, rss_kib, tasks
from tests.gateway.world import Deal, GatewayProcess, World
from tests.wires import close, frame

SEED = int(os.environ.get("FUZZ_SEED", "20261124"))
AT_ONCE = 24
GROWTH_KIB = 10 << 10


@pytest.fixture(scope="module")
def deal(world: World, backend: Backend) -> Deal:
    return world.deal(backend.url)


@asynccontextmanager
async def connected(process: GatewayProcess) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", process.ws_port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def many(amount: int, one: Callable[[int], Awaitable[None]]) -> None:
    """Do it so often, AT_ONCE at a time."""
    numbers = iter(range(amount))

    async def work() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def storm(process: GatewayProcess, deal: Deal, amount: int, one: Callable[[int], Awaitable[None]]) -> int:
    """After a warm-up, so many of them: no traceback, and sockets, tasks and descriptors as before.

    Returns:
        The growth in KiB.
    """
    await many(max(200, amount // 20), one)
    pid, log = process.process.pid, Log(process)

    def calm() -> bool:
        return process.health()["sessions"] == 0

    await asyncio.to_thread(until, calm, 10)
    before = descriptors(pid), await asyncio.to_thread(tasks, process), rss_kib(pid)
    await many(amount, one)
    await asyncio.to_thread(until, calm, 10)
    await asyncio.to_thread(until, lambda: descriptors(pid) <= before[0] + 2, 10, "descriptors are left")
    after = descriptors(pid), await asyncio.to_thread(tasks, process), rss_kib(pid)
    assert after[1] <= before[1] + 1, "tasks are left"
    assert "Traceback" not in log
    assert "handshake_failed" not in log
    assert (await asyncio.to_thread(deal.knock)).status == 101, "and it still works"
    print(f"\n{amount}: descriptors, tasks, KiB {before} -> {after}")
    return after[2] - before[2]


# -- nonsense ------------------------------------------------------------------------------------------------------

WORDS = [
    b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b"\0", b"\x0b", b"\x85", b"\xff\xfe", b"%00", b"%2e%2e/", b"HTTP/1.1",
    b"Upgrade: websocket\r\n", b"Upgrade: h2c\r\n", b"Connection: close\r\n", b"Content-Length: 5\r\n", b"Host: a\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Sec-WebSocket-Protocol: caf\xc3\xa9\r\n", b"Sec-WebSocket-Key: x\r\n",
    b"Sec-WebSocket-Version: 777\r\n", b"Authorization: Bearer \xe9\r\n", b"X_Forwarded_For: 1\r\n", b"HTTP/2.0",
    b"GET ", b"POST ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01", b"/" * 5000, b"?" * 300,
    b"A: " + b"a" * 9000,
]  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Some bytes of it flipped, cut out, doubled, moved, or words put between them."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(changed) + 1)
        match dice.randrange(6):
            case 0 if at < len(changed):
                changed[at] = dice.randrange(256)
            case 1:
                del changed[at : at + dice.randint(1, 40)]
            case 2:
                changed[at:at] = changed[at : at + dice.randint(1, 200)]
            case 3:
                changed[at:at] = dice.choice(WORDS)
            case 4:
                changed[at:at] = dice.randbytes(dice.randint(1, 30))
            case _:
                lines = bytes(changed).split(b"\r\n")
                dice.shuffle(lines)
                changed[:] = b"\r\n".join(lines)
    return bytes(changed)


def some_frames(dice: random.Random) -> bytes:
    """Frames, most of them legal, then mutated or not."""
    out = b""
    for _ in range(dice.randint(0, 8)):
        payload = dice.randbytes(dice.choice((0, 1, 2, 5, 125, 126, 300, 70_000)))
        out += frame(
            dice.choice((0, 1, 1, 2, 2, 8, 9, 10, dice.randrange(16))),
            payload if dice.random() < 0.9 else payload[:125],
            masked=dice.random() < 0.95,
            fin=dice.random() < 0.8,
            rsv=dice.choice((0, 0, 0, 0, 0x10, 0x40)),
            key=dice.randbytes(4),
        )
    match dice.randrange(4):
        case 0:
            return mutated(out, dice) if out else dice.randbytes(50)
        case 1:
            return out + close(dice.choice((None, 1000, 1005, 4999, 65535)), masked=True)
        case 2:
            return out + dice.randbytes(dice.randint(1, 200))
    return out


def end(writer: asyncio.StreamWriter) -> None:
    """End the stream, unless a reset has done so."""
    try:
        writer.write_eof()
    except OSError as error:  # shutdown(2) of what is no longer connected, which Python knows no ConnectionError for
        if error.errno != errno.ENOTCONN:
            raise


async def send_and_leave(process: GatewayProcess, data: bytes, dice: random.Random) -> bytes:
    """Send it in one piece or several, end the stream or break it off; what was answered."""
    answer = b""
    with suppress(ConnectionError):
        async with connected(process) as (reader, writer):
            cut = dice.randrange(len(data) + 1) if dice.random() < 0.3 else len(data)
            writer.write(data[:cut])
            if cut < len(data):
                await asyncio.sleep(0)
                writer.write(data[cut:])
            if dice.random() < 0.2:
                return b""  # broken off at once
            if dice.random() < 0.9:
                end(writer)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.25):
                    while more := await reader.read(65536):
                        answer += more
    return answer


async def test_thousands_of_fuzzed_handshakes_leave_nothing_behind(world: World, deal: Deal) -> None:
    whole = request(deal)
    statuses: set[bytes] = set()

    async def one(number: int) -> None:
        dice = random.Random(SEED + number)
        data = mutated(whole, dice) if dice.random() < 0.8 else dice.randbytes(dice.randint(1, 2000))
        answer = await send_and_leave(world.gateway, data, dice)
        if answer:
            statuses.add(answer[:12])

    assert await storm(world.gateway, deal, 6000, one) < GROWTH_KIB
    assert b"HTTP/1.1 400" in statuses
    assert b"HTTP/1.1 101" in statuses
    assert not {status for status in statuses if status.startswith(b"HTTP/1.1 5")} - {b"HTTP/1.1 502"}, statuses


async def test_thousands_of_fuzzed_frame_streams_leave_nothing_behind(world: World, deal: Deal) -> None:
    whole = request(deal)

    async def one(number: int) -> None:
        dice = random.Random(SEED * 2 + number)
        await send_and_leave(world.gateway, whole + some_frames(dice), dice)

    assert await storm(world.gateway, deal, 4000, one) < GROWTH_KIB


async def test_thousands_of_fuzzed_backends_leave_nothing_behind(world: World) -> None:
    made = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        dice = random.Random(SEED * 3 + made)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            from gateway.core.answers import accept_key

            key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
            answer = (
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_key(key.split(b": ")[1]) + b"\r\n\r\n"
            )
            if dice.random() < 0.5:
                answer = mutated(answer, dice)
            writer.write(answer + mutated(frame(2, dice.randbytes(300), masked=False), dice))
            await writer.drain()
        if dice.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    suspension = {"errors": [], "initial_ms": 0, "max_ms": 0, "factor": 1.0, "retries": 0, "retry_delay_ms": 0}
    port = server.sockets[0].getsockname()[1]
    deal = await asyncio.to_thread(lambda: world.deal(f"ws://127.0.0.1:{port}", suspension=suspension))
    whole = request(deal)

    async def one(number: int) -> None:
        dice = random.Random(number)
        await send_and_leave(world.gateway, whole, dice)

    pid, log = world.gateway.process.pid, Log(world.gateway)
    await many(200, one)
    before = descriptors(pid), await asyncio.to_thread(tasks, world.gateway), rss_kib(pid)
    await many(1500, one)
    await asyncio.to_thread(until, lambda: world.gateway.health()["sessions"] == 0, 10)
    await asyncio.to_thread(until, lambda: descriptors(pid) <= before[0] + 2, 10)
    assert await asyncio.to_thread(tasks, world.gateway) <= before[1] + 1
    assert rss_kib(pid) - before[2] < GROWTH_KIB
    assert "Traceback" not in log
    server.close()


# -- coming and going ----------------------------------------------------------------------------------------------


async def come_and_go(process: GatewayProcess, whole: bytes, number: int) -> None:
    """A session with one echo that ends properly, or by a reset, or during the handshake."""
    kind = number % 4
    with suppress(ConnectionError):
        async with connected(process) as (reader, writer):
            writer.write(whole)
            if kind == 3:
                return
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101"), head
            writer.write(frame(1, b"hello", masked=True))
            await reader.readexactly(7)
            if kind == 2:
                return
            writer.write(close(1000, masked=True))
            await reader.readexactly(4)


async def test_clients_that_come_and_go_leave_nothing_behind(world: World, deal: Deal) -> None:
    whole = request(deal)
    assert await storm(world.gateway, deal, 4000, lambda n: come_and_go(world.gateway, whole, n)) < GROWTH_KIB


@pytest.mark.soak
async def test_twenty_thousand_clients_that_come_and_go_leave_nothing_behind(world: World, deal: Deal) -> None:
    whole = request(deal)
    assert await storm(world.gateway, deal, 20_000, lambda n: come_and_go(world.gateway, whole, n)) < GROWTH_KIB
