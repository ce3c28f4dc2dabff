"""What an endpoint may ask for beyond its URL: a proof of who the gateway is, headers, TLS, a proxy, a dynamic target.

A plain endpoint has none of this (`EndpointSnapshot.extras` is None) and pays nothing for it. Source: CONTRACT
section 5, reference section 5.2.
"""

from __future__ import annotations

import ipaddress
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote, unquote_to_bytes, urlsplit

from gateway.core.forwarding import NEVER_OWN

Headers = Sequence[tuple[bytes, bytes]]
Unseal = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password with every handshake (RFC 7617)."""

    username: str
    password: str = field(repr=False)

    def authorization(self) -> bytes:
        """The value of Authorization."""
        return b"Basic " + b64encode(f"{self.username}:{self.password}".encode())


@dataclass(frozen=True, slots=True)
class Digest:
    """A user name and a proof of the password, for a challenge of the upstream's (RFC 7616)."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that somebody typed (RFC 6750)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OAuth2:
    """A token that is fetched, with the client's own credentials or with a person's (RFC 6749 sections 4.3, 4.4)."""

    grant: Literal["client_credentials", "password"]
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header or in the query."""

    where: Literal["header", "query"]
    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate and its key for mutual TLS, both PEM."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """Secrets that cannot be unsealed with the keys of this process: such an endpoint is never dialled."""


Proof = Basic | Digest | Bearer | OAuth2 | ApiKey | ClientCertificate | Lost


@dataclass(frozen=True, slots=True)
class Tls:
    """How a wss:// upstream is trusted: `ca` (PEM) instead of the system's authorities, `server_name` for another name
    than the URL's (SNI and check), `verify` off for no check at all."""

    verify: bool = True
    ca: str = field(default="", repr=False)
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that is asked to CONNECT (RFC 9110 section 9.3.6).

    Attributes:
        authorization: value of Proxy-Authorization, or b"".
        exceptions: hosts that are reached without it: a name, `*.suffix` or `.suffix`, an address or a network.
    """

    host: str
    port: int
    authorization: bytes = field(default=b"", repr=False)
    exceptions: tuple[str, ...] = ()

    def serves(self, host: str) -> bool:
        """Whether this host is reached by the proxy."""
        return not any(_matches(one, host.rstrip(".").lower()) for one in self.exceptions)


@dataclass(frozen=True, slots=True)
class Dynamic:
    """URLs chosen by what the handshake carries: the value of a header or of a claim."""

    by: Literal["header", "claim"]
    name: str
    targets: tuple[tuple[str, str], ...]

    def pick(self, values: Sequence[str]) -> str | None:
        """The URL for the value, or None: it is unknown, missing, or there is more than one."""
        if len(values) != 1:
            return None
        return next((url for value, url in self.targets if value == values[0]), None)


@dataclass(frozen=True, slots=True)
class Extras:
    """Everything of an endpoint that a plain one has not; `headers` are lower-case names and values."""

    proof: Proof | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    tls: Tls = Tls()
    proxy: Proxy | None = None

    def dress(self, path_and_query: bytes, headers: Headers) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Path and headers of a request with the endpoint's own in them; they take the place of the client's.

        A proof that depends on the upstream or on a token is added by whoever dials.
        """
        own = [*self.headers, *_standing(self.proof)]
        names = {name for name, _ in own}
        if isinstance(self.proof, ApiKey) and self.proof.where == "query":
            path_and_query = with_parameter(path_and_query, self.proof.name, self.proof.value)
        return path_and_query, [header for header in headers if header[0] not in names] + own


def _standing(proof: Proof | None) -> Headers:
    """The header of a proof that is the same for every handshake."""
    match proof:
        case Basic():
            return [(b"authorization", proof.authorization())]
        case Bearer():
            return [bearer(proof.token)]
        case ApiKey(where="header"):
            return [(proof.name.lower().encode(), proof.value.encode())]
    return []


def bearer(token: str) -> tuple[bytes, bytes]:
    """The header that shows a token (RFC 6750 section 2.1)."""
    return b"authorization", b"Bearer " + token.encode()


