"""The gateway's own ports: what a real server process answers to sam, to eve, and to nobody at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway import doorway, upstreams
from gateway.sockets import listen
from tests.core.test_handshake import BAD, request
from tests.gateway.backends import Backend, until
from tests.gateway.legs import certificate, client_tls
from tests.wires import TEXT, frame, parse

ROOT = Path(__file__).resolve().parents[2]
HEAD_WAIT_S = 0.6
UPGRADE = request(b"GET /relay HTTP/1.1", b"Sec-WebSocket-Protocol: chat")


def free_port() -> int:
    """A port between 21300 and 21999 that nobody uses."""
    for port in range(21300, 22000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@dataclass
class Door:
    """A server process, and what it says."""

    process: subprocess.Popen[str]
    ports: dict[str, int]
    said: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)

    def url(self, kind: str, path: str) -> str:
        scheme = "wss" if kind == "tls" else "ws"
        return f"{scheme}://127.0.0.1:{self.ports[kind]}{path}"

    def sam(self, kind: str, path: str, **facts: Any) -> connect:
        facts.setdefault("subprotocols", ["chat"])
        return connect(self.url(kind, path), ssl=client_tls() if kind == "tls" else None, **facts)

    async def event(self, name: str) -> dict[str, Any]:
        """The next event of that name."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                one = self.said.get_nowait()
                if one["event"] == name:
                    return one
                continue
            await asyncio.sleep(0.01)
        raise AssertionError(f"{name} was not said")

    async def raw(self, kind: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """eve's connection, on which she may send anything."""
        tls = client_tls() if kind == "tls" else None
        return await asyncio.open_connection("127.0.0.1", self.ports[kind], ssl=tls)

    async def answer(self, kind: str, data: bytes, within_s: float = 3) -> Answer:
        """Send these bytes; everything that comes back until the gateway closes."""
        reader, writer = await self.raw(kind)
        writer.write(data)
        got = await asyncio.wait_for(reader.read(-1), within_s)
        writer.close()
        return Answer.read(got)


@dataclass
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, data: bytes) -> Answer:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        assert int(headers["content-length"]) == len(body)
        assert headers["connection"] == "close"
        return cls(int(first.split()[1]), headers, body)

    @property
    def code(self) -> str:
        """Of the problem document."""
        assert self.headers["content-type"] == "application/problem+json"
        document = json.loads(self.body)
        assert document["status"] == self.status
        return document["code"]


