"""What tests of endpoints share: a backend that judges handshakes, dialling it, and a running gateway's cogwheel."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from gateway.core.extras import Extras, Proxy
from gateway.upstream_auth import dial_secured
from gateway.upstreams import DialError, Target, Upstream
from tests.gateway.outside import ConnectProxy
from tests.gateway.world import Deal, World

Judge = Callable[[Request], tuple[int, dict[str, str]] | None]


@asynccontextmanager
async def backend(tls: ssl.SSLContext | None = None, judge: Judge = lambda request: None) -> AsyncIterator[Any]:
    """A backend that takes a handshake unless `judge` says (status, headers). Yields (port, requests)."""
    requests: list[Request] = []

    async def look(connection: ServerConnection, request: Request) -> Response | None:
        requests.append(request)
        refusal = judge(request)
        if refusal is None:
            return None
        answer = connection.respond(refusal[0], "no\n")
        for name, value in refusal[1].items():
            answer.headers[name] = value
        return answer

    async with serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0, ssl=tls, process_request=look) as it:
        yield next(iter(it.sockets)).getsockname()[1], requests


async def dialled(url: str, extras: Extras, **facts: Any) -> Upstream:
    upstream = await dial_secured(Target(url=url, path_and_query=b"/chat?x=1", headers=[], **facts), extras)
    upstream.close()
    return upstream


async def refused(url: str, extras: Extras, kind: str, **facts: Any) -> DialError:
    with pytest.raises(DialError) as caught:
        await dialled(url, extras, **facts)
    assert caught.value.kind == kind, caught.value
    return caught.value


def by(proxy: ConnectProxy, *exceptions: str, authorization: bytes = b"") -> Proxy:
    return Proxy("127.0.0.1", proxy.port, authorization, exceptions)


def put(world: World, deal: Deal, config: dict[str, Any]) -> dict[str, Any]:
    """paul turns the cogwheel over REST: the very next handshake of this process knows."""
    answer = world.gateway.rest(world.people["paul"], "PUT", f"/apis/{deal.api.pk}/endpoints/production", config)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def echoed(deal: Deal, rest: str = "", **headers: str) -> None:
    """A session that works."""
    with deal.connect(rest, additional_headers=headers) as client:
        client.send("hello")
        assert client.recv(5) == "hello"


def health(world: World, deal: Deal) -> list[dict[str, Any]]:
    answer = world.gateway.rest(world.people["paul"], "GET", f"/apis/{deal.api.pk}/endpoints/production/health")
    assert answer.status_code == 200, answer.text
    urls: list[dict[str, Any]] = answer.json()["urls"]
    return urls
