"""How the gateway shows itself to an upstream: nothing, a password, a token, a key, or a certificate.

Pure rules over JSON-like data, like `apis.shapes`. Secrets are plain text here; who stores a configuration seals them
(`apis.sealing`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from apis.pem import certificates_problem, pair_problem
from apis.shapes import Problems, section
from apis.validators import text_problem, url_problem
from apis.words import phrase

AddressProblem = Callable[[str], str]
Check = Callable[[Any], str]

TEXT_LIMIT: Final = 500
TOKEN_LIMIT: Final = 8_000
HEADER_NAME_LIMIT: Final = 100
HEADER_VALUE_LIMIT: Final = 4_000
SCOPES_LIMIT: Final = 50

TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_FIELD_VALUE: Final = re.compile(r"[!-~](?:[\t -~]*[!-~])?")  # the printable part of RFC 9110 section 5.5
_BEARER: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # b64token, RFC 6750 section 2.1
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3

# What belongs to one hop or to the upgrade, and what only the gateway may say: the lists of gateway.core.forwarding.
RESERVED_HEADERS: Final = frozenset({
    "connection", "upgrade", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "content-length", "expect", "http2-settings", "host",
    "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded",
    "x-request-id", "x-jwt-assertion",
})  # fmt: skip

SECURITY_TYPES: Final[dict[str, str]] = {
    "none": "None",
    "basic": "Basic: user name and password",
    "digest": "Digest: user name and password, never sent in clear",
    "bearer": "Bearer: a fixed token",
    "oauth2": "OAuth 2.0: a token that is fetched and renewed",
    "api_key": "API key: in a header or the query",
    "mtls": "Mutual TLS: a client certificate",
}
GRANTS: Final = ("client_credentials", "password")
PLACES: Final = ("header", "query")
# Members that are sealed where they are stored and never shown, by the type of security.
SECRETS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "basic": ("password",),
    "digest": ("password",),
    "bearer": ("token",),
    "oauth2": ("client_secret", "password"),
    "api_key": ("value",),
    "mtls": ("key",),
}
DEFAULT_SECURITY: Final[dict[str, Any]] = {"type": "none"}


def text(limit: int = TEXT_LIMIT, *, required: bool = False) -> Check:
    """A check for one line of text of at most `limit` characters."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "This should be a text."
        if required and not value:
            return "This should not be empty."
        if value.splitlines() not in ([], [value]):
            return "This should be a single line."
        return text_problem(value, limit, "This")

    return check


def user_name(value: Any) -> str:
    """A check for the user name of Basic and Digest, where a colon would end it (RFC 7617 section 2)."""
    problem = text(required=True)(value)
    return problem or ("A user name must not contain a colon." if ":" in value else "")


def one_of(words: tuple[str, ...]) -> Check:
    """A check for one out of a few words."""
    return lambda value: "" if value in words else phrase("This should be one of: {known}.", known=", ".join(words))


def _matching(pattern: re.Pattern[str], limit: int, sentence: str) -> Check:
    def check(value: Any) -> str:
        problem = text(limit, required=True)(value)
        return problem or ("" if pattern.fullmatch(value) else sentence)

    return check


def _scopes(value: Any) -> str:
    if not isinstance(value, list) or len(value) > SCOPES_LIMIT or any(not isinstance(one, str) for one in value):
        return phrase("This should be a list of at most {most} scopes.", most=SCOPES_LIMIT)
    wrong = next((one for one in value if not _SCOPE.fullmatch(one) or len(one) > TEXT_LIMIT), None)
    return (
        ""
        if wrong is None
        else phrase("{wrong!r} is not a scope: visible ASCII without space, quote and backslash.", wrong=wrong)
    )


def header_name_problem(name: Any) -> str:
    """Why the gateway may not send a header of this name, or ""."""
    if not isinstance(name, str) or not TOKEN.fullmatch(name) or len(name) > HEADER_NAME_LIMIT:
        return phrase("A header's name is 1 to {most} letters, digits or hyphens.", most=HEADER_NAME_LIMIT)
    if name.lower() in RESERVED_HEADERS or name.lower().startswith("sec-websocket-"):
        return phrase("{name} belongs to the connection, or the gateway writes it itself.", name=name)
    return ""


