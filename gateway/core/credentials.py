"""Find the credential in a handshake, and say what must not travel on (CONTRACT section 5).

First found wins: `Authorization: Bearer` (RFC 6750 section 2.1), then a subprotocol
`base64url.bearer.authorization.<base64url(token)>`, for browsers, which cannot set a header, then `?ticket=`, an API
key in the header `ApiKey`, and `?access_token=` and `?apikey=` where the API allows credentials in the query.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.core.rejections import Rejection

Headers = Sequence[tuple[bytes, bytes]]

BEARER_SUBPROTOCOL: Final = b"base64url.bearer.authorization."  # the form that Kubernetes made known
PLACEHOLDER: Final = b"wsportal"  # what a client offers whose backend knows no subprotocol
NOTICES: Final = b"wsportal.notices"  # what a client offers that wants to be warned before a plan is spent
NOTICES_FLAG: Final = b"wsportal-notices"  # the same in the query, with the value 1
SECRET_HEADERS: Final = frozenset({b"authorization", b"apikey"})  # never sent upstream
TICKET: Final = b"ticket"
QUERY_TOKEN: Final = b"access_token"  # RFC 6750 section 2.3
QUERY_KEY: Final = b"apikey"
SECRET_PARAMETERS: Final = frozenset({TICKET, QUERY_TOKEN, QUERY_KEY})  # never sent upstream, allowed or not
TEST_KEY_PREFIX: Final = "wst_"  # of apis.shapes_keys

_TOKEN: Final = re.compile(rb"[A-Za-z0-9\-._~+/]+=*")  # b64token, RFC 6750 section 2.1
_BASE64URL: Final = re.compile(rb"[A-Za-z0-9_-]+={0,2}")


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential as it was shown. Only its digest leaves this object by repr or log."""

    kind: str
    token: str = field(repr=False)
    in_query: bool = field(default=False, compare=False)  # a token or key; a ticket belongs there

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
        notices: whether `wsportal.notices` was offered; answered where neither of these can be.
        secrets: the values behind BEARER_SUBPROTOCOL.
    """

    real: tuple[bytes, ...] = ()
    placeholder: bool = False
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    notices: bool = False

    @property
    def offer(self) -> bytes | None:
        """The header value for the upstream, or None where nothing is offered."""
        return b", ".join(self.real) or None

    def answer(self, chosen: bytes | None) -> bytes | None:
        """What the client is told when the upstream chose `chosen`."""
        return chosen or (PLACEHOLDER if self.placeholder else NOTICES if self.notices else None)


NOTHING_OFFERED: Final = Subprotocols()


def sort_subprotocols(headers: Headers) -> Subprotocols:
    """Read every `Sec-WebSocket-Protocol` line (RFC 6455 section 11.3.4: it may be split over several)."""
    real: list[bytes] = []
    secrets: list[bytes] = []
    placeholder = notices = False
    for name, value in headers:
        if name != b"sec-websocket-protocol":
            continue
        for part in value.split(b","):
            item = part.strip()
            if item.startswith(BEARER_SUBPROTOCOL):
                secrets.append(item[len(BEARER_SUBPROTOCOL) :])
            elif item == PLACEHOLDER:
                placeholder = True
            elif item == NOTICES:
                notices = True
            elif item:
                real.append(item)
    if not (real or secrets or placeholder or notices):
        return NOTHING_OFFERED
    return Subprotocols(tuple(real), placeholder, tuple(secrets), notices)


@dataclass(frozen=True, slots=True)
class Query:
    """A query string, sorted out.

    Attributes:
        rest: what travels on.
        secrets: (name, value) of SECRET_PARAMETERS, percent-decoded.
        notices: whether `?wsportal-notices=1` is there.
    """

    rest: bytes = b""
    secrets: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    notices: bool = False

    @property
    def has_ticket(self) -> bool:
        """Whether a ticket is shown."""
        return any(name == TICKET for name, _ in self.secrets)


NO_QUERY: Final = Query()


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything of a handshake that may hold a credential.

    Attributes:
        in_query: whether the API allows access tokens and API keys in the query.
    """

    headers: Headers = field(repr=False)
    subprotocols: Subprotocols
    query: Query = NO_QUERY
    in_query: bool = False


def sort_query(query: bytes) -> Query:
    """Take the credentials and our flag out of a query string, however they are spelled; nothing else is touched."""
    if not query:
        return NO_QUERY
    rest: list[bytes] = []
    secrets: list[tuple[bytes, bytes]] = []
    flags: list[bytes] = []
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        name = unquote_to_bytes(name) if b"%" in name else name
        if name in SECRET_PARAMETERS:
            secrets.append((name, unquote_to_bytes(value)))
        elif name == NOTICES_FLAG:
            flags.append(value)
        else:
            rest.append(part)
    return Query(b"&".join(rest), tuple(secrets), b"1" in flags) if secrets or flags else Query(query)


def _from_header(shown: Shown) -> Credential | None:
    values = [value.strip() for name, value in shown.headers if name == b"authorization"]
    if len(values) > 1:
        raise Rejection("missing_credentials", "More than one Authorization header was sent.")
    scheme, _space, token = (values[0] if values else b"").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    return Credential("oauth", _checked(token.strip(), "The Authorization header holds no well-formed token."))


def _from_subprotocol(shown: Shown) -> Credential | None:
    subprotocols = shown.subprotocols
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


def _one_of(values: list[bytes], where: str) -> str | None:
    """The only one of these values, or None where there is none."""
    if not values:
        return None
    if len(values) > 1:
        raise Rejection("missing_credentials", f"More than one {where} was sent.")
    return _checked(values[0], f"The {where} is not well-formed.")


def _in_query(shown: Shown, wanted: bytes) -> str | None:
    values = [value for name, value in shown.query.secrets if name == wanted]
    return _one_of(values, f"query parameter {wanted.decode()}")


def _key(token: str) -> Credential:
    return Credential("test_key" if token.startswith(TEST_KEY_PREFIX) else "api_key", token)


def _from_ticket(shown: Shown) -> Credential | None:
    ticket = _in_query(shown, TICKET) if shown.query.secrets else None
    return Credential("ticket", ticket) if ticket is not None else None


def _from_key_header(shown: Shown) -> Credential | None:
    key = _one_of([value.strip() for name, value in shown.headers if name == b"apikey"], "ApiKey header")
    return _key(key) if key is not None else None


def _from_query(shown: Shown) -> Credential | None:
    if not shown.in_query or not shown.query.secrets:
        return None
    token = _in_query(shown, QUERY_TOKEN)
    if token is not None:
        return Credential("oauth", token, in_query=True)
    key = _in_query(shown, QUERY_KEY)
    return replace(_key(key), in_query=True) if key is not None else None


FINDERS: Final[tuple[Callable[[Shown], Credential | None], ...]] = (
    _from_header, _from_subprotocol, _from_ticket, _from_key_header, _from_query,
)  # fmt: skip


def find_credential(shown: Shown) -> Credential:
    """The first credential that the handshake shows.

    Raises:
        Rejection: missing_credentials, where there is none or it is malformed.
    """
    for finder in FINDERS:
        credential = finder(shown)
        if credential is not None:
            return credential
    if shown.query.secrets:
        raise Rejection("missing_credentials", "This API takes no such credential in the query; send it in a header.")
    raise Rejection("missing_credentials")
