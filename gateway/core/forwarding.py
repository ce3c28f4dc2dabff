"""Which headers of a handshake travel on, and what the gateway says about the client (CONTRACT section 5).

What is private to one hop, or could speak in the gateway's own name, stays here; cookies and everything else
pass. The upgrade's own headers (Host, Upgrade, Connection, Sec-WebSocket-*) are written by whoever dials.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from gateway.core.credentials import SECRET_HEADERS, Headers

# RFC 9110 section 7.6.1 (hop-by-hop), RFC 6455 section 4.1 (the upgrade itself), and a body's headers: there is none.
_ONE_HOP: Final = frozenset(
    b"connection upgrade keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    b"transfer-encoding content-length expect http2-settings host sec-websocket-key sec-websocket-version "
    b"sec-websocket-accept sec-websocket-protocol sec-websocket-extensions".split()
)
# What only the gateway may say: a client that says it is not believed.
_OURS: Final = frozenset(
    b"x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port x-real-ip forwarded x-request-id "
    b"x-jwt-assertion".split()
)
_KEPT_HERE: Final = _ONE_HOP | _OURS | SECRET_HEADERS
NEVER_OWN: Final = _ONE_HOP | _OURS
"""What the headers of an endpoint's own configuration may not say either."""
_NAME: Final = re.compile(rb"[A-Za-z0-9-]+")  # no underscore: some backends read it as a hyphen (CVE-2026-3902)
OWN_COOKIES: Final = b"wsportal_"  # the portals' cookies: a browser sends them to every port of a host


def onward(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The client's headers that the upstream gets, in their order.

    Args:
        headers: lower-case names and values.
    """
    named = {item.strip().lower() for name, value in headers if name == b"connection" for item in value.split(b",")}
    passed: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        if name in named or not _travels(name):
            continue
        kept = _without_own_cookies(value) if name == b"cookie" else value
        if kept or name != b"cookie":
            passed.append((name, kept))
    return passed


@lru_cache(maxsize=4096)
def _travels(name: bytes) -> bool:
    return name not in _KEPT_HERE and _NAME.fullmatch(name) is not None


def _without_own_cookies(value: bytes) -> bytes:
    pairs = [pair.strip() for pair in value.split(b";")]
    return b"; ".join(pair for pair in pairs if pair and not pair.startswith(OWN_COOKIES))


def backward(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The upstream's further headers that the client gets with the 101: all but cookies that pose as the portals'."""
    return [pair for pair in headers if not (pair[0] == b"set-cookie" and pair[1].lstrip().startswith(OWN_COOKIES))]


def about_client(
    client: str, secure: bool, host: bytes, request_id: str, proxies: Sequence[str] = ()
) -> list[tuple[bytes, bytes]]:
    """Who is behind this connection: X-Forwarded-*, Forwarded (RFC 7239) and X-Request-ID.

    Args:
        client: IP address of the client.
        secure: whether it came by TLS.
        host: the Host header it sent.
        request_id: joins this handshake to the gateway's log.
        proxies: addresses of trusted proxies between the client and us, the nearest last.
    """
    return [*_about(client, secure, host, tuple(proxies)), (b"x-request-id", request_id.encode("ascii", "replace"))]


@lru_cache(maxsize=4096)  # the same clients come again
def _about(client: str, secure: bool, host: bytes, proxies: tuple[str, ...]) -> tuple[tuple[bytes, bytes], ...]:
    path = [address.encode("ascii", "replace") for address in (client, *proxies)]
    proto = b"https" if secure else b"http"  # the handshake is an HTTP request; backends know these two
    first, *nodes = [b'for="[%b]"' % address if b":" in address else b"for=" + address for address in path]
    quoted = host.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return (
        (b"x-forwarded-for", b", ".join(path)),
        (b"x-forwarded-proto", proto),
        (b"x-forwarded-host", host),
        (b"forwarded", b", ".join([b'%b;host="%b";proto=%b' % (first, quoted, proto), *nodes])),
    )
