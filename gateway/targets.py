"""What to dial, where that is, and every way it can fail."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from gateway.core.extras import Extras, Proxy
from gateway.core.upstream_handshake import Form


@dataclass(slots=True)
class Target:
    """What to dial.

    Attributes:
        url: the endpoint, ws:// or wss://; its host and port count, its path does not.
        path_and_query: of the request.
        headers: everything the upstream shall know besides the upgrade itself.
        subprotocols, extensions: header values as the client offered them, or None.
        connect_s: for the name, TCP and TLS together.
        handshake_s: for the request and its answer.
        allowed: whether an IP address may be dialled.
        tls: for wss://, instead of the system's certificate authorities.
        server_name: for wss://, the name that is asked for and checked instead of the URL's host.
        proxy: that is asked to connect, unless the host is one of its exceptions.
        form: of requests that are the same but for key and `request_id`, or None.
        extras: what the endpoint asks for besides; None, or to be settled by `gateway.upstream_auth.dial_secured`.
    """

    url: str
    path_and_query: bytes = field(repr=False)
    headers: list[tuple[bytes, bytes]] = field(repr=False)
    subprotocols: bytes | None = field(default=None, repr=False)
    extensions: bytes | None = None
    connect_s: float = 5.0
    handshake_s: float = 10.0
    allowed: Callable[[str], bool] = lambda address: True
    tls: ssl.SSLContext | None = None
    server_name: str = ""
    proxy: Proxy | None = None
    extras: Extras | None = None
    form: Form | None = None
    request_id: bytes = b""


class DialError(Exception):
    """The upstream could not be reached or did not upgrade.

    Args:
        kind: "unreachable" (no address, refused, reset, TLS not trusted), "forbidden_address" (policy), "timeout",
            "bad_response" (nonsense, or an answer of the 1xx, 2xx, 3xx kind), "refused" (4xx), "server_error" (5xx),
            "exhausted" (this process has no descriptor left), "no_credentials" (what the endpoint's security asks for
            could not be had).
        phase: "connect" or "handshake".
        detail: for the log.
        status: the HTTP status that the upstream answered, if any; `challenges`: its WWW-Authenticate fields.
    """

    def __init__(
        self, kind: str, phase: str, detail: str = "", status: int | None = None, challenges: Sequence[bytes] = ()
    ) -> None:
        super().__init__(f"{kind} ({phase}): {detail}")
        self.challenges = challenges
        self.kind = kind
        self.phase = phase
        self.detail = detail
        self.status = status


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: `header` is the value of Host."""

    secure: bool
    host: str
    port: int
    header: bytes


@lru_cache(maxsize=1024)  # the same few URLs with every handshake
def place_of(url: str) -> Place:
    """Read a URL, ws:// or wss://."""
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    return Place(secure, parts.hostname or "", parts.port or (443 if secure else 80), host_header(parts))


def host_header(url: SplitResult) -> bytes:
    """The value of Host: the port is left out where it is the scheme's own (RFC 9110 section 7.2)."""
    name = url.hostname or ""
    host = f"[{name}]" if ":" in name else name
    default = 443 if url.scheme == "wss" else 80
    return (host if url.port in {None, default} else f"{host}:{url.port}").encode(
        "idna" if not host.isascii() else "ascii"
    )