@contextlib.contextmanager
def started(backend_url: str) -> Iterator[Door]:
    """A server process that is ended with the block, if the block has not ended it."""
    ports = {"plain": free_port()}
    with socket.socket() as hold:
        hold.bind(("127.0.0.1", ports["plain"]))
        ports["tls"] = free_port()
    command = [sys.executable, "-m", "tests.gateway.doorway_app", str(ports["plain"]), str(ports["tls"])]
    process = subprocess.Popen(
        [*command, backend_url, str(HEAD_WAIT_S)],
        cwd=ROOT,
        env={**os.environ, "WSPORTAL_TEST_CERTIFICATE": str(certificate())},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    door = Door(process, ports)

    def listen_to() -> None:
        for line in process.stdout or ():
            door.said.put(json.loads(line))

    threads = [threading.Thread(target=listen_to), threading.Thread(target=lambda: list(process.stderr or ()))]
    for thread in threads:
        thread.start()
    with process:
        assert door.said.get(timeout=10) == {"event": "started"}
        try:
            yield door
        finally:
            process.terminate()
            assert process.wait(6) == 0
            for thread in threads:
                thread.join(3)


@pytest.fixture(scope="module")
def echo() -> Iterator[Backend]:
    """A backend that echoes and knows the subprotocol `chat`."""
    made = Backend(subprotocols=["chat"])
    yield made
    made.stop()


@pytest.fixture(scope="module")
def door(echo: Backend) -> Iterator[Door]:
    """One server for all tests that leave it alive."""
    with started(echo.url) as made:
        yield made


@pytest.fixture(params=["plain", "tls"])
def kind(request: pytest.FixtureRequest) -> str:
    """The same on both of the gateway's ports."""
    return str(request.param)


@contextlib.asynccontextmanager
async def refused(door: Door, kind: str, path: str) -> AsyncIterator[InvalidStatus]:
    with pytest.raises(InvalidStatus) as caught:
        await door.sam(kind, path)
    yield caught.value


# -- sam ----------------------------------------------------------------------------------------------------------


async def test_sam_talks_to_the_backend_compressed_end_to_end(door: Door, kind: str) -> None:
    async with door.sam(kind, "/relay?x=1", subprotocols=["v2", "chat"]) as sam:
        assert sam.subprotocol == "chat"
        assert sam.response is not None
        assert sam.response.headers["X-Answer"] == "yes"
        assert "permessage-deflate" in sam.response.headers["Sec-WebSocket-Extensions"]
        for message in ("hello", "", "x" * 100_000, b"\x00" * 70_000, b""):
            await sam.send(message)
            assert await sam.recv() == message
        await (await sam.ping(b"are you there"))
        await sam.close(4321, "enough")
    assert (sam.close_code, sam.close_reason) == (4321, "enough")
    assert await door.event("ended") == {"event": "ended", "initiator": "client", "code": 4321, "how": "close"}


async def test_a_backend_that_speaks_first_and_closes_at_once_is_heard(door: Door, kind: str) -> None:
    async with door.sam(kind, "/relay?push=3&close=4008", compression=None) as sam:
        assert [await sam.recv() for _ in range(3)] == ["push 0", "push 1", "push 2"]
        with pytest.raises(ConnectionClosed):
            await sam.recv()
    assert (sam.close_code, sam.close_reason) == (4008, "as you wish")
    assert (await door.event("ended"))["initiator"] == "upstream"


async def test_frames_that_came_with_the_request_are_delivered_after_the_answer(door: Door, kind: str) -> None:
    reader, writer = await door.raw(kind)
    writer.write(UPGRADE + frame(TEXT, b"eager", masked=True))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert await asyncio.wait_for(reader.readexactly(7), 3) == frame(TEXT, b"eager", masked=False)
    writer.close()


async def test_the_scope_says_where_the_handshake_came_from(door: Door, kind: str) -> None:
    with contextlib.suppress(InvalidStatus):
        async with door.sam(kind, "/scope/r%C3%A4um?token=x", subprotocols=["chat"]):
            pass
    with contextlib.suppress(InvalidStatus):
        async with door.sam(kind, "/scope", subprotocols=["chat"]):
            pass
    scope = (await door.event("scope"))["scope"]
    assert scope["type"] == "websocket"
    assert scope["scheme"] == ("wss" if kind == "tls" else "ws")
    assert scope["client"][0] == "127.0.0.1"
    assert scope["server"] == ["127.0.0.1", door.ports[kind]]
    assert scope["subprotocols"] == ["chat"]
    assert len(scope["state"]["request_id"]) == 32


async def test_small_frames_leave_at_once_on_both_sides(door: Door, kind: str) -> None:
    async with door.sam(kind, "/options"):
        assert (await door.event("options"))["undelayed"] == [True, True]


async def test_nothing_of_a_handshake_outlives_it(door: Door, kind: str) -> None:
    sams: list[ClientConnection] = [await door.sam(kind, "/relay") for _ in range(10)]
    async with asyncio.timeout(10):
        while True:  # a client of the test before may still be on its way out
            async with refused(door, kind, "/objects"):
                left = await door.event("objects")
            assert left["links"] >= 10
            if left["handshake"] <= 0:
                break
            await asyncio.sleep(0.1)
    await asyncio.gather(*(sam.close() for sam in sams))


# -- refusals -----------------------------------------------------------------------------------------------------


async def test_the_applications_refusal_arrives_with_status_headers_and_body(door: Door, kind: str) -> None:
    async with refused(door, kind, "/refuse") as no:
        assert no.response.status_code == 429
        assert no.response.headers["Retry-After"] == "7"
        assert len(no.response.headers["X-Request-ID"]) == 32
        assert json.loads(no.response.body or b"")["code"] == "quota_exceeded"


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/fail", 500, "internal_error"),
    ("/silent", 500, "internal_error"),
    ("/accept", 500, "internal_error"),
    ("/close", 403, "denied"),
])  # fmt: skip
async def test_whatever_the_application_does_the_client_gets_a_problem_document(
    door: Door, kind: str, path: str, status: int, code: str
) -> None:
    async with refused(door, kind, path) as no:
        assert no.response.status_code == status
        assert json.loads(no.response.body or b"")["code"] == code


