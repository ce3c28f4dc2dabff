"""The configuration of an endpoint: where the frames of one key type go, how patiently, and as whom.

Pure rules over JSON-like data, like `apis.shapes`; its parts are in `apis.shapes_upstream`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from apis.shapes import Problems, pointer, section, whole
from apis.shapes_upstream import (
    DEFAULT_DYNAMIC,
    DEFAULT_PROXY,
    DEFAULT_TLS,
    upstream_dynamic,
    upstream_headers,
    upstream_proxy,
    upstream_tls,
)
from apis.shapes_upstream_security import (
    DEFAULT_SECURITY,
    SECRETS,
    AddressProblem,
    default_security,
    one_of,
    upstream_security,
)
from apis.validators import endpoint_problem
from apis.words import phrase

STRATEGY_LABELS: Final = {
    "round_robin": "Round robin: each URL in turn",
    "failover": "Failover: the first URL that is not suspended",
    "least_sessions": "Least sessions: where the fewest are connected",
    "weighted": "Weighted: in turn, some more often",
}
"""How one of several URLs is chosen, and what people read of it."""
STRATEGIES: Final = tuple(STRATEGY_LABELS)  # which may be asked for anything that JSON has, as a dictionary may not
URLS_LIMIT: Final = 10
DAY_MS: Final = 86_400_000

# What may count against an endpoint (section 5.1 of the reference, in the words of a WebSocket hand-over).
SUSPENSION_ERRORS: Final[dict[str, str]] = {
    "connect_failed": "The connection was refused or reset",
    "connect_timeout": "The connection was not made in time",
    "handshake_timeout": "The upgrade was not answered in time",
    "bad_response": "The answer was not a valid upgrade",
    "server_error": "The upgrade was answered with a 5xx status",
}

# What a handshake does whose upstream did not connect or answer in time (the reference's connection timeout action).
TIMEOUT_ACTIONS: Final[dict[str, str]] = {
    "next": "Try the next URL",
    "refuse": "Refuse the client at once",
}

DEFAULT_TIMEOUTS: Final = {"connect_ms": 5_000, "handshake_ms": 10_000, "idle_s": 0, "action": "next"}
DEFAULT_SUSPENSION: Final = {
    "errors": list(SUSPENSION_ERRORS),
    "initial_ms": 30_000,
    "max_ms": 300_000,
    "factor": 1.0,
    "retries": 0,
    "retry_delay_ms": 0,
}
DEFAULTS: Final[dict[str, Any]] = {
    "urls": [],
    "strategy": "round_robin",
    "timeouts": DEFAULT_TIMEOUTS,
    "suspension": DEFAULT_SUSPENSION,
    "security": DEFAULT_SECURITY,
    "headers": {},
    "tls": DEFAULT_TLS,
    "proxy": DEFAULT_PROXY,
    "dynamic": DEFAULT_DYNAMIC,
}


def _factor(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 100:
        return "This should be a number between 1 and 100."
    return ""


def _errors(value: Any) -> str:
    if not isinstance(value, list) or any(not isinstance(one, str) or one not in SUSPENSION_ERRORS for one in value):
        return phrase(
            "This should be a list out of: {suspension_errors}.", suspension_errors=", ".join(SUSPENSION_ERRORS)
        )
    if len(set(value)) != len(value):
        return "An error is named twice."
    return ""


TIMEOUT_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "connect_ms": whole(1, 120_000),
    "handshake_ms": whole(1, 120_000),
    "idle_s": whole(0, 86_400),
    "action": one_of(tuple(TIMEOUT_ACTIONS)),
}
SUSPENSION_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "errors": _errors,
    "initial_ms": whole(0, DAY_MS),
    "max_ms": whole(0, DAY_MS),
    "factor": _factor,
    "retries": whole(0, 100),
    "retry_delay_ms": whole(0, 60_000),
}


def _timeouts(value: Any, address_problem: AddressProblem) -> tuple[dict[str, Any], Problems]:
    return section(value, DEFAULT_TIMEOUTS, TIMEOUT_CHECKS)


def _suspension(value: Any, address_problem: AddressProblem) -> tuple[dict[str, Any], Problems]:
    full, problems = section(value, DEFAULT_SUSPENSION, SUSPENSION_CHECKS)
    if not problems and full["max_ms"] < full["initial_ms"]:
        problems["max_ms"] = "The longest suspension should not be shorter than the first."
    return full, problems


_SECTIONS: Final[dict[str, Callable[[Any, AddressProblem], tuple[dict[str, Any], Problems]]]] = {
    "timeouts": _timeouts,
    "suspension": _suspension,
    "security": upstream_security,
    "headers": upstream_headers,
    "tls": upstream_tls,
    "proxy": upstream_proxy,
    "dynamic": upstream_dynamic,
}


def endpoint_config(value: Any, address_problem: AddressProblem) -> tuple[dict[str, Any], Problems]:
    """Complete and check one endpoint (production or sandbox).

    Args:
        value: {"urls":[{"url","weight"?}], ...} with any of DEFAULTS; secrets as plain text.
        address_problem: says why a well-formed URL may not be dialled here, or "".

    Returns:
        The config with every key present, and the problems (empty when it is valid).
    """
    if not isinstance(value, dict):
        return {}, {"": "This should be an object."}
    problems: Problems = {
        pointer(name): phrase("This field is not known here; known are {known}.", known=", ".join(DEFAULTS))
        for name in value.keys() - DEFAULTS.keys()
    }
    config: dict[str, Any] = {
        "urls": _urls(value.get("urls"), address_problem, problems),
        "strategy": value.get("strategy", DEFAULTS["strategy"]),
    }
    if config["strategy"] not in STRATEGIES:
        problems["strategy"] = phrase("This should be one of: {known}.", known=", ".join(STRATEGIES))
    for name, check in _SECTIONS.items():
        config[name], found = check(value.get(name, deepcopy(DEFAULTS[name])), address_problem)
        problems.update({f"{name}/{path}" if path else name: text for path, text in found.items()})
    return config, problems


def _urls(value: Any, address_problem: Callable[[str], str], problems: Problems) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not 1 <= len(value) <= URLS_LIMIT:
        problems["urls"] = phrase("This should be a list of 1 to {most} objects with a url each.", most=URLS_LIMIT)
        return []
    urls: list[dict[str, Any]] = []
    for index, item in enumerate(value):
        path = f"urls/{index}"
        if not isinstance(item, dict) or not isinstance(item.get("url"), str):
            problems[path] = "This should be an object with a url."
            continue
        for unknown in item.keys() - {"url", "weight"}:
            problems[f"{path}/{unknown}"] = "This field is not known here; known are url, weight."
        if problem := endpoint_problem(item["url"]) or address_problem(item["url"]):
            problems[f"{path}/url"] = problem
        weight = item.get("weight", 1)
        if problem := whole(1, 1000)(weight):
            problems[f"{path}/weight"] = problem
        urls.append({"url": item["url"], "weight": weight})
    if len({item["url"] for item in urls}) < len(urls):
        problems["urls"] = "A url is named twice."
    return urls


def complete(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config with every key present: one that was stored before a key existed has its default."""
    full = deepcopy({**DEFAULTS, **config})
    for name in ("timeouts", "suspension", "tls", "proxy", "dynamic"):
        full[name] = {**deepcopy(DEFAULTS[name]), **full[name]}
    full["security"] = {**default_security(full["security"]["type"]), **full["security"]}
    return full


def secrets_in(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(section, member) of every secret that a complete config of this type of security has room for."""
    for member in SECRETS[config["security"]["type"]]:
        yield "security", member
    yield "proxy", "password"


def with_secrets(config: Mapping[str, Any], change: Callable[[str], str | None]) -> dict[str, Any]:
    """The complete config with each secret that is set replaced by `change(secret)`.

    Args:
        change: gets the secret as it stands there: plain or sealed, as the config is.
    """
    full = complete(config)
    for name, member in secrets_in(full):
        if full[name][member]:
            full[name][member] = change(full[name][member])
    return full


def shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config as people may see it: each secret null, and `secrets_set` naming those that are there."""
    full = complete(config)
    found = [(name, member) for name, member in secrets_in(full)]
    full["secrets_set"] = [f"{name}/{member}" for name, member in found if full[name][member]]
    for name, member in found:
        full[name][member] = None
    return full
