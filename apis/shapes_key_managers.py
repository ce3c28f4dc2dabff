"""How a key manager is described: who it is, and what a token of it must be like. One shape, checked here.

Pure rules over JSON-like data, like `apis.shapes`: `(value) -> (normal form, problems)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from apis.fetching import url_problem
from apis.foreign_tokens import ALGORITHMS, DEFAULT_ALGORITHMS, Terms, Untrusted, keys_of
from apis.shapes import Problems, flag, whole
from apis.shapes_security import RESIDENT
from apis.validators import DESCRIPTION_LIMIT, name_problem, text_problem
from apis.words import phrase

JWKS: Final = "jwks"
INTROSPECTION: Final = "introspection"
VALIDATIONS: Final = (JWKS, INTROSPECTION)
AUDIENCES_LIMIT: Final = 20
LEEWAY_LIMIT_S: Final = 300
RESIDENT_ID: Final = "00000000-0000-5000-8000-000000000001"  # of no row: it is always there
SECRET: Final = "client_secret"

# What decides whether a token counts: when one of these is changed, tokens have to be shown again.
DEFAULT_CONFIG: Final[dict[str, Any]] = {
    "jwks_url": "",
    "jwks": None,
    "introspection_url": "",
    "client_id": "",
    SECRET: "",
    "audiences": [],
    "algorithms": list(DEFAULT_ALGORITHMS),
    "client_claim": "client_id",
    "scope_claim": "scope",
    "at_jwt_only": True,
    "leeway_s": 30,
    "proof": True,
}
# Of the columns, and what a new key manager has.
DEFAULT_FACTS: Final[dict[str, Any]] = {
    "name": "",
    "description": "",
    "enabled": True,
    "validation": JWKS,
    "issuer": "",
}
DEFAULTS: Final[dict[str, Any]] = {**DEFAULT_FACTS, **DEFAULT_CONFIG}

_MEMBERS: Final = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")  # of a public key, RFC 7517 and 7518


def _name(value: Any) -> str:
    if not isinstance(value, str):
        return "This should be a text."
    if value.casefold() == RESIDENT.casefold():
        return phrase("{resident} is the name of the built-in key manager.", resident=RESIDENT)
    return name_problem(value)


def _text(limit: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "This should be a text."
        return text_problem(value, limit, "This")

    return check


def _line(limit: int, *, needed: bool = False) -> Callable[[Any], str]:
    """A check for one line without spaces around it."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            return "This should be a text."
        if needed and not value:
            return "This should not be empty."
        if len(value) > limit or value != value.strip() or not (value.isprintable() or not value):
            return phrase(
                "This should be one line of at most {limit} characters, without spaces around it.", limit=limit
            )
        return ""

    return check


def _url(value: Any) -> str:
    if not isinstance(value, str):
        return "This should be a text."
    return url_problem(value) if value else ""


def _one_of(*words: str) -> Callable[[Any], str]:
    return lambda value: "" if value in words else phrase("This should be one of: {words}.", words=", ".join(words))


def _algorithms(value: Any) -> str:
    if not isinstance(value, list) or not value or any(one not in ALGORITHMS for one in value):
        return phrase("This should be a list of at least one of: {algorithms}.", algorithms=", ".join(ALGORITHMS))
    return "" if len(set(value)) == len(value) else "An algorithm is named twice."


def _audiences(value: Any) -> str:
    if not isinstance(value, list) or len(value) > AUDIENCES_LIMIT:
        return phrase("This should be a list of at most {audiences_limit} texts.", audiences_limit=AUDIENCES_LIMIT)
    return next((problem for one in value if (problem := _line(300, needed=True)(one))), "")


def _jwks(value: Any) -> str:
    if value is None:
        return ""
    try:
        keys = keys_of(value)
    except Untrusted as problem:
        return str(problem)
    if not keys.usable:
        return " ".join(["No key of this set can be used.", *keys.problems[:3]])
    if any(name in row for row in value["keys"] if isinstance(row, dict) for name in ("d", "k", "p", "q")):
        return "This set holds a private key; only the public parts belong here."
    return ""


CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "name": _name,
    "description": _text(DESCRIPTION_LIMIT),
    "enabled": flag,
    "validation": _one_of(*VALIDATIONS),
    "issuer": _line(500),
    "jwks_url": _url,
    "jwks": _jwks,
    "introspection_url": _url,
    "client_id": _line(300),
    SECRET: _line(1000),
    "audiences": _audiences,
    "algorithms": _algorithms,
    "client_claim": _line(100, needed=True),
    "scope_claim": _line(100, needed=True),
    "at_jwt_only": flag,
    "leeway_s": whole(0, LEEWAY_LIMIT_S),
    "proof": flag,
}


def key_manager(value: Mapping[str, Any]) -> tuple[dict[str, Any], Problems]:
    """Complete and check a key manager.

    Args:
        value: some of CHECKS; the rest get DEFAULTS. `validation`: "jwks" (signed tokens, RFC 9068, checked with the
            keys at `jwks_url` or in `jwks`) or "introspection" (RFC 7662, asked at `introspection_url` as `client_id`
            with `client_secret`); `issuer`: the claim iss; `audiences`: of which aud names one, or else the URL of
            the API; `client_claim`, `scope_claim`: where client and scopes stand; `at_jwt_only`: whether the header
            must say at+jwt; `leeway_s`: how far the key manager's clock may be ahead; `proof`: whether who maps a
            client to an application must show a token of it.

    Returns:
        Every field, and the problems by field (empty when it is valid).
    """
    problems: Problems = {}
    for unknown in value.keys() - CHECKS.keys():
        problems[str(unknown)] = phrase("This field is not known here; known are {checks}.", checks=", ".join(CHECKS))
    full = {**DEFAULTS, **{name: value[name] for name in CHECKS.keys() & value.keys()}}
    for name, check in CHECKS.items():
        if problem := check(full[name]):
            problems[name] = problem
    if not problems:
        problems = _together(full)
    if not problems and full["jwks"] is not None:
        full["jwks"] = {"keys": [_public(row) for row in full["jwks"]["keys"] if isinstance(row, dict)]}
    return {name: full[name] for name in CHECKS}, problems


def _public(row: Mapping[str, Any]) -> dict[str, str]:
    """What is used of a key."""
    return {name: row[name] for name in _MEMBERS if isinstance(row.get(name), str) and row[name].isprintable()}


def _together(full: dict[str, Any]) -> Problems:
    """What the fields ask of each other."""
    if full["validation"] == JWKS:
        problems = {} if full["issuer"] else {"issuer": "Signed tokens are told apart by their issuer."}
        if bool(full["jwks_url"]) == (full["jwks"] is not None):
            problems["jwks_url"] = "Either this or jwks is needed, not both."
        return problems
    needed = {
        "introspection_url": "This is where tokens are asked about.",
        "client_id": "Introspection needs a client.",
    }
    return {name: text for name, text in needed.items() if not full[name]}


def terms_of(issuer: str, config: Mapping[str, Any]) -> Terms:
    """What a token of the key manager must be like."""
    full = {**DEFAULT_CONFIG, **config}
    return Terms(
        issuer=issuer,
        audiences=frozenset(full["audiences"]),
        algorithms=tuple(full["algorithms"]),
        client_claim=full["client_claim"],
        scope_claim=full["scope_claim"],
        at_jwt_only=full["at_jwt_only"],
        leeway_s=full["leeway_s"],
    )