async def test_health_and_everything_else_that_is_no_upgrade(door: Door, kind: str) -> None:
    async with door.sam(kind, "/relay"):
        health = await door.answer(kind, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        facts = json.loads(health.body)
        assert (health.status, facts["status"], facts["version"]) == (200, "up", "test")
        assert facts["sessions"] >= 1
    other = await door.answer(kind, b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (other.status, other.code, other.headers["upgrade"]) == (426, "upgrade_required", "websocket")


async def test_a_request_is_answered_although_a_body_follows(door: Door, kind: str) -> None:
    post = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
    assert (await door.answer(kind, post)).status == 426


# -- eve ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", sorted(BAD)[::4])
async def test_eves_bad_request_gets_400_and_no_backend_ever_hears_of_it(
    door: Door, echo: Backend, kind: str, what: str
) -> None:
    before = len(echo.requests)
    answer = await door.answer(kind, BAD[what])
    assert (answer.status, answer.code) == (400, "bad_request")
    assert len(echo.requests) == before


@pytest.mark.parametrize("behind", [b"GET /admin HTTP/1.1\r\nHost: x\r\n\r\n", b"hello", b"\x81\x05hello"])
async def test_a_second_request_behind_an_upgrade_is_never_run(
    door: Door, echo: Backend, kind: str, behind: bytes
) -> None:
    before = len(echo.requests)
    assert (await door.answer(kind, UPGRADE + behind)).code == "bad_request"
    assert len(echo.requests) == before


async def test_a_second_request_sent_while_the_first_is_decided_is_an_illegal_frame(door: Door, kind: str) -> None:
    reader, writer = await door.raw(kind)
    writer.write(UPGRADE)
    writer.write(b"GET /admin HTTP/1.1\r\n\r\n")
    got = await asyncio.wait_for(reader.read(-1), 4)
    head, _, rest = got.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 101"):
        seen, _ = parse(rest)
        assert [one.code for one in seen] == [1002]
    else:
        assert head.startswith(b"HTTP/1.1 400")
    writer.close()


@pytest.mark.parametrize("start_of_head", [b"", b"GET /relay HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_end_in_time_is_408(door: Door, kind: str, start_of_head: bytes) -> None:
    reader, writer = await door.raw(kind)
    started = time.monotonic()
    writer.write(start_of_head)

    async def drip() -> None:
        while start_of_head:
            await asyncio.sleep(0.1)
            writer.write(b"a")

    dripping = asyncio.ensure_future(drip())
    answer = Answer.read(await asyncio.wait_for(reader.read(-1), 5))
    dripping.cancel()
    writer.close()
    assert (answer.status, answer.code) == (408, "handshake_timeout")
    assert HEAD_WAIT_S * 0.8 < time.monotonic() - started < HEAD_WAIT_S + 2


async def test_a_head_that_grows_too_large_is_431_before_it_ends(door: Door, kind: str) -> None:
    answer = await door.answer(kind, b"GET /relay HTTP/1.1\r\nX: " + b"a" * 30_000)
    assert (answer.status, answer.code) == (431, "header_too_large")


async def test_plain_text_on_the_tls_port_and_tls_on_the_plain_port_do_no_harm(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.ports["tls"])
    writer.write(request())
    await asyncio.wait_for(reader.read(-1), 3)
    writer.close()
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await asyncio.open_connection("127.0.0.1", door.ports["plain"], ssl=client_tls())
    assert (await door.answer("plain", b"GET /health HTTP/1.1\r\n\r\n")).status == 200


async def test_a_client_that_leaves_while_it_is_decided_about_stops_the_decision(door: Door, kind: str) -> None:
    _, writer = await door.raw(kind)
    writer.write(request(b"GET /slow HTTP/1.1"))
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await door.event("cancelled")


# -- start and stop -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_closes_live_sessions_with_1001_and_ends_soon(echo: Backend, how: signal.Signals) -> None:
    with started(echo.url) as door:
        plain, tls = await door.sam("plain", "/relay"), await door.sam("tls", "/relay")
        _, stuck = await door.raw("plain")
        stuck.write(request(b"GET /slow HTTP/1.1"))
        await stuck.drain()
        await asyncio.sleep(0.05)
        began = time.monotonic()
        door.process.send_signal(how)
        for sam in (plain, tls):
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(sam.recv(), 3)
            assert sam.close_code == 1001
            assert json.loads(sam.close_reason or "") == {"code": "going_away"}
        assert await asyncio.to_thread(door.process.wait, 5) == 0
        assert time.monotonic() - began < 3
        await door.event("written down")
        await door.event("stopped")
        until(lambda: 1001 in echo.closes)
        stuck.close()


async def test_a_stop_does_not_wait_for_clients_that_do_not_answer(echo: Backend) -> None:
    with started(echo.url) as door:
        reader, writer = await door.raw("plain")
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        began = time.monotonic()
        door.process.terminate()
        assert await asyncio.to_thread(door.process.wait, 6) == 0
        assert 0.8 < time.monotonic() - began < 3.5
        writer.close()


def test_a_port_in_use_is_one_clear_error(door: Door) -> None:
    with pytest.raises(OSError, match=rf"port {door.ports['plain']} on 127.0.0.1 is in use by another program"):
        listen("127.0.0.1", door.ports["plain"])
    command = [sys.executable, "-m", "tests.gateway.doorway_app", str(door.ports["plain"]), "21999", "ws://x", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode != 0
    assert ended.stderr.strip().endswith(f"port {door.ports['plain']} on 127.0.0.1 is in use by another program")
    assert "started" not in ended.stdout


def test_the_waits_are_those_of_the_contract() -> None:
    assert doorway.HEAD_WAIT_S == 10
    assert upstreams.Target("ws://x", b"/", []).connect_s == 5
