"""Reaching a customer's backend: what becomes a connection, and what every kind of failure is called."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from websockets.asyncio.server import serve

from gateway.relay import Link, Poller, TransportLeg
from gateway.sockets import connect_any
from gateway.upstreams import DialError, Target, dial
from tests.gateway.backends import Backend, says
from tests.gateway.legs import Owner, client_tls, server_tls
from tests.wires import TEXT, frame, parse


def target(url: str, **facts: Any) -> Target:
    facts = {"path_and_query": b"/chat?x=1", "headers": [(b"x-mark", b"sam")], "tls": client_tls(), **facts}
    return Target(url=url, **facts)


@contextlib.asynccontextmanager
async def fails(kind: str, phase: str, status: int | None = None) -> AsyncIterator[None]:
    """Dialling in the block fails that way, and leaves no descriptor behind."""
    Poller.of(asyncio.get_running_loop())  # it has a descriptor of its own, once
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(DialError) as caught:
        yield
    assert (caught.value.kind, caught.value.phase, caught.value.status) == (kind, phase, status)
    await asyncio.sleep(0.02)
    assert len(os.listdir("/proc/self/fd")) <= before


@contextlib.asynccontextmanager
async def listening(talk: Callable[..., Any], **facts: Any) -> AsyncIterator[int]:
    """A TCP server of this test; its port."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0, **facts)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read(-1)
    writer.close()


@pytest.mark.parametrize("secure", [False, True])
async def test_a_dialled_backend_is_relayed_with_what_it_said_behind_its_answer(secure: bool) -> None:
    requests = []

    async def greet(connection: Any) -> None:
        requests.append(connection.request)
        await connection.send("hello first")
        async for message in connection:
            await connection.send(message)

    async with serve(greet, "127.0.0.1", 0, subprotocols=["v2"], ssl=server_tls() if secure else None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        upstream = await dial(
            target(
                f"{'wss' if secure else 'ws'}://localhost:{port}/ignored",
                subprotocols=b"v1, v2",
                extensions=b"x-odd, permessage-deflate",
            )
        )
        assert upstream.subprotocol == b"v2"
        assert upstream.extensions is not None
        assert upstream.extensions.startswith(b"permessage-deflate")
        assert upstream.deflate
        assert upstream.address == "127.0.0.1"
        await asyncio.sleep(0.05)
        loop, owner = asyncio.get_running_loop(), Owner()
        owner.scanner_out.rsv = 0x30
        link = Link(loop, owner)
        near, far = socket.socketpair()
        far.setblocking(False)
        near.setblocking(False)
        client, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        link.join(TransportLeg(link, owner.scanner_in, client), upstream.leg(link, owner.scanner_out))
        link.start(b"", b"", upstream.early)
        got = await asyncio.wait_for(loop.sock_recv(far, 4096), 3)
        assert parse(got)[0][0].opcode == TEXT
        await loop.sock_sendall(far, frame(TEXT, b"and back", masked=True))
        while owner.scanner_out.messages < 2:
            await asyncio.wait_for(loop.sock_recv(far, 4096), 3)
        link.abort()
        far.close()
    (request,) = requests
    assert request.path == "/chat?x=1"
    assert request.headers["Host"] == f"localhost:{port}"
    assert request.headers["X-Mark"] == "sam"
    assert request.headers["Sec-WebSocket-Extensions"] == "permessage-deflate"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "bad_response"), (302, "bad_response"), (401, "refused"), (403, "refused"), (404, "refused"),
     (429, "refused"), (500, "server_error"), (503, "server_error")],
)  # fmt: skip
async def test_a_backends_no_is_told_with_its_status_and_a_redirect_is_not_followed(status: int, kind: str) -> None:
    asked = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(10))
        writer.close()

    async with listening(elsewhere) as other:
        location = b"Location: ws://127.0.0.1:%d/\r\n" % other
        with says(b"HTTP/1.1 %d No\r\n%bContent-Length: 0\r\n\r\n" % (status, location)) as url:
            async with fails(kind, "handshake", status):
                await dial(target(url))
    assert asked == []


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"HTTP/1.1 101 Sure\r\n\r\n", b"\x16\x03",
     b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000],
    ids=["another protocol", "nothing", "101 without proof", "TLS", "an endless head"],
)  # fmt: skip
async def test_nonsense_is_a_bad_response(answer: bytes) -> None:
    with says(answer) as url:
        async with fails("bad_response", "handshake"):
            await dial(target(url))


async def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with fails("unreachable", "connect"):
        await dial(target(f"ws://127.0.0.1:{port}"))
    async with fails("unreachable", "connect"):
        await dial(target("ws://name-that-does-not-exist.invalid:1"))


