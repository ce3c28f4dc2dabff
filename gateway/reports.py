"""Usage as people see it: the minutes they may see, added up (CONTRACT section 4, /usage)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncHour, TruncMinute

from apis import selectors
from apis.errors import Missing
from apis.models import Subscription
from apis.permissions import Actor
from apis.roles import Capability
from gateway import snapshots_plans
from gateway.core.announcing import rate_limit_fields
from gateway.core.records import TALLY_FIELDS
from gateway.core.snapshot import Entitlement, PlanSnapshot, Principal
from gateway.core.throttling import BYTES, EVENTS, HANDSHAKES, Limit, Throttle
from gateway.core.windows import NOMINAL_S, window
from gateway.models import UsageMinute

STEPS: Final[dict[str, tuple[Any, timedelta]]] = {
    "minute": (TruncMinute, timedelta(minutes=1)),
    "hour": (TruncHour, timedelta(hours=1)),
    "day": (TruncDay, timedelta(days=1)),
}
FIELDS_SHOWN: Final = 20  # subscriptions whose limits are announced in one answer
_COUNTED: Final = {  # kind of limit -> the columns that count it, from the client and to it
    EVENTS: ("events_in", "events_out"),
    BYTES: ("bytes_in", "bytes_out"),
    HANDSHAKES: ("sessions", "sessions"),
}


@dataclass(frozen=True, slots=True)
class Report:
    """Usage between two moments: `rows` by step, without steps in which nothing happened, and their `total`."""

    rows: list[dict[str, Any]]
    total: dict[str, int]


def visible_minutes(
    actor: Actor, *, api_id: UUID | None = None, application_id: UUID | None = None
) -> QuerySet[UsageMinute]:
    """What this person may see: an administrator all, who sees APIs those of APIs, a subscriber their applications'.

    Raises:
        Forbidden: for somebody without any of these roles.
        Missing: for an application that must not be seen.
    """
    actor.require(Capability.SEE_APIS, Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    rows = UsageMinute.objects.all()
    if not actor.can(Capability.ADMINISTER):
        own = selectors.applications_of(actor).values("pk")
        apis = selectors.apis_visible(actor).values("pk")
        rows = rows.filter(Q(api_id__in=apis) | Q(application_id__in=own))
        foreign = application_id is not None and not selectors.applications_of(actor).filter(pk=application_id).exists()
        if foreign and not actor.can(Capability.SEE_APIS):
            raise Missing("There is no such application.")
    if api_id is not None:
        rows = rows.filter(api_id=api_id)
    if application_id is not None:
        rows = rows.filter(application_id=application_id)
    return rows


def report(rows: QuerySet[UsageMinute], start: datetime, end: datetime, step: str) -> Report:
    """Add up `rows` from `start` until before `end`; steps are aligned in UTC."""
    truncate, _ = STEPS[step]
    sums = {name: Sum(name) for name in TALLY_FIELDS}
    between = rows.filter(minute__gte=start.replace(second=0, microsecond=0), minute__lt=end).order_by()
    steps = between.annotate(start=truncate("minute", tzinfo=UTC)).values("start").annotate(**sums).order_by("start")
    found: list[dict[str, Any]] = [dict(row) for row in steps]
    return Report(found, {name: sum(row[name] for row in found) for name in TALLY_FIELDS})


def filled(found: Report, start: datetime, end: datetime, step: str) -> list[dict[str, Any]]:
    """The rows of a report with those in between in which nothing happened, for a chart."""
    _, length = STEPS[step]
    known = {row["start"]: row for row in found.rows}
    at = datetime.fromtimestamp(start.timestamp() // length.total_seconds() * length.total_seconds(), UTC)
    rows = []
    while at < end:
        rows.append(known.get(at) or {"start": at, **dict.fromkeys(TALLY_FIELDS, 0)})
        at += length
    return rows


def rate_limits(
    actor: Actor, now: datetime, *, api_id: UUID | None, application_id: UUID | None
) -> tuple[tuple[str, str], ...]:
    """`RateLimit` and `RateLimit-Policy` of a subscriber's own plans, from what usage shows.

    Windows shorter than usage's minute are left out. Where several subscriptions are asked for, each policy's
    name begins with its API.
    """
    own = selectors.applications_of(actor).filter(owner=actor.person).values("pk")
    subscriptions = Subscription.objects.select_related("api__version_set", "application__plan", "business_plan")
    subscriptions = subscriptions.filter(application__in=own).order_by("created_at")
    if api_id is not None:
        subscriptions = subscriptions.filter(api_id=api_id)
    if application_id is not None:
        subscriptions = subscriptions.filter(application_id=application_id)
    chosen = list(subscriptions[:FIELDS_SHOWN])
    throttles: list[Throttle] = []
    for row in chosen:
        prefix = "" if len(chosen) == 1 else f"{row.api} "
        plan = snapshots_plans.business_plan(row.business_plan)
        throttles += _running(plan, UsageMinute.objects.filter(subscription_id=row.pk), now, prefix)
    for application in {row.application_id: row.application for row in chosen}.values():
        prefix = "application-" if len(chosen) == 1 else f"{application} "
        plan = snapshots_plans.application_plan(application.plan)
        throttles += _running(plan, UsageMinute.objects.filter(application_id=application.pk), now, prefix)
    return rate_limit_fields(throttles, now.timestamp())


def standing(entitlement: Entitlement, principal: Principal, now: datetime) -> tuple[tuple[str, str], ...]:
    """`RateLimit` and `RateLimit-Policy` of the plans that a session would be counted by, from what usage shows."""
    if not entitlement.application_id:
        return ()  # a test key
    rows = UsageMinute.objects.filter(application_id=entitlement.application_id)
    mine = rows.filter(api_id=entitlement.api_id, subscription_id=entitlement.billed_to or None)
    throttles = [*_running(entitlement.business_plan, mine, now, "")]
    if principal.end_user == entitlement.owner_id:  # usage does not tell the end users of an application apart
        throttles += _running(entitlement.application_plan, rows, now, "application-")
    return rate_limit_fields(throttles, now.timestamp())


def _running(plan: PlanSnapshot, rows: QuerySet[UsageMinute], now: datetime, prefix: str) -> Iterable[Throttle]:
    """The limits of a plan as they stand, counted from usage."""
    for limit in plan.enforced():
        if NOMINAL_S[limit.per] < NOMINAL_S["minute"] or limit.kind not in _COUNTED:
            continue  # usage is by the minute, and does not count connection time
        throttle = Throttle(limit, now.timestamp(), prefix)
        throttle.taken = _used(limit, rows, now)
        yield throttle


def _used(limit: Limit, rows: QuerySet[UsageMinute], now: datetime) -> int:
    start = datetime.fromtimestamp(window(limit.per, now.timestamp())[0], UTC)
    into, out = _COUNTED[limit.kind]
    columns = {into} if limit.kind == HANDSHAKES else {"in": {into}, "out": {out}}.get(limit.direction, {into, out})
    sums = rows.filter(minute__gte=start).aggregate(**{f"of_{name}": Sum(name) for name in columns})
    return sum(value or 0 for value in sums.values())
