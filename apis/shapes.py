"""The nested things a person configures (runtime limits, plan limits), checked and completed in one place.

Pure rules over JSON-like data: `(value) -> (normal form, problems)`, where problems maps a path such as
"0/amount" to a sentence. Forms, REST and admin show the same sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from apis.words import phrase

Problems = dict[str, str]

KEY_TYPES: Final = ("production", "sandbox")


def whole(low: int, high: int) -> Callable[[Any], str]:
    """A check for a whole number between `low` and `high`."""

    def check(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            return phrase("This should be a whole number between {low} and {high}.", low=low, high=high)
        return ""

    return check


def flag(value: Any) -> str:
    """A check for true or false."""
    return "" if isinstance(value, bool) else "This should be true or false."


def pointer(name: object) -> str:
    """A member's name as one step of a path: with its own slashes escaped (RFC 6901 section 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def section(
    value: Any, defaults: Mapping[str, Any], checks: Mapping[str, Callable[[Any], str]]
) -> tuple[dict[str, Any], Problems]:
    """An object completed with `defaults` and checked member by member; a member that is not known is a problem."""
    if not isinstance(value, dict):
        return deepcopy(dict(defaults)), {"": "This should be an object."}
    known = ", ".join(checks)
    problems: Problems = {
        pointer(name): phrase("This field is not known here; known are {known}.", known=known)
        for name in value.keys() - checks.keys()
    }
    # A copy: the lists in it must never be those of the defaults, nor of the caller.
    full = deepcopy({**defaults, **{name: value[name] for name in checks.keys() & value.keys()}})
    for name, check in checks.items():
        if problem := check(full[name]):
            problems[name] = problem
    return {name: full[name] for name in checks}, problems


def optional(check: Callable[[Any], str]) -> Callable[[Any], str]:
    """The same check, where None is right too."""
    return lambda value: "" if value is None else check(value)


def _keepalive(value: Any) -> str:
    if whole(0, 3_600)(value) or 0 < value < 5:  # pings more often than that cost more than they find out
        return "This should be 0, or a whole number between 5 and 3600."
    return ""


# What an API and a business plan may both limit; None leaves it to the other, or to the gateway. A control frame holds
# up to 125 bytes (RFC 6455 section 5.5), so no limit is below that.
SESSION_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "max_sessions": optional(whole(1, 1_000_000)),
    "max_session_s": optional(whole(1, 366 * 86_400)),
    "max_message_bytes": optional(whole(125, 64 << 20)),
}
RUNTIME_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "max_message_bytes": SESSION_CHECKS["max_message_bytes"],
    "max_session_s": SESSION_CHECKS["max_session_s"],
    "idle_s": whole(0, 86_400),
    "keepalive_s": _keepalive,
    "slow_consumer_s": whole(1, 3_600),
    "max_sessions": SESSION_CHECKS["max_sessions"],
    "max_sessions_per_application": SESSION_CHECKS["max_sessions"],
    "max_sessions_per_ip": SESSION_CHECKS["max_sessions"],
}
DEFAULT_RUNTIME: Final[dict[str, int | None]] = {
    **dict.fromkeys(RUNTIME_CHECKS),
    "idle_s": 0,
    "keepalive_s": 0,
    "slow_consumer_s": 60,
}


def default_runtime() -> dict[str, int | None]:
    """The runtime limits of a new API, as a dict of its own."""
    return dict(DEFAULT_RUNTIME)


def runtime_of(design: Mapping[str, Any]) -> dict[str, int | None]:
    """The runtime limits of a frozen design; one that was frozen before there were any has the defaults."""
    return {**DEFAULT_RUNTIME, **design.get("runtime", {})}


def runtime_limits(value: Any) -> tuple[dict[str, int | None], Problems]:
    """Complete and check what an API asks of every session: sizes, times, how many at once.

    Args:
        value: some of RUNTIME_CHECKS; the rest get DEFAULT_RUNTIME. None is no limit of the API's own; `idle_s` and
            `keepalive_s` 0 are never and none.

    Returns:
        The limits with every key present, and the problems by key (empty when they are valid).
    """
    return section(value, DEFAULT_RUNTIME, RUNTIME_CHECKS)


LIMIT_KINDS: Final = ("events", "bytes", "handshakes", "seconds")
UNDIRECTED: Final = {"handshakes": "handshakes", "seconds": "connection time"}  # kinds without a direction, in words
PERIODS: Final = ("second", "minute", "hour", "day", "month", "year")
DIRECTIONS: Final = ("in", "out", "both")
BURST_PERIODS: Final = ("second", "minute")
LIMITS_LIMIT: Final = 10
AMOUNT_LIMIT: Final = 2**53 - 1  # the largest whole number that JSON readers agree on (RFC 8259 section 6)


def limits(value: Any) -> tuple[list[dict[str, Any]], Problems]:
    """Complete and check the limits of a plan; an empty list means unlimited.

    Args:
        value: [{"kind","amount","per","direction"?}]; `direction` counts both ways unless given, handshakes and seconds
            have none.
    """
    problems: Problems = {}
    if not isinstance(value, list) or len(value) > LIMITS_LIMIT:
        return [], {"": phrase("This should be a list of at most {most} limits.", most=LIMITS_LIMIT)}
    done: list[dict[str, Any]] = []
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            problems[str(index)] = "This should be an object with kind, amount and per."
            continue
        limit = {"direction": "both", **item}
        for unknown in limit.keys() - {"kind", "amount", "per", "direction"}:
            problems[f"{index}/{unknown}"] = "This field is not known here; known are kind, amount, per, direction."
        for key, allowed in (("kind", LIMIT_KINDS), ("per", PERIODS), ("direction", DIRECTIONS)):
            if limit.get(key) not in allowed:
                problems[f"{index}/{key}"] = phrase("This should be one of: {known}.", known=", ".join(allowed))
        if problem := whole(1, AMOUNT_LIMIT)(limit.get("amount")):
            problems[f"{index}/amount"] = problem
        noun = next((noun for kind, noun in UNDIRECTED.items() if kind == limit.get("kind")), "")
        if noun and limit["direction"] != "both":
            problems[f"{index}/direction"] = phrase("A limit on {noun} has no direction.", noun=noun)
        done.append({key: limit.get(key) for key in ("kind", "amount", "per", "direction")})
    seen = [(limit["kind"], limit["per"], limit["direction"]) for limit in done]
    if not problems and len(set(seen)) < len(seen):
        problems[""] = "Two limits have the same kind, period and direction."
    return done, problems


def burst(value: Any) -> tuple[dict[str, Any] | None, Problems]:
    """Check a burst rate: {"amount","per": "second|minute"} events, or None for no burst control."""
    if value is None:
        return None, {}
    if not isinstance(value, dict) or value.keys() != {"amount", "per"}:
        return None, {"": "This should be an object with amount and per, or null."}
    problems: Problems = {}
    if problem := whole(1, AMOUNT_LIMIT)(value["amount"]):
        problems["amount"] = problem
    if value["per"] not in BURST_PERIODS:
        problems["per"] = phrase("This should be one of: {known}.", known=", ".join(BURST_PERIODS))
    return dict(value), problems
