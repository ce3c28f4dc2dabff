"""Who is at the other end of a connection, and how an application is told (asgi.readthedocs.io, WebSocket scope)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from gateway.core.handshake import Upgrade
from gateway.core.proxies import Trust
from gateway.core.proxy_protocol import Source

CORRIDOR: Final = "wsportal.corridor"


def peer_of(transport: asyncio.Transport, source: Source | None) -> tuple[str, int]:
    """Address and port of the other end, or of whom the PROXY protocol names instead."""
    if source is not None and source.address:
        return source.address, source.port
    peer = transport.get_extra_info("peername")
    return (peer[0], peer[1]) if peer else ("", 0)


def scope(
    upgrade: Upgrade, transport: asyncio.Transport, *, source: Source | None, secure: bool, trust: Trust
) -> dict[str, Any]:
    """The ASGI scope of an upgrade. `state` holds `proxies`: the trusted ones between the client and us, nearest last.

    Args:
        source: what the PROXY protocol said of the client.
        secure: whether the connection itself speaks TLS.
        trust: whose forwarding headers are believed.
    """
    address, port = peer_of(transport, source)
    if source is not None and source.secure is not None:
        secure = source.secure
    visitor = trust.visitor(address, secure, upgrade.headers)
    own = transport.get_extra_info("sockname")
    return {
        "type": "websocket",
        "http_version": "1.1",
        "scheme": "wss" if visitor.secure else "ws",
        "path": upgrade.path,
        "raw_path": upgrade.raw_path,
        "query_string": upgrade.query,
        "root_path": "",
        "headers": upgrade.headers,
        "client": [visitor.address, 0 if visitor.proxies else port] if address else None,
        "server": list(own[:2]) if own else None,
        "subprotocols": upgrade.subprotocols,
        "state": {"proxies": visitor.proxies},
        "extensions": {"websocket.http.response": {}},
    }
