"""A gateway server with a tiny application: python -m tests.gateway.doorway_app PORT TLS_PORT UPSTREAM_URL HEAD_WAIT_S.

What the application does with a handshake stands in its path: /relay takes the connection and relays it, /refuse says
no, /fail raises, /silent returns without an answer, /slow waits for ever, /accept accepts like a message server,
/objects counts what is left of handshakes. It prints what happens, one JSON line each.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
from typing import Any

import gateway.loop  # noqa: F401  isort: skip

import structlog
from channels.consumer import AsyncConsumer

from gateway import doorway
from gateway.core.frames import FOREVER, FrameScanner
from gateway.core.rejections import Rejection
from gateway.doorway import ClientGone
from gateway.relay import Direction, Ending, Link, SocketLeg
from gateway.server import GatewayServer
from gateway.upstreams import DialError, Target, dial
from tests.gateway.legs import client_tls, server_tls

UPSTREAM = sys.argv[3]


def say(**facts: Any) -> None:
    """One line for the test to read."""
    print(json.dumps(facts), flush=True)


def undelayed(leg: Any) -> bool:
    """Whether small frames leave at once."""
    fd = leg.fd if isinstance(leg, SocketLeg) else leg.transport.get_extra_info("socket").fileno()
    sock = socket.socket(fileno=fd)
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    finally:
        sock.detach()


class Owner:
    """A session without a plan."""

    def __init__(self, deflate: bool) -> None:
        self.scanner_in = FrameScanner(True, deflate, events=FOREVER, octets=FOREVER)
        self.scanner_out = FrameScanner(False, deflate, events=FOREVER, octets=FOREVER)

    def spent(self, direction: Direction) -> None:
        raise AssertionError(direction)

    def discarded(self, direction: Direction) -> None:
        raise AssertionError(direction)

    def ended(self, ending: Ending) -> None:
        say(event="ended", initiator=ending.initiator, code=ending.code, how=ending.how)


class Consumer(AsyncConsumer):
    """Acts by path."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/scope":
            seen = {key: value for key, value in scope.items() if key not in {"extensions", "headers"}}
            say(event="scope", scope=json.loads(json.dumps(seen, default=bytes.decode)))
        match scope["path"].split("/")[1]:
            case "fail":
                raise RuntimeError("a fault of the application")
            case "silent":
                return
            case "slow":
                try:
                    await asyncio.sleep(60)
                finally:
                    say(event="cancelled")
            case "objects":
                gc.collect()
                alive = gc.get_objects()
                left = [one for one in alive if isinstance(one, doorway.Doorway | Consumer | asyncio.Queue)]
                say(event="objects", handshake=len(left) - 2, links=sum(isinstance(one, Link) for one in alive))
                await send({"type": "websocket.close"})
            case "accept":
                await send({"type": "websocket.accept"})
            case "close":
                await send({"type": "websocket.close"})
            case "refuse":
                rejection = Rejection("quota_exceeded", headers=(("Retry-After", "7"),))
                await send(
                    {
                        "type": "websocket.http.response.start",
                        "status": rejection.status,
                        "headers": rejection.all_headers(),
                    }
                )
                await send({"type": "websocket.http.response.body", "body": rejection.body()})
            case _:
                await self.relay(scope, send)

    async def relay(self, scope: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        target = Target(
            url=UPSTREAM,
            path_and_query=scope["raw_path"] + b"?" + scope["query_string"],
            headers=[(name, value) for name, value in scope["headers"] if name.startswith(b"x-")],
            subprotocols=headers.get(b"sec-websocket-protocol"),
            extensions=headers.get(b"sec-websocket-extensions"),
            tls=client_tls(),
        )
        try:
            upstream = await dial(target)
            link = scope["extensions"]["wsportal.corridor"].take(
                upstream,
                Owner(upstream.deflate),
                subprotocol=upstream.subprotocol,
                headers=[(b"X-Answer", b"yes")],
            )
            if scope["path"] == "/options":
                say(event="options", undelayed=[undelayed(leg) for leg in (link.client, link.upstream)])
        except DialError as error:
            say(event="dial", kind=error.kind, phase=error.phase, status=error.status)
            await send({"type": "websocket.http.response.start", "status": error.status or 502, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
        except ClientGone:
            say(event="gone")


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Only the gateway's part: portals are not tested here."""
    await Consumer()(scope, receive, send)


async def beat() -> None:
    """A background job that has something to write down at the end."""
    say(event="started")
    try:
        await asyncio.sleep(3600)
    finally:
        say(event="written down")


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    port, tls_port = int(sys.argv[1]), int(sys.argv[2])
    doorway.HEAD_WAIT_S = float(sys.argv[4])  # type: ignore[misc]
    GatewayServer(
        application,
        gateway_listeners=[("127.0.0.1", port, None), ("127.0.0.1", tls_port, server_tls())],
        background=[beat],
        health=lambda: {"version": "test"},
    ).run()
    say(event="stopped")
