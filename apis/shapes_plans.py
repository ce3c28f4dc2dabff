"""What plans hold beyond their limits, checked and completed in one place. Pure rules, as in `apis.shapes`.

Conditions and groups of an API plan, the key of a custom plan, who may subscribe to a business plan, what it costs and
what it tells the backend. Sources: CONTRACT section 4, section 6 of the reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from ipaddress import ip_network
from typing import Any, Final

from apis.roles import BUILT_IN_ROLES
from apis.shapes import Problems, flag, limits, optional, pointer, whole
from apis.shapes_about import names_problem
from apis.words import phrase

GROUPS_LIMIT: Final = 10
CONDITIONS_LIMIT: Final = 10
CONDITION_TYPES: Final = ("ip", "header", "query", "claim")
CONDITION_FIELDS: Final = ("type", "name", "value", "invert")
TEXT_LIMIT: Final = 200  # of a condition's name and value
REPEATS_LIMIT: Final = 3  # of a pattern: what a client sends is searched while others wait
KEY_VARIABLES: Final = ("user", "application", "api", "version", "topic", "ip", "subscription", "key_type")
PERMISSION_MODES: Final = ("none", "allow", "deny")
CYCLES: Final = ("week", "month", "year")
ATTRIBUTES_LIMIT: Final = 20
ATTRIBUTE_LIMIT: Final = 200

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,49}")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2: names of header fields
_ATTRIBUTE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,59}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_ESCAPED: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]|\(\?[:=!]", re.S)  # what holds no repeat, or only looks so
_REPEAT: Final = re.compile(r"[*+?{]")
_REPEATED_GROUP: Final = re.compile(r"\)[*+?{]")
# Sessions keep what conditions ask for, and secrets are not kept.
_SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "apikey", "cookie", "sec-websocket-protocol"}
)
# What an assertion says by itself (gateway.core.assertions), and what RFC 7519 registers.
TAKEN_CLAIMS: Final = frozenset({
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "end_user", "application_id", "application_name",
    "application_plan", "subscription_plan", "api_id", "api_name", "api_version", "api_context", "key_type",
})  # fmt: skip


def default_permission() -> dict[str, Any]:
    """Everybody may subscribe."""
    return {"mode": "none", "roles": []}


def pattern_of(value: str) -> str | None:
    """The regular expression in a condition's value "/.../", or None where the value is compared as it is."""
    return value[1:-1] if len(value) > 2 and value.startswith("/") and value.endswith("/") else None


