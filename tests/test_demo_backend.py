"""The demo backend answers as its page says, whatever a newcomer types."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

COMMAND = [sys.executable, "-m", "wsportal.demo_backend", "--port", "0", "--until-eof"]


def start() -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, process.stdout.readline().split()[-1]


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    process, url = start()
    yield url
    _, errors = process.communicate(timeout=5)  # closes its standard input
    assert process.returncode == 0
    assert errors == ""


@pytest.mark.parametrize("message", ["hello", "", "ünï", b"\x00\xff", b""])
@pytest.mark.parametrize("path", ["/", "/rooms/7?x=1"])
async def test_sam_gets_every_message_back_as_it_was(backend: str, path: str, message: str | bytes) -> None:
    async with connect(backend + path) as client:
        await client.send(message)
        assert await client.recv() == message


async def test_sam_gets_the_same_fragments_back(backend: str) -> None:
    async with connect(backend) as client:
        await client.send(["one ", "", "two"])  # the client library adds an empty last fragment
        assert [fragment async for fragment in client.recv_streaming()] == ["one ", "", "two", ""]


async def test_sam_sends_32_mebibytes_and_is_told_1009_above(backend: str) -> None:
    async with connect(backend, max_size=None) as client:
        message = bytes(32 << 20)
        await client.send(message)
        assert await client.recv() == message
        await client.send(message + b"x")
        with pytest.raises(ConnectionClosed) as ended:
            await client.recv()
        assert ended.value.rcvd
        assert ended.value.rcvd.code == 1009


async def test_a_ping_is_answered_and_compression_is_on(backend: str) -> None:
    async with connect(backend) as client:
        await (await client.ping())
        assert client.response
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]


async def test_the_first_offered_subprotocol_is_chosen(backend: str) -> None:
    async with connect(backend, subprotocols=["chat.v2", "chat.v1"]) as client:
        assert client.subprotocol == "chat.v2"
    async with connect(backend) as client:
        assert client.subprotocol is None


async def test_the_ticker_counts_the_seconds(backend: str) -> None:
    async with connect(backend + "/ticker") as client:
        first, second = json.loads(await client.recv()), json.loads(await client.recv())
        assert (first["tick"], second["tick"]) == (1, 2)
        assert 0.9 < (time.mktime(_at(second)) - time.mktime(_at(first))) < 2.1


def _at(message: dict[str, str]) -> time.struct_time:
    return time.strptime(message["at"][:19], "%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1014, 3000, 4321, 4999])
async def test_the_backend_closes_as_asked(backend: str, code: int) -> None:
    async with connect(f"{backend}/close?code={code}&reason=gr%C3%BC%C3%9Fe") as client:
        with pytest.raises(ConnectionClosed) as ended:
            await client.recv()
        assert ended.value.rcvd
        assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (code, "grüße")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/close?code=1005", "code=1005"),
        ("/close?code=1006", "code=1006"),
        ("/close?code=2999", "code=2999"),
        ("/close?code=70000", "code=70000"),
        ("/close?code=%F0%9F", "code="),
        ("/close?code=", "code="),
        ("/close?reason=" + "x" * 124, "reason"),
        ("/close?reason=a%0Ab", "reason"),
        ("/slow?seconds=soon", "seconds=soon"),
        ("/slow?seconds=nan", "seconds=nan"),
        ("/slow?seconds=-1", "seconds=-1"),
        ("/?handshake_delay=1e9", "handshake_delay=1e9"),
    ],
)
async def test_a_wrong_query_is_answered_400_with_a_sentence(backend: str, target: str, said: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(backend + target):
            pass
    assert refused.value.response.status_code == 400
    assert said in (refused.value.response.body or b"").decode()


async def test_the_slow_path_answers_late(backend: str) -> None:
    async with connect(backend + "/slow?seconds=0.3") as client:
        started = time.monotonic()
        await client.send("wait for me")
        assert await client.recv() == "wait for me"
        assert time.monotonic() - started >= 0.3


async def test_the_handshake_can_be_delayed(backend: str) -> None:
    started = time.monotonic()
    async with connect(backend + "/?handshake_delay=0.3"):
        assert time.monotonic() - started >= 0.3


async def test_the_silent_path_takes_messages_and_answers_only_pings(backend: str) -> None:
    async with connect(backend + "/silent") as client:
        await client.send("anybody?")
        await (await client.ping())  # answered after the message was read, and nothing came before it
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.recv(), 0.2)


async def test_the_headers_path_tells_what_arrived(backend: str) -> None:
    async with connect(backend + "/headers?a=b", additional_headers={"X-Color": "blue"}, subprotocols=["s"]) as client:
        told = json.loads(await client.recv())
    assert told["path"] == "/headers?a=b"
    assert ["X-Color", "blue"] in told["headers"]
    assert told["subprotocol"] == "s"


def test_it_ends_when_the_process_that_started_it_is_gone() -> None:
    starter = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE).pid); input()"
    with subprocess.Popen(
        [sys.executable, "-c", starter, *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        lines = [parent.stdout.readline(), parent.stdout.readline()]
        assert any("demo backend on" in line for line in lines)
        parent.kill()
        # The backend holds the other end of this pipe: it ends when the backend does.
        assert parent.communicate(timeout=5)[0] == ""


def test_ctrl_c_ends_it_without_a_traceback() -> None:
    process, _ = start()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")


def test_a_taken_port_is_one_line(backend: str) -> None:
    port = backend.rsplit(":", 1)[1]
    result = subprocess.run([*COMMAND[:3], "--port", port], check=False, capture_output=True, text=True, timeout=10)
    assert result.returncode == 1
    assert port in result.stderr
    assert result.stderr.count("\n") == 1
