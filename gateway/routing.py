"""Where WebSocket handshakes of the ASGI application go: all of them to one consumer, which knows every path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from gateway.consumers import GatewayConsumer

log = structlog.get_logger("gateway")

_NO_CORRIDOR = (
    b"WebSocket APIs are served by the gateway's own ports: start it with `python3 manage.py up` or "
    b"`python3 manage.py serve gateway`.\n"
)


@cache
def _consumer() -> type[GatewayConsumer]:
    from gateway.consumers import GatewayConsumer  # noqa: PLC0415  (portal processes need none of it)

    return GatewayConsumer


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """The gateway's consumer; under a server that is no gateway (plain Daphne, say), a refusal that says so."""
    extensions = scope.get("extensions") or {}
    if "wsportal.corridor" in extensions:
        await _consumer()()(scope, receive, send)
        return
    log.error("no_gateway", hint="this server runs the portals only; a gateway needs `manage.py serve gateway`")
    if "websocket.http.response" in extensions:
        headers = [(b"Content-Type", b"text/plain"), (b"Content-Length", str(len(_NO_CORRIDOR)).encode())]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": _NO_CORRIDOR})
    else:
        await send({"type": "websocket.close", "code": 1011})
