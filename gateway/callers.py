"""Who is at the other end of a connection, and how an application is told (asgi.readthedocs.io, WebSocket scope)."""

from __future__ import annotations

from typing import Any, Final

from gateway.core.handshake import Upgrade
from gateway.core.proxies import Trust
from gateway.core.proxy_protocol import Source

CORRIDOR: Final = "wsportal.corridor"
End = tuple[str, int]  # IP address and port; ("", 0) where it is not known


def scope(
    upgrade: Upgrade, peer: End, own: End, *, source: Source | None, secure: bool, trust: Trust
) -> dict[str, Any]:
    """The ASGI scope of an upgrade. `state` holds `proxies`: the trusted ones between the client and us, nearest last,
    and `familiar`: what is known of its head (`gateway.core.familiar`), or None.

    Args:
        peer, own: the connection's ends.
        source: what the PROXY protocol said of the client, which counts instead.
        secure: whether the connection itself speaks TLS.
        trust: whose forwarding headers are believed.
    """
    address, port = peer
    if source is not None:
        if source.address:
            address, port = source.address, source.port
        if source.secure is not None:
            secure = source.secure
    visitor = trust.visitor(address, secure, upgrade.headers)
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "wss" if visitor.secure else "ws",
        "path": upgrade.path,
        "raw_path": upgrade.raw_path,
        "query_string": upgrade.query,
        "root_path": "",
        "headers": upgrade.headers,
        "client": [visitor.address, 0 if visitor.proxies else port] if address else None,
        "server": [*own] if own[0] else None,
        "subprotocols": upgrade.subprotocols,
        "state": {"proxies": visitor.proxies, "familiar": upgrade.familiar},
        "extensions": {"websocket.http.response": {}},
    }