def pattern_problem(pattern: str) -> str:
    """Why a regular expression cannot be used, or "": it must be valid, and quick whatever it is tried on."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return "This is no valid regular expression."
    bare = _ESCAPED.sub("x", pattern)
    if _REPEATED_GROUP.search(bare) or "(?" in bare:
        return "A group in a pattern cannot be repeated, nor be a special one."
    if len(_REPEAT.findall(bare)) > REPEATS_LIMIT:
        return phrase("A pattern has at most {most} of * + ? and {{}}.", most=REPEATS_LIMIT)
    return ""


def _condition_value_problem(kind: str, value: Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or len(value) > TEXT_LIMIT:
        return phrase("This should be a text of 1 to {most} characters.", most=TEXT_LIMIT)
    pattern = pattern_of(value)
    if pattern is not None:
        return "An address is no pattern." if kind == "ip" else pattern_problem(pattern)
    if kind == "ip":
        try:
            ip_network(value)
        except ValueError:
            return "This should be an IP address, or a network such as 10.0.0.0/8."
    return ""


def _condition_name_problem(kind: str, name: Any) -> str:
    if kind == "ip":
        return "" if name == "" else "A condition on the address has no name."
    if not isinstance(name, str) or not name or not name.isprintable() or len(name) > TEXT_LIMIT:
        return phrase("This should be a text of 1 to {most} characters.", most=TEXT_LIMIT)
    if kind != "header":
        return ""
    if name.lower() in _SECRET_HEADERS:
        return "This header field may carry a credential."
    return "" if _TOKEN.fullmatch(name) else "This is no name of a header field."


def condition(value: Any) -> tuple[dict[str, Any], Problems]:
    """Complete and check one condition: {"type","name"?,"value","invert"?}.

    `value` is exact, a network for an address, or "/pattern/", which is searched for.
    """
    if not isinstance(value, dict):
        return {}, {"": "This should be an object with type, name, value and invert."}
    full = {"name": "", "value": None, "invert": False, **value}
    problems = {
        pointer(name): phrase("This field is not known here; known are {known}.", known=", ".join(CONDITION_FIELDS))
        for name in value.keys() - set(CONDITION_FIELDS)
    }
    kind = full.get("type")
    if not isinstance(kind, str) or kind not in CONDITION_TYPES:
        problems["type"] = phrase("This should be one of: {known}.", known=", ".join(CONDITION_TYPES))
    else:
        problems["name"] = _condition_name_problem(kind, full["name"])
        problems["value"] = _condition_value_problem(kind, full["value"])
    problems["invert"] = flag(full["invert"])
    return {name: full.get(name) for name in CONDITION_FIELDS}, {key: text for key, text in problems.items() if text}


def _group(value: Any) -> tuple[dict[str, Any], Problems]:
    if not isinstance(value, dict):
        return {}, {"": "This should be an object with name, conditions and limits."}
    known = ("name", "conditions", "limits")
    problems: Problems = {
        pointer(name): phrase("This field is not known here; known are {known}.", known=", ".join(known))
        for name in value.keys() - set(known)
    }
    name, rows = value.get("name"), value.get("conditions")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problems["name"] = "This should be a name of up to 50 letters, digits, spaces and . _ -"
    conditions: list[dict[str, Any]] = []
    if not isinstance(rows, list) or not 1 <= len(rows) <= CONDITIONS_LIMIT:
        problems["conditions"] = phrase("This should be a list of 1 to {most} conditions.", most=CONDITIONS_LIMIT)
    else:
        for index, row in enumerate(rows):
            done, found = condition(row)
            conditions.append(done)
            problems |= {f"conditions/{index}/{path}".rstrip("/"): text for path, text in found.items()}
    counted, found = limits(value.get("limits", []))
    problems |= {f"limits/{path}".rstrip("/"): text for path, text in found.items()}
    return {"name": name, "conditions": conditions, "limits": counted}, problems


def groups(value: Any) -> tuple[list[dict[str, Any]], Problems]:
    """Complete and check the conditional groups of an API plan, in the order in which they are tried.

    Args:
        value: [{"name","conditions":[...],"limits":[...]}]; a group without limits is unlimited.
    """
    if not isinstance(value, list) or len(value) > GROUPS_LIMIT:
        return [], {"": phrase("This should be a list of at most {most} groups.", most=GROUPS_LIMIT)}
    done: list[dict[str, Any]] = []
    problems: Problems = {}
    taken: set[str] = set()
    for index, item in enumerate(value):
        full, found = _group(item)
        problems |= {f"{index}/{path}".rstrip("/"): text for path, text in found.items()}
        done.append(full)
        name = full.get("name")
        if isinstance(name, str) and name in taken and f"{index}/name" not in problems:
            problems[f"{index}/name"] = "Another group has this name."
        taken.add(str(name))
    return done, problems


def key_problem(key: Any) -> str:
    """The first thing wrong with the key of a custom plan such as "{user}:{api}", or ""."""
    known = " ".join(f"{{{name}}}" for name in KEY_VARIABLES)
    if not isinstance(key, str) or not key:
        return phrase("This should be at least one of {known}, joined by colons.", known=known)
    parts = key.split(":")
    for part in parts:
        if part[:1] + part[-1:] != "{}" or part[1:-1] not in KEY_VARIABLES:
            return phrase(
                "{part} stands for nothing here; known are {known}, joined by colons.",
                part=part or "Nothing",
                known=known,
            )
    return "" if len(set(parts)) == len(parts) else "This names something twice."


def permission(value: Any, known: Sequence[str] = BUILT_IN_ROLES) -> tuple[dict[str, Any], Problems]:
    """Check who may subscribe: {"mode":"none|allow|deny","roles":[...]}; "none" asks nobody.

    Args:
        known: names of the roles that there are.
    """
    if not isinstance(value, dict) or value.keys() - {"mode", "roles"}:
        return default_permission(), {"": "This should be an object with mode and roles."}
    full = {**default_permission(), **value}
    problems: Problems = {}
    mode, roles = full["mode"], full["roles"]
    if not isinstance(mode, str) or mode not in PERMISSION_MODES:
        problems["mode"] = phrase("This should be one of: {known}.", known=", ".join(PERMISSION_MODES))
    if problem := names_problem(roles, known, "role", "roles"):
        problems["roles"] = problem
    elif mode in {"allow", "deny"} and not roles:
        problems["roles"] = phrase("This should name the roles to {mode}.", mode=mode)
    elif mode == "none" and roles:
        problems["roles"] = "Roles are named to allow or to deny them."
    return {"mode": mode, "roles": roles}, problems


def permits(rule: Mapping[str, Any], roles: frozenset[str] | set[str]) -> bool:
    """Whether somebody with these roles may subscribe under a plan with this permission."""
    named = bool(roles & set(rule["roles"]))
    return {"allow": named, "deny": not named}.get(rule["mode"], True)


def attributes(value: Any) -> tuple[dict[str, str], Problems]:
    """Check what a plan tells the backend in X-JWT-Assertion: {name: text}."""
    if not isinstance(value, dict) or len(value) > ATTRIBUTES_LIMIT:
        return {}, {"": phrase("This should be an object of at most {most} attributes.", most=ATTRIBUTES_LIMIT)}
    problems: Problems = {}
    for name, text in value.items():
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            problems[pointer(name)] = "A name has letters, digits and _ . : / - and begins with a letter."
        elif name in TAKEN_CLAIMS:
            problems[pointer(name)] = "The assertion says this by itself."
        elif not isinstance(text, str) or len(text) > ATTRIBUTE_LIMIT or not text.isprintable():
            problems[pointer(name)] = phrase(
                "This should be a text of at most {most} characters.", most=ATTRIBUTE_LIMIT
            )
    return dict(value), problems


def money(places: int) -> Callable[[Any], tuple[Decimal | None, Problems]]:
    """A check for an amount of money with at most so many decimal places, as a number or a text; None for none."""

    def check(value: Any) -> tuple[Decimal | None, Problems]:
        if value is None:
            return None, {}
        try:
            amount = Decimal(str(value)) if isinstance(value, str | int | float | Decimal) else Decimal("NaN")
        except InvalidOperation:
            amount = Decimal("NaN")
        if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount < 10**8:
            return None, {"": "This should be an amount of money from 0 to 99999999, or null."}
        if amount != round(amount, places):
            return None, {"": phrase("This should have at most {places} decimal places.", places=places)}
        return round(amount, places), {}

    return check


def currency_problem(value: Any) -> str:
    """Why this is no currency code (ISO 4217), or ""."""
    good = isinstance(value, str) and _CURRENCY.fullmatch(value)
    return "" if good else "This should be a currency of three capital letters, such as EUR."


def one_of(words: tuple[str, ...] | list[str]) -> Callable[[Any], str]:
    """A check for one of these words."""
    return lambda value: (
        ""
        if isinstance(value, str) and value in words
        else phrase("This should be one of: {known}.", known=", ".join(words))
    )


WARN_CHECK: Final = optional(whole(1, 99))
UNIT_CHECK: Final = whole(1, 1_000_000_000)