def with_header(headers: Headers, own: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The headers with this one instead of others of its name."""
    return [*[header for header in headers if header[0] != own[0]], own]


def with_parameter(path_and_query: bytes, name: str, value: str) -> bytes:
    """The request target with a parameter of ours; a client's of the same name, however it is spelled, is dropped."""
    path, _, query = path_and_query.partition(b"?")
    wanted = name.encode()
    kept = [
        part
        for part in query.split(b"&")
        if part and unquote_to_bytes(part.partition(b"=")[0].replace(b"+", b" ")) != wanted
    ]
    return path + b"?" + b"&".join([*kept, f"{quote(name, safe='')}={quote(value, safe='')}".encode()])


def extras_of(config: Mapping[str, Any], unseal: Unseal) -> Extras | None:
    """The extras of an endpoint (shape: apis.shapes), or None for a plain one; what is absent is not asked for.

    Args:
        unseal: reads a sealed secret.

    Raises:
        ValueError: whatever `unseal` raises of that kind.
    """
    tls = config.get("tls") or {}
    found = Extras(
        _proof(config.get("security") or {}, unseal),
        tuple([(name.lower().encode(), value.encode()) for name, value in (config.get("headers") or {}).items()]),
        Tls(tls.get("verify", True), tls.get("ca") or "", tls.get("server_name") or ""),
        _proxy(config.get("proxy") or {}, unseal),
    )
    own = tuple([header for header in found.headers if header[0] not in NEVER_OWN])
    found = Extras(found.proof, own, found.tls, found.proxy)
    return None if found == Extras() else found


def _proof(security: Mapping[str, Any], unseal: Unseal) -> Proof | None:
    def secret(name: str) -> str:
        sealed = security.get(name)
        return unseal(sealed) if sealed else ""

    match security.get("type", "none"):
        case "basic":
            return Basic(security["username"], secret("password"))
        case "digest":
            return Digest(security["username"], secret("password"))
        case "bearer":
            return Bearer(secret("token"))
        case "oauth2":
            return OAuth2(
                security.get("grant", "client_credentials"),
                security["token_url"],
                security["client_id"],
                secret("client_secret"),
                security.get("username") or "",
                secret("password"),
                tuple(security.get("scopes") or ()),
            )
        case "api_key":
            return ApiKey(security.get("in", "header"), security["name"], secret("value"))
        case "mtls":
            return ClientCertificate(security["certificate"], secret("key"))
    return None


def _proxy(proxy: Mapping[str, Any], unseal: Unseal) -> Proxy | None:
    if not proxy.get("url"):
        return None
    url = urlsplit(proxy["url"])
    authorization = b""
    if proxy.get("username"):
        authorization = Basic(
            proxy["username"], unseal(proxy["password"]) if proxy.get("password") else ""
        ).authorization()
    return Proxy(url.hostname or "", url.port or 80, authorization, tuple(proxy.get("except") or ()))


def dynamic_of(config: Mapping[str, Any]) -> Dynamic | None:
    """The dynamic targets of an endpoint, or None where it has none."""
    dynamic = config.get("dynamic") or {}
    if dynamic.get("by", "none") == "none" or not dynamic.get("targets"):
        return None
    return Dynamic(dynamic["by"], dynamic["name"], tuple(dynamic["targets"].items()))


def _matches(exception: str, host: str) -> bool:
    rule = exception.strip().rstrip(".").lower()
    if rule.startswith(("*.", ".")):
        return host.endswith(rule.removeprefix("*"))
    if rule == host:
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


_CLAIM_WORDS: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def claim_values(claims: Mapping[str, Any], name: str) -> list[str]:
    """The values of a claim as a dynamic endpoint compares them: text, or a whole number as text."""
    value = claims.get(name)
    values = value if isinstance(value, list | tuple) else [value]
    texts = [str(one) for one in values if isinstance(one, str | int) and not isinstance(one, bool)]
    return [text for text in texts if _CLAIM_WORDS.fullmatch(text)]


def choose(dynamic: Dynamic, headers: Headers, claims: Mapping[str, Any]) -> str | None:
    """The URL that a handshake is led to, or None for the endpoint's own URLs.

    Args:
        headers: of the client, lower-case names.
        claims: what is known of who comes.
    """
    if dynamic.by == "claim":
        return dynamic.pick(claim_values(claims, dynamic.name))
    name = dynamic.name.lower().encode()
    return dynamic.pick([value.decode("latin-1") for one, value in headers if one == name])
