"""Ask another server for a document: only where it may be asked, and bounded in time and size.

Key managers and definitions are named by people, so their addresses are judged like those of endpoints: on the
address that is really dialled, after the name was resolved (no rebinding). Nothing follows a redirect or reads a proxy
from the environment, and each request has a connection of its own. Plain http:// goes only to addresses that an
operator has allowed (ALLOWED_UPSTREAM_NETWORKS). Blocking: not for the event loop.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpcore

from apis.validators import URL_LIMIT, Network, address_allowed, endpoint_problem
from apis.words import phrase

DEADLINE_S: Final = 8.0  # for everything: name, connection, TLS, request and answer
SIZE_LIMIT: Final = 256 * 1024  # of an answer's body; a key set has a few kilobytes
_AGENT: Final = b"wsportal"


class FetchFailed(Exception):
    """No usable answer. The text is one sentence for an administrator; it holds no secret.

    Attributes:
        refused: whether the other side answered, only not with what was asked for (a 4xx, say).
    """

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


def url_problem(url: str) -> str:
    """What is wrong with an https:// (or http://) URL that shall be fetched, or ""."""
    if len(url) > URL_LIMIT:
        return phrase("This should have at most {most} characters.", most=URL_LIMIT)
    scheme, colon, rest = url.partition(":")
    kinds = {"https": "wss", "http": "ws"}
    if scheme not in kinds or not colon:
        return "This should start with https://, or with http:// for an address that an operator has allowed."
    return endpoint_problem(f"{kinds[scheme]}:{rest}").replace("WebSocket URL", "URL")


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def _left(self) -> float:
        left = self._ends_at - monotonic()
        if left <= 0:
            raise httpcore.TimeoutException
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._ends_at)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Resolves, judges what was found, and dials exactly that."""

    def __init__(self, networks: Sequence[Network], plain: bool, ends_at: float) -> None:
        self._networks = networks
        self._plain = plain
        self._ends_at = ends_at

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise FetchFailed(phrase("The name {host} does not resolve.", host=host)) from None
        addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
        allowed = [address for address in addresses if address_allowed(address, self._networks)]
        if not allowed:
            raise FetchFailed(
                phrase(
                    "{host} leads to an address that is not public. An operator can allow it with "
                    "ALLOWED_UPSTREAM_NETWORKS.",
                    host=host,
                )
            )
        if self._plain and any(address_allowed(address, ()) for address in allowed):
            raise FetchFailed("http:// is only for addresses that an operator has allowed; use https://.")
        return self._first(allowed, port)

    def _first(self, addresses: list[str], port: int) -> httpcore.NetworkStream:
        for address in addresses[:4]:
            left = self._ends_at - monotonic()
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, timeout=max(0.1, left / 2))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _Stream(stream, self._ends_at)
        raise FetchFailed("No connection could be made.")


def fetch_json(
    url: str,
    networks: Sequence[Network],
    *,
    form: Mapping[str, str] | None = None,
    client: tuple[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> Any:
    """The JSON document at `url`.

    Args:
        networks: what an operator allows besides the public internet.
        form: sent with POST; GET without it.
        client: id and secret for HTTP Basic (RFC 6749 section 2.3.1).

    Raises: FetchFailed.
    """
    if problem := url_problem(url):
        raise FetchFailed(problem)
    body = urlencode(form).encode() if form is not None else None
    content = _answer(url, networks, _headers(form is not None, client), body, deadline_s)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise FetchFailed("The answer is no JSON.") from None


def fetch_text(
    url: str, networks: Sequence[Network], *, size_limit: int = SIZE_LIMIT, deadline_s: float = DEADLINE_S
) -> bytes:
    """The document at `url` as it comes, whatever type it says it has.

    Args:
        networks: what an operator allows besides the public internet.
        size_limit: bytes.

    Raises: FetchFailed.
    """
    if problem := url_problem(url):
        raise FetchFailed(problem)
    headers = [(name, value) for name, value in _headers(False, None) if name != b"accept"]
    accept = b"application/yaml, application/json, text/yaml, text/plain;q=0.9, */*;q=0.5"
    return _answer(url, networks, [(b"accept", accept), *headers], None, deadline_s, size_limit=size_limit)


def _headers(posts: bool, client: tuple[str, str] | None) -> list[tuple[bytes, bytes]]:
    headers = [(b"accept", b"application/json"), (b"user-agent", _AGENT), (b"connection", b"close")]
    if posts:
        headers.append((b"content-type", b"application/x-www-form-urlencoded"))
    if client is not None:
        pair = f"{quote_plus(client[0])}:{quote_plus(client[1])}".encode()
        headers.append((b"authorization", b"Basic " + b64encode(pair)))
    return headers


def _answer(
    url: str, networks: Sequence[Network], headers: list[tuple[bytes, bytes]], body: bytes | None, deadline_s: float,
    *, size_limit: int = SIZE_LIMIT,
) -> bytes:  # fmt: skip
    """The body of a 200. Raises: FetchFailed, for every other status, too."""
    status, content = _exchange(url, networks, headers, body, (deadline_s, size_limit))
    if status in {301, 302, 303, 307, 308}:
        raise FetchFailed(
            phrase("The answer was {status}, which leads elsewhere; name the address it leads to.", status=status),
            refused=True,
        )
    if status != 200:
        raise FetchFailed(phrase("The answer was {status}, not 200.", status=status), refused=status < 500)
    return content


def _exchange(
    url: str, networks: Sequence[Network], headers: list[tuple[bytes, bytes]], body: bytes | None,
    bounds: tuple[float, int],
) -> tuple[int, bytes]:  # fmt: skip
    deadline_s, size_limit = bounds
    plain = urlsplit(url).scheme == "http"
    backend = _Backend(networks, plain, monotonic() + deadline_s)
    context = ssl.create_default_context() if not plain else None
    try:
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend, keepalive_expiry=0) as pool,
            pool.stream("GET" if body is None else "POST", url, headers=headers, content=body) as response,
        ):
            content = b""
            for chunk in response.iter_stream():
                content += chunk
                if len(content) > size_limit:
                    raise FetchFailed(phrase("The answer is larger than {most} bytes.", most=size_limit), refused=True)
            return response.status, content
    except httpcore.TimeoutException:
        raise FetchFailed(
            phrase("There was no complete answer within {deadline_s:g} seconds.", deadline_s=deadline_s)
        ) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
        raise FetchFailed(phrase("The exchange failed: {plain}.", plain=_plain(error))) from None


def _plain(error: Exception) -> str:
    """An error in words that hold nothing of the request."""
    text = re.sub(r"\s*\(_ssl\.c:\d+\)", "", str(error))
    return text[:200].rstrip(".") or type(error).__name__
