"""How an API is protected: who may come in with what, and what of it may be looked at. One shape, checked here.

Pure rules over JSON-like data, like `apis.shapes`: `(value) -> (normal form, problems)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from apis.words import phrase

Problems = dict[str, str]

SCHEMES: Final = ("oauth", "api_key")
SCHEME_LABELS: Final = {"oauth": "Access tokens (OAuth 2.0)", "api_key": "API keys"}
RESIDENT: Final = "Resident"  # the built-in authorization server among the key managers
ITEMS_LIMIT: Final = 100
ITEM_LENGTH: Final = 300
DEFAULT_SECURITY: Final[dict[str, Any]] = {
    "schemes": ["oauth"],
    "key_managers": [],
    "query_credentials": False,
    "origins": [],
    "backend_jwt": False,
    "inspect_payload": False,
    "mask": [],
}

# What a browser sends (RFC 6454 section 6.2): scheme, host and a port where it is not the scheme's own, in lower case;
# the scheme may be that of an extension or an app; or the word null.
_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_POINTER: Final = re.compile(r"(?:/(?:[^~/\x00-\x1f\x7f]|~[01])*)+")  # RFC 6901 section 3, the whole document left out


def _yes_or_no(value: Any) -> str:
    return "" if isinstance(value, bool) else "This should be true or false."


def _schemes(value: Any) -> str:
    if not isinstance(value, list) or not value or any(one not in SCHEMES for one in value if isinstance(one, str)):
        return phrase("This should be a list of at least one of: {schemes}.", schemes=", ".join(SCHEMES))
    return _texts(value)


def _texts(value: Any) -> str:
    if not isinstance(value, list) or any(not isinstance(one, str) for one in value):
        return "This should be a list of texts."
    if len(value) > ITEMS_LIMIT or any(len(one) > ITEM_LENGTH for one in value):
        return phrase(
            "This should be a list of at most {most} texts of at most {item_length} characters.",
            most=ITEMS_LIMIT,
            item_length=ITEM_LENGTH,
        )
    if len(set(value)) < len(value):
        return "Something is named twice."
    return ""


def origin_problem(origin: str) -> str:
    """What is wrong with an origin such as "https://app.example.com" or "null", or ""."""
    if origin == "null":
        return ""
    if not _ORIGIN.fullmatch(origin):
        return phrase(
            "{origin!r} is not an origin: write it as browsers send it, in lower case and without a path, such as "
            "https://app.example.com or http://localhost:3000.",
            origin=origin,
        )
    scheme, _, rest = origin.partition("://")
    port = rest.rpartition(":")[2] if not rest.endswith("]") and ":" in rest else ""
    if port and port == _DEFAULT_PORTS.get(scheme):
        return phrase(
            "{origin} names the port that {scheme} has anyway; browsers leave it out, so it would never match.",
            origin=origin,
            scheme=scheme,
        )
    return (
        "" if not port or 0 < int(port) < 65_536 else phrase("{origin} has no port between 1 and 65535.", origin=origin)
    )


def _origins(value: Any) -> str:
    return _texts(value) or next((problem for one in value if (problem := origin_problem(one))), "")


def _key_managers(value: Any) -> str:
    return _texts(value) or ("A key manager has a name." if any(not one.strip() for one in value) else "")


def _mask(value: Any) -> str:
    if problem := _texts(value):
        return problem
    wrong = next((one for one in value if not _POINTER.fullmatch(one)), None)
    return (
        "" if wrong is None else phrase("{wrong!r} is not a JSON pointer such as /card/number (RFC 6901).", wrong=wrong)
    )


SECURITY_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "schemes": _schemes,
    "key_managers": _key_managers,
    "query_credentials": _yes_or_no,
    "origins": _origins,
    "backend_jwt": _yes_or_no,
    "inspect_payload": _yes_or_no,
    "mask": _mask,
}


def default_security() -> dict[str, Any]:
    """The security of a new API, as a dict of its own."""
    return deepcopy(DEFAULT_SECURITY)


def security_of(design: Mapping[str, Any]) -> dict[str, Any]:
    """The security of a frozen design; one that was frozen before there was any has the defaults."""
    return {**default_security(), **design.get("security", {})}


def security(value: Any) -> tuple[dict[str, Any], Problems]:
    """Complete and check how an API is protected.

    Args:
        value: some of SECURITY_CHECKS; the rest get DEFAULT_SECURITY. `schemes`: what is accepted; `key_managers`:
            names, none for every one that is enabled; `query_credentials`: whether `?access_token=` and `?apikey=`
            count; `origins`: exact ones, none for any; `backend_jwt`: whether the backend gets `X-JWT-Assertion`;
            `inspect_payload`: whether payloads may be looked at; `mask`: JSON pointers (RFC 6901) hidden then.

    Returns:
        The settings with every key present, and the problems by key (empty when they are valid).
    """
    if not isinstance(value, dict):
        return default_security(), {"": "This should be an object."}
    problems: Problems = {}
    for unknown in value.keys() - SECURITY_CHECKS.keys():
        problems[str(unknown)] = phrase(
            "This field is not known here; known are {known}.", known=", ".join(SECURITY_CHECKS)
        )
    full = deepcopy({**DEFAULT_SECURITY, **{key: value[key] for key in SECURITY_CHECKS.keys() & value.keys()}})
    for key, check in SECURITY_CHECKS.items():
        if problem := check(full[key]):
            problems[key] = problem
    return {key: full[key] for key in SECURITY_CHECKS}, problems


def security_terms(settings: Mapping[str, Any]) -> list[str]:
    """In words, what an API accepts and from where."""
    lines = [" or ".join(SCHEME_LABELS[name] for name in settings["schemes"])]
    if settings["key_managers"]:
        lines.append(phrase("tokens of {key_managers} only", key_managers=", ".join(settings["key_managers"])))
    if settings["query_credentials"]:
        lines.append("also in the address")
    if count := len(settings["origins"]):
        line = phrase("browsers from {count} pages only", count=count)
        lines.append(line if count != 1 else phrase("browsers from {count} page only", count=count))
    return lines
