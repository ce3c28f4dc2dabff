"""What is said of running limits, in header fields, refusals and notices.

Source: draft-ietf-httpapi-ratelimit-headers-10, RFC 9651.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from functools import lru_cache
from math import ceil
from typing import Any

from gateway.core.throttling import BYTES, Limit, Throttle
from gateway.core.windows import NOMINAL_S
from gateway.core.wire import CONTROL_LIMIT


def _quoted(text: str) -> str:
    """A Structured Fields string (RFC 9651 section 3.3.3): printable ASCII in quotes."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=4096)  # the same few limits in every handshake; to spell one took 2 % of it
def _named(prefix: str, limit: Limit) -> tuple[str, str]:
    """The name of a limit and its item in RateLimit-Policy.

    Events have no registered quota unit, so theirs is left out; the name of the policy says it.
    """
    name = _quoted(prefix + limit.policy)
    unit = ';qu="content-bytes"' if limit.kind == BYTES else ""
    return name, f"{name};q={limit.amount};w={NOMINAL_S[limit.per]}{unit}"


def rate_limit_fields(throttles: Iterable[Throttle], now: float) -> tuple[tuple[str, str], ...]:
    """`RateLimit` and `RateLimit-Policy`, one item in each for each throttle."""
    state: list[str] = []
    policies: list[str] = []
    for throttle in throttles:
        known = throttle.named
        if known is None or known[0] is not throttle.limit or known[1] != throttle.prefix:
            known = throttle.named = throttle.limit, throttle.prefix, *_named(throttle.prefix, throttle.limit)
        _, _, name, policy = known
        state.append(f"{name};r={throttle.left()};t={max(0, ceil(throttle.end - now))}")
        policies.append(policy)
    return (("RateLimit", ", ".join(state)), ("RateLimit-Policy", ", ".join(policies))) if state else ()


def told(spent: Collection[Throttle]) -> dict[str, int | str]:
    """What a refusal says of the limit that lasts longest: its level, its plan's name, and the limit itself."""
    if not spent:
        return {}
    throttle = max(spent, key=lambda one: one.end)
    limit = throttle.limit
    level = throttle.prefix.partition("-")[0] or "subscription"
    return {"level": level, "name": throttle.plan, "amount": limit.amount, "per": limit.per, "kind": limit.kind}


def words(facts: dict[str, Any], throttle: Throttle) -> str:
    """A notice: compact JSON of at most 125 bytes, with `limit`, the name of the limit in RateLimit fields.

    A name that does not fit is told without that of its plan, e.g. "custom-events-per-day".
    """
    prefix, policy = throttle.prefix, throttle.limit.policy
    level = prefix.partition("-")[0]
    for limit in (prefix + policy, f"{level}-{policy}" if level else policy):
        text = json.dumps({**facts, "limit": limit}, separators=(",", ":"))
        if len(text) <= CONTROL_LIMIT:
            return text
    return json.dumps(facts, separators=(",", ":"))
