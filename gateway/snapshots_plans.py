"""Rows of plans -> what the core counts by: the part of `gateway.snapshots` that is about plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from apis.models import ApiPlan, ApplicationPlan, BusinessPlan, CustomPlan
from gateway.core.conditions import condition
from gateway.core.plans import (
    ApiPlanSnapshot,
    CustomPlanSnapshot,
    Group,
    OnSpent,
    PlanSnapshot,
    burst_limit,
)
from gateway.core.throttling import Limit

ApiPlans = Mapping[str, ApiPlanSnapshot]  # by name: topics and revisions carry it
NO_PLANS: Final[ApiPlans] = MappingProxyType({})


def limits(rows: Iterable[Mapping[str, Any]]) -> tuple[Limit, ...]:
    """Limits of a plan (shape: apis.shapes.limits)."""
    return tuple([Limit(row["kind"], row["amount"], row["per"], row.get("direction", "both")) for row in rows])


def business_plan(row: BusinessPlan) -> PlanSnapshot:
    """A business plan as the core counts by it."""
    return PlanSnapshot(
        plan_id=str(row.pk),
        name=row.name,
        limits=limits(row.limits),
        burst=burst_limit(row.burst["amount"], row.burst["per"]) if row.burst else None,
        max_sessions=row.max_sessions,
        max_session_s=row.max_session_s,
        max_message_bytes=row.max_message_bytes,
        on_spent=cast(OnSpent, row.on_spent),
        stop_on_quota=row.stop_on_quota,
        notice=row.notice,
        warn_at=row.warn_at,
        attributes=tuple(sorted(row.attributes.items())),
    )


def application_plan(row: ApplicationPlan) -> PlanSnapshot:
    """An application plan: limits, and nothing else."""
    return PlanSnapshot(plan_id=str(row.pk), name=row.name, limits=limits(row.limits))


def api_plan(row: ApiPlan) -> ApiPlanSnapshot:
    """An API plan with its conditional groups (shape: apis.shapes_plans.groups)."""
    return ApiPlanSnapshot(
        plan_id=str(row.pk),
        name=row.name,
        limits=limits(row.limits),
        groups=tuple([_group(one) for one in row.groups]),
    )


def _group(row: Mapping[str, Any]) -> Group:
    conditions = [condition(one["type"], one["name"], one["value"], one["invert"]) for one in row["conditions"]]
    return Group(row["name"], tuple(conditions), limits(row["limits"]))


def load_api_plans() -> dict[str, ApiPlanSnapshot]:
    """Every API plan by its name. One query."""
    return {row.name: api_plan(row) for row in ApiPlan.objects.all()}


def load_custom_plans() -> list[CustomPlanSnapshot]:
    """The custom plans that are switched on and limit anything, by name. One query."""
    return [
        CustomPlanSnapshot(
            plan_id=str(row.pk),
            name=row.name,
            key=tuple([part.strip("{}") for part in row.key.split(":")]),
            limits=limits(row.limits),
        )
        for row in CustomPlan.objects.filter(enabled=True)
        if row.limits
    ]
