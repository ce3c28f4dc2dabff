"""Find the credential in a handshake, and say what must not travel on (CONTRACT section 5).

First found wins: `Authorization: Bearer` (RFC 6750 section 2.1), then a subprotocol
`base64url.bearer.authorization.<base64url(token)>`, for browsers, which cannot set a header. Tickets, API keys
and query credentials join as further rows of FINDERS.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from gateway.core.rejections import Rejection

Headers = Sequence[tuple[bytes, bytes]]

BEARER_SUBPROTOCOL: Final = b"base64url.bearer.authorization."  # the form that Kubernetes made known
PLACEHOLDER: Final = b"wsportal"  # what a client offers whose backend knows no subprotocol
SECRET_HEADERS: Final = frozenset({b"authorization", b"apikey"})  # never sent upstream

_TOKEN: Final = re.compile(rb"[A-Za-z0-9\-._~+/]+=*")  # b64token, RFC 6750 section 2.1
_BASE64URL: Final = re.compile(rb"[A-Za-z0-9_-]+={0,2}")


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential as it was shown. Only its digest leaves this object by repr or log."""

    kind: str
    token: str = field(repr=False)

    @property
    def key(self) -> str:
        """SHA-256 of the token in hex: how it is stored, cached and compared."""
        return sha256(self.token.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Subprotocols:
    """What a client offered, sorted out.

    Attributes:
        real: those that the upstream gets, in the client's order.
        placeholder: whether `wsportal` was offered; it is answered where the upstream chose none.
        secrets: the values behind BEARER_SUBPROTOCOL.
    """

    real: tuple[bytes, ...] = ()
    placeholder: bool = False
    secrets: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def offer(self) -> bytes | None:
        """The header value for the upstream, or None where nothing is offered."""
        return b", ".join(self.real) or None

    def answer(self, chosen: bytes | None) -> bytes | None:
        """What the client is told when the upstream chose `chosen`."""
        return chosen or (PLACEHOLDER if self.placeholder else None)


def sort_subprotocols(headers: Headers) -> Subprotocols:
    """Read every `Sec-WebSocket-Protocol` line (RFC 6455 section 11.3.4: it may be split over several)."""
    real: list[bytes] = []
    secrets: list[bytes] = []
    placeholder = False
    for name, value in headers:
        if name != b"sec-websocket-protocol":
            continue
        for part in value.split(b","):
            item = part.strip()
            if item.startswith(BEARER_SUBPROTOCOL):
                secrets.append(item[len(BEARER_SUBPROTOCOL) :])
            elif item == PLACEHOLDER:
                placeholder = True
            elif item:
                real.append(item)
    return Subprotocols(tuple(real), placeholder, tuple(secrets))


def _from_header(headers: Headers, _: Subprotocols) -> Credential | None:
    values = [value.strip() for name, value in headers if name == b"authorization"]
    if len(values) > 1:
        raise Rejection("missing_credentials", "More than one Authorization header was sent.")
    scheme, _space, token = (values[0] if values else b"").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    return Credential("oauth", _checked(token.strip(), "The Authorization header holds no well-formed token."))


def _from_subprotocol(_: Headers, subprotocols: Subprotocols) -> Credential | None:
    if not subprotocols.secrets:
        return None
    malformed = "The bearer subprotocol holds no well-formed token."
    if len(subprotocols.secrets) > 1:
        raise Rejection("missing_credentials", "More than one bearer subprotocol was offered.")
    encoded = subprotocols.secrets[0]
    if not _BASE64URL.fullmatch(encoded):
        raise Rejection("missing_credentials", malformed)
    try:
        token = base64.urlsafe_b64decode(encoded.rstrip(b"=") + b"=" * (-len(encoded.rstrip(b"=")) % 4))
    except binascii.Error:
        raise Rejection("missing_credentials", malformed) from None
    return Credential("oauth", _checked(token, malformed))


def _checked(token: bytes, problem: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise Rejection("missing_credentials", problem)
    return token.decode("ascii")


FINDERS: Final[tuple[Callable[[Headers, Subprotocols], Credential | None], ...]] = (_from_header, _from_subprotocol)


def find_credential(headers: Headers, subprotocols: Subprotocols) -> Credential:
    """The first credential that the handshake shows.

    Args:
        headers: lower-case names and values, as in an ASGI scope.
        subprotocols: `sort_subprotocols(headers)`.

    Raises:
        Rejection: missing_credentials, where there is none or it is malformed.
    """
    for finder in FINDERS:
        credential = finder(headers, subprotocols)
        if credential is not None:
            return credential
    raise Rejection("missing_credentials")
