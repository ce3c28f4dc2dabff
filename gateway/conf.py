"""The gateway's settings, in one place, read from Django's settings when they are asked for.

Each may be overridden in the settings by its upper-case name with `GATEWAY_` in front, unless it says otherwise.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from django.conf import settings

from apis.validators import Network, address_allowed

DEFAULTS: Final[dict[str, Any]] = {
    # Which gateway environment this process serves (apis.models.Environment.name).
    "ENVIRONMENT": "Default",
    # Seconds between two looks at what other processes changed; CONTRACT section 4 promises one second.
    "TICK_S": 0.3,
    # How long a token that no live session uses is remembered after its last look-up.
    "PRINCIPAL_TTL_S": 60.0,
    "PRINCIPALS": 20_000,
    "ENTITLEMENTS": 20_000,
    # All URLs of an endpoint together: a client waits no longer than this for an upstream.
    "DIAL_BUDGET_S": 25.0,
    # Threads that look things up in the database, so that handshakes do not queue behind one another.
    "DATABASE_THREADS": 4,
    # Sessions and handshakes under way of this process; 0 for what its memory and descriptors allow.
    "MAX_SESSIONS": 0,
    # Seconds between two sweeps of the counters of live sessions; usage is at most 2 s behind (CONTRACT section 4), and
    # what a killed process loses is at most one second of it, writing included.
    "SWEEP_S": 0.8,
    # Part of a limit that this process lets pass in one window while Redis is away, rounded up: with N processes a plan
    # of 100 lets through at most 100 + N times 10. 0: nothing but what was allotted before.
    "LOCAL_CREDIT": 0.1,
    # Where all processes count their plans together; None to count alone.
    "REDIS_URL": None,
    # How many days usage is kept by the minute and by the hour; by the day it stays.
    "USAGE_MINUTES_DAYS": 90,
    "USAGE_HOURS_DAYS": 1096,
    # Longest usage record in seconds; it divides an hour.
    "RECORD_S": 3600,
}


def get(name: str) -> Any:
    """The setting `GATEWAY_<name>`, or its default. `name` is a key of DEFAULTS."""
    return getattr(settings, f"GATEWAY_{name}", DEFAULTS[name])


def upstream_networks() -> tuple[Network, ...]:
    """What ALLOWED_UPSTREAM_NETWORKS adds to the public internet."""
    return tuple(settings.ALLOWED_UPSTREAM_NETWORKS)


def may_dial(address: str) -> bool:
    """Whether an endpoint may really lead to this IP address (judged on the address that is dialled)."""
    networks = settings.ALLOWED_UPSTREAM_NETWORKS
    if networks is not _judged.networks:
        _judged.networks, _judged.answers = networks, {}
    answer = _judged.answers.get(address)
    if answer is None:
        if len(_judged.answers) >= ADDRESSES:
            _judged.answers.clear()
        answer = _judged.answers[address] = address_allowed(address, upstream_networks())
    return answer


def named_by_operator(address: str) -> bool:
    """Whether ALLOWED_UPSTREAM_NETWORKS names this address: the only ones that a secret may reach in the clear."""
    literal = ipaddress.ip_address(address.split("%", 1)[0])
    return any(literal in network for network in upstream_networks() if network.version == literal.version)


class _Judged:
    """What was decided about addresses: to parse one and compare it, or even the networks, costs more than a look."""

    def __init__(self) -> None:
        self.networks: object = None
        self.answers: dict[str, bool] = {}


_judged: Final = _Judged()
ADDRESSES: Final = 4096