def header_value_problem(value: Any) -> str:
    """Why this may not be the value of a header, or ""."""
    return _matching(_FIELD_VALUE, HEADER_VALUE_LIMIT, "This should be printable ASCII without spaces around it.")(
        value
    )


_BASIC: Final[dict[str, Check]] = {"username": user_name, "password": text()}
SECURITY_CHECKS: Final[dict[str, dict[str, Check]]] = {
    "none": {},
    "basic": _BASIC,
    "digest": _BASIC,
    "bearer": {
        "token": _matching(
            _BEARER, TOKEN_LIMIT, "This should be a token: letters, digits, and - . _ ~ + / = among them."
        )
    },
    "oauth2": {
        "grant": one_of(GRANTS),
        "token_url": lambda value: (
            url_problem(value, ("https", "http"), "Token URL") if isinstance(value, str) else "This should be a text."
        ),
        "client_id": text(required=True),
        "client_secret": text(TOKEN_LIMIT),
        "username": text(),
        "password": text(),
        "scopes": _scopes,
    },
    "api_key": {"in": one_of(PLACES), "name": text(HEADER_NAME_LIMIT, required=True), "value": text(TOKEN_LIMIT)},
    "mtls": {
        "certificate": certificates_problem,
        "key": lambda value: "" if isinstance(value, str) else "This should be a text.",
    },
}
_LISTS: Final = ("scopes",)


def default_security(kind: str) -> dict[str, Any]:
    """Security of one type with every member present and empty."""
    empty: dict[str, Any] = {name: [] if name in _LISTS else "" for name in SECURITY_CHECKS[kind]}
    if kind == "oauth2":
        empty["grant"] = GRANTS[0]
    if kind == "api_key":
        empty["in"] = PLACES[0]
    return {"type": kind, **empty}


def upstream_security(value: Any, address_problem: AddressProblem) -> tuple[dict[str, Any], Problems]:
    """Complete and check how the gateway shows itself to an upstream.

    Args:
        value: {"type": one of SECURITY_TYPES, ...}, its members as plain text.
        address_problem: why a well-formed URL may not be called from here, or "".
    """
    if not isinstance(value, dict):
        return dict(DEFAULT_SECURITY), {"": "This should be an object with a type."}
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in SECURITY_TYPES:
        return dict(DEFAULT_SECURITY), {
            "type": phrase("This should be one of: {known}.", known=", ".join(SECURITY_TYPES))
        }
    full, problems = section(value, default_security(kind), {"type": lambda given: "", **SECURITY_CHECKS[kind]})
    if not problems:
        problems = _TOGETHER.get(kind, lambda full, address: {})(full, address_problem)
    return full, problems


def _oauth2(full: dict[str, Any], address_problem: AddressProblem) -> Problems:
    problems = {"token_url": address_problem(full["token_url"])}
    if full["grant"] == "client_credentials" and not full["client_secret"]:
        problems["client_secret"] = "This should not be empty."  # RFC 6749 section 4.4: for confidential clients only
    if full["grant"] == "password":
        problems["username"] = "" if full["username"] else "This should not be empty."
        problems["password"] = "" if full["password"] else "This should not be empty."
    return {name: text for name, text in problems.items() if text}


def _api_key(full: dict[str, Any], address_problem: AddressProblem) -> Problems:
    problems = {"value": "" if full["value"] else "This should not be empty."}
    if full["in"] == "header":
        problems = {"name": header_name_problem(full["name"]), "value": header_value_problem(full["value"])}
    return {name: text for name, text in problems.items() if text}


def _mtls(full: dict[str, Any], address_problem: AddressProblem) -> Problems:
    problem = pair_problem(full["certificate"], full["key"])
    return {"key": problem} if problem else {}


_TOGETHER: Final[dict[str, Callable[[dict[str, Any], AddressProblem], Problems]]] = {
    "oauth2": _oauth2,
    "api_key": _api_key,
    "mtls": _mtls,
}
