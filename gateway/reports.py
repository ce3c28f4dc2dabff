"""Usage as people see it: what they may see of it, added up (CONTRACT section 4, /usage)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

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
from gateway.steps import DAY, STEPS, StepOf
from gateway.sums import Marks, added_up, marks, pieces, total

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


def visible_usage(actor: Actor, *, api_id: UUID | None = None, application_id: UUID | None = None) -> Q:
    """What this person may see: an administrator all, who sees APIs those of APIs, a subscriber their applications'.

    Returns: a condition for `gateway.sums`.
    Raises:
        Forbidden: for somebody without any of these roles.
        Missing: for an application that must not be seen.
    """
    actor.require(Capability.SEE_APIS, Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    rows = Q()
    if not actor.can(Capability.ADMINISTER):
        own = selectors.applications_of(actor).values("pk")
        apis = selectors.apis_visible(actor).values("pk")
        rows = Q(api_id__in=apis) | Q(application_id__in=own)
        foreign = application_id is not None and not selectors.applications_of(actor).filter(pk=application_id).exists()
        if foreign and not actor.can(Capability.SEE_APIS):
            raise Missing("There is no such application.")
    if api_id is not None:
        rows &= Q(api_id=api_id)
    if application_id is not None:
        rows &= Q(application_id=application_id)
    return rows


def report(which: Q, start: datetime, end: datetime, step: str) -> Report:
    """Add up what `which` chooses from `start` until before `end`; steps are aligned in UTC."""
    start, end = start.astimezone(UTC).replace(second=0, microsecond=0), end.astimezone(UTC)
    found = added_up(which, pieces(marks(), start, end, step), step=step)
    rows = sorted(({"start": StepOf.moment(row.pop("at")), **row} for row in found), key=itemgetter("start"))
    return Report(rows, {name: sum(row[name] for row in rows) for name in TALLY_FIELDS})


def filled(found: Report, start: datetime, end: datetime, step: str) -> list[dict[str, Any]]:
    """The rows of a report with those in between in which nothing happened, for a chart."""
    length = STEPS[step]
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
    chosen, at = list(subscriptions[:FIELDS_SHOWN]), marks()
    throttles: list[Throttle] = []
    for row in chosen:
        prefix = "" if len(chosen) == 1 else f"{row.api} "
        plan = snapshots_plans.business_plan(row.business_plan)
        throttles += _running(plan, _of(row), at, now, prefix)
    for application in {row.application_id: row.application for row in chosen}.values():
        prefix = "application-" if len(chosen) == 1 else f"{application} "
        plan = snapshots_plans.application_plan(application.plan)
        throttles += _running(plan, Q(application_id=application.pk), at, now, prefix)
    return rate_limit_fields(throttles, now.timestamp())


def _of(row: Subscription) -> Q:
    """Usage of a subscription; its application is named for the index."""
    return Q(application_id=row.application_id, subscription_id=row.pk)


def standing(entitlement: Entitlement, principal: Principal, now: datetime) -> tuple[tuple[str, str], ...]:
    """`RateLimit` and `RateLimit-Policy` of the plans that a session would be counted by, from what usage shows."""
    if not entitlement.application_id:
        return ()  # a test key
    rows = Q(application_id=entitlement.application_id)
    billed_to, at = entitlement.billed_to, marks()
    mine = rows & Q(api_id=entitlement.api_id)
    mine &= Q(subscription_id=billed_to) if billed_to else Q(subscription_id__isnull=True)
    throttles = [*_running(entitlement.business_plan, mine, at, now, "")]
    if principal.end_user == entitlement.owner_id:  # usage does not tell the end users of an application apart
        throttles += _running(entitlement.application_plan, rows, at, now, "application-")
    return rate_limit_fields(throttles, now.timestamp())


def _running(plan: PlanSnapshot, which: Q, at: Marks, now: datetime, prefix: str) -> Iterable[Throttle]:
    """The limits of a plan as they stand, counted from usage."""
    for limit in plan.enforced():
        if NOMINAL_S[limit.per] < NOMINAL_S["minute"] or limit.kind not in _COUNTED:
            continue  # usage is by the minute, and does not count connection time
        throttle = Throttle(limit, now.timestamp(), prefix)
        throttle.taken = _used(limit, which, at, now)
        yield throttle


def _used(limit: Limit, which: Q, at: Marks, now: datetime) -> int:
    start = datetime.fromtimestamp(window(limit.per, now.timestamp())[0], UTC)
    into, out = _COUNTED[limit.kind]
    columns = {into} if limit.kind == HANDSHAKES else {"in": {into}, "out": {out}}.get(limit.direction, {into, out})
    after = now + DAY  # whatever the clocks of other machines say
    return sum(total(which, pieces(at, start, after), sorted(columns)).values())
