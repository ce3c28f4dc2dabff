"""Plans as the core counts by them, frozen: business and application plans, API plans, custom plans.

`gateway.core.levels` says which of them count for a session; `gateway.core.throttling` counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.core.conditions import Condition
from gateway.core.throttling import EVENTS, Limit, tightest

OnSpent = Literal["close", "hold", "drop"]


@dataclass(frozen=True, slots=True)
class PlanSnapshot:
    """A business plan, or an application plan (which has limits only).

    Attributes:
        notice: whether a sender is told of messages that were dropped.
        warn_at: percent of a limit at which a client that asked for it is warned, or None.
        attributes: (name, value) pairs for X-JWT-Assertion.
    """

    plan_id: str = ""
    name: str = "Unlimited"
    limits: tuple[Limit, ...] = ()
    burst: Limit | None = None
    max_sessions: int | None = None
    max_session_s: int | None = None
    max_message_bytes: int | None = None
    on_spent: OnSpent = "close"
    stop_on_quota: bool = True
    notice: bool = False
    warn_at: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    _enforced: tuple[Limit, ...] = field(default=(), init=False, repr=False, compare=False)  # asked in each handshake

    def __post_init__(self) -> None:
        object.__setattr__(self, "_enforced", self._stopping())

    def enforced(self) -> tuple[Limit, ...]:
        """The limits that stop somebody: the quota unless it only bills, and the burst rate always."""
        return self._enforced

    def _stopping(self) -> tuple[Limit, ...]:
        quota: Iterable[Limit] = self.limits if self.stop_on_quota else ()
        return tightest((*quota, self.burst) if self.burst else quota)


UNLIMITED: Final = PlanSnapshot()


def burst_limit(amount: int, per: str) -> Limit:
    """A burst rate as a limit: events, both ways."""
    return Limit(EVENTS, amount, per, "both")


@dataclass(frozen=True, slots=True)
class Group:
    """Limits of an API plan for sessions that meet every condition."""

    name: str
    conditions: tuple[Condition, ...]
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class ApiPlanSnapshot:
    """Limits for all sessions of an API, or of a topic; the first group that fits counts instead of `limits`."""

    plan_id: str
    name: str
    limits: tuple[Limit, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomPlanSnapshot:
    """Limits for each value of a key; `key` names what of a session (apis.shapes_plans.KEY_VARIABLES)."""

    plan_id: str
    name: str
    key: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