async def test_a_backend_that_accepts_and_says_nothing_times_out_in_the_handshake() -> None:
    async with listening(hang) as port:
        started = time.monotonic()
        async with fails("timeout", "handshake"):
            await dial(target(f"ws://127.0.0.1:{port}", handshake_s=0.2))
        assert time.monotonic() - started < 1


async def test_a_backend_that_does_not_accept_times_out_while_connecting() -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    address = full.getsockname()
    waiting = [socket.socket() for _ in range(4)]  # they fill the backlog, so the next SYN is dropped
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(address)
    async with fails("timeout", "connect"):
        await dial(target(f"ws://127.0.0.1:{address[1]}", connect_s=0.3))
    for one in (*waiting, full):
        one.close()


async def test_a_tls_backend_that_hangs_times_out_while_connecting() -> None:
    async with listening(hang) as port, fails("timeout", "connect"):
        await dial(target(f"wss://localhost:{port}", connect_s=0.3))


async def test_a_certificate_that_is_not_trusted_or_of_another_name_is_unreachable() -> None:
    async with listening(hang, ssl=server_tls()) as port:
        async with fails("unreachable", "connect"):
            await dial(target(f"wss://localhost:{port}", tls=None))  # the system's authorities do not know it
        async with fails("unreachable", "connect"):
            await dial(target(f"wss://127.0.0.2:{port}"))


async def test_old_tls_and_plain_text_are_never_accepted_for_wss() -> None:
    old = server_tls()
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    async with listening(hang, ssl=old) as port, fails("unreachable", "connect"):
        await dial(target(f"wss://localhost:{port}"))
    with says(b"HTTP/1.1 400 No\r\n\r\n") as url:
        async with fails("unreachable", "connect"):
            await dial(target(url.replace("ws://127.0.0.1", "wss://localhost")))


async def test_the_policy_judges_the_address_that_is_dialled_not_the_name() -> None:
    seen = []

    def nothing(address: str) -> bool:
        seen.append(address)
        return False

    with says(b"") as url:
        async with fails("forbidden_address", "connect"):
            await dial(target(url.replace("127.0.0.1", "localhost"), allowed=nothing))
    assert "127.0.0.1" in seen


async def test_a_name_resolved_a_moment_ago_is_still_judged_at_each_dial(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend()
    asked: list[str] = []

    async def look_up(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, ("127.0.0.1", port))]

    monkeypatch.setattr("gateway.names._look_up", look_up)
    url = backend.url.replace("127.0.0.1", "remembered.example")
    (await dial(target(url))).close()
    async with fails("forbidden_address", "connect"):
        await dial(target(url, allowed=lambda address: False))
    assert asked == ["remembered.example"]
    backend.stop()


async def test_an_address_that_is_forbidden_is_left_out_and_the_others_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = Backend()
    port = int(backend.url.rsplit(":", 1)[1])

    async def two(host: str, asked: int) -> list[Any]:
        return [(socket.AF_INET, (one, port)) for one in ("127.0.0.9", "127.0.0.1")]

    monkeypatch.setattr("gateway.upstreams.resolve", two)
    upstream = await dial(target("ws://two.example", allowed=lambda address: address == "127.0.0.1"))
    assert upstream.address == "127.0.0.1"
    upstream.close()
    upstream.close()
    backend.stop()


async def test_a_dead_address_costs_no_more_than_a_head_start() -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    async with listening(hang) as port:
        started = time.monotonic()
        sock, address = await connect_any(
            asyncio.get_running_loop(),
            [(socket.AF_INET, full.getsockname()), (socket.AF_INET, ("127.0.0.1", port))],
        )
        assert address == "127.0.0.1"
        assert sock.getpeername()[1] == port
        assert 0.2 < time.monotonic() - started < 1
        sock.close()
    for one in (*waiting, full):
        one.close()


async def test_when_all_addresses_fail_the_first_error_is_told_at_once() -> None:
    addresses = [(socket.AF_INET, ("127.0.0.1", 1)), (socket.AF_INET, ("127.0.0.1", 2))]
    started = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        await connect_any(asyncio.get_running_loop(), addresses)
    assert time.monotonic() - started < 0.2


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_a_dial_that_is_given_up_closes_its_connection(scheme: str) -> None:
    left = asyncio.Event()

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)
        left.set()
        writer.close()

    async with listening(watch, ssl=server_tls() if scheme == "wss" else None) as port:
        dialling = asyncio.ensure_future(dial(target(f"{scheme}://localhost:{port}")))
        await asyncio.sleep(0.1)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        await asyncio.wait_for(left.wait(), 3)


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    backend = Backend()
    (await dial(target(backend.url))).close()
    backend.stop()
