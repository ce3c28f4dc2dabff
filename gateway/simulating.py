"""The plan simulator: what was used lately, replayed against a draft plan. It reads, and saves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from apis import selectors
from apis.errors import Invalid, Missing
from apis.models import BusinessPlan, Subscription
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.plan_values import plan_values
from apis.words import phrase
from gateway import snapshots_plans
from gateway.core.plans import burst_limit
from gateway.core.replay import Bucket, Draft, Finding, Span, replay
from gateway.models import UsageMinute, UsageRecord

FIELDS: Final = ("limits", "burst", "max_sessions", "max_session_s", "stop_on_quota")
DAYS: Final = 7
DAYS_LIMIT: Final = 31
ROWS_LIMIT: Final = 500_000  # minutes and records: some seconds of work
SHOWN: Final = 500  # subscriptions in an answer, those that would have been limited most often first
NOT_TOLD: Final = (
    "Messages that the present plans refused are not in it, and nobody in the replay slows down.",
    "Sizes of single messages are not kept, so a largest message is not simulated.",
    "Sessions are known once their record is written: at their end, or at the end of the hour.",
)


@dataclass(slots=True)
class Row:
    """A subscription that the draft would have limited."""

    subscription: UUID
    api: str
    application: str
    owner: str
    plan: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def times(self) -> int:
        return sum(one.times for one in self.findings)


@dataclass(slots=True)
class Simulation:
    """What came of it.

    Attributes:
        subscriptions: that used anything in this time.
        limited, perhaps: how many the draft would have limited, and how many more that cannot be told.
        rows: at most SHOWN of them.
    """

    start: datetime
    end: datetime
    subscriptions: int = 0
    limited: int = 0
    perhaps: int = 0
    rows: list[Row] = field(default_factory=list)


def draft_of(values: dict[str, Any]) -> Draft:
    """A draft plan of the fields FIELDS. Raises: Invalid with a path for each problem."""
    done = plan_values(BusinessPlan, values)
    burst = done.get("burst")
    return Draft(
        limits=snapshots_plans.limits(done.get("limits", [])),
        burst=burst_limit(burst["amount"], burst["per"]) if burst else None,
        max_sessions=done.get("max_sessions"),
        max_session_s=done.get("max_session_s"),
        stops=done.get("stop_on_quota", True),
    )


def plan_simulate(
    *, actor: Actor, now: datetime, days: Any = DAYS, api_id: UUID | None = None, plan_id: UUID | None = None,
    **values: Any,
) -> Simulation:  # fmt: skip
    """Replay the last days of usage against a draft plan.

    Args:
        days: 1 to DAYS_LIMIT.
        api_id, plan_id: only subscriptions to this API, only those that run under this business plan now.
        values: of the draft, FIELDS.

    Raises:
        Forbidden: for anybody but publishers (for APIs they see) and administrators.
        Missing: for an API that must not be seen. Invalid.
    """
    actor.require(Capability.MANAGE_SUBSCRIPTIONS, Capability.ADMINISTER)
    problems: dict[str, Any] = {}
    draft = Draft()
    try:
        draft = draft_of(values)
    except Invalid as refusal:
        problems |= refusal.fields
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= DAYS_LIMIT:
        problems["days"] = phrase("This should be a whole number between 1 and {most}.", most=DAYS_LIMIT)
    if problems:
        raise Invalid(problems)
    if api_id is not None:
        selectors.api_get(actor, api_id)
    chosen = selectors.subscriptions_visible(actor)
    if api_id is not None:
        chosen = chosen.filter(api_id=api_id)
    if plan_id is not None:
        if not BusinessPlan.objects.filter(pk=plan_id).exists():
            raise Missing("There is no such plan.")
        chosen = chosen.filter(business_plan_id=plan_id)
    end = now.replace(second=0, microsecond=0)
    return _run(draft, chosen, Simulation(end - timedelta(days=days), end))


def _run(draft: Draft, chosen: QuerySet[Subscription], done: Simulation) -> Simulation:
    ids = chosen.order_by().values("pk")
    minutes = UsageMinute.objects.filter(subscription_id__in=ids, minute__gte=done.start, minute__lt=done.end)
    records = UsageRecord.objects.filter(subscription_id__in=ids, ended_at__gte=done.start, started_at__lt=done.end)
    if minutes.count() + records.count() > ROWS_LIMIT:
        raise Invalid(
            {
                "days": phrase(
                    "This is more than {most:,} rows of usage; choose one API, or fewer days.", most=ROWS_LIMIT
                )
            }
        )
    spans = _spans(records)
    subscriptions = {row.pk: row for row in chosen}
    rows = []
    for key, buckets in _buckets(minutes):
        done.subscriptions += 1
        findings = replay(draft, buckets, spans.get(key, ()))
        if findings:
            row = subscriptions[key]
            owner = row.application.owner.get_username()
            rows.append(Row(key, str(row.api), row.application.name, owner, row.business_plan.name, findings))
    done.limited = sum(row.times > 0 for row in rows)
    done.perhaps = len(rows) - done.limited
    done.rows = sorted(rows, key=lambda row: -row.times)[:SHOWN]
    return done


def _buckets(minutes: QuerySet[UsageMinute]) -> Iterator[tuple[UUID, list[Bucket]]]:
    names = ("subscription_id", "minute", "sessions", "events_in", "events_out", "bytes_in", "bytes_out")
    found = minutes.order_by("subscription_id", "minute").values_list(*names).iterator()
    for key, rows in groupby(found, key=lambda row: row[0]):
        yield key, [Bucket(int(minute.timestamp()), *counts) for _, minute, *counts in rows]


def _spans(records: QuerySet[UsageRecord]) -> dict[UUID, list[Span]]:
    names = ("subscription_id", "session_id", "started_at", "ended_at", "connection_ms")
    spans: dict[UUID, list[Span]] = {}
    for key, session_id, start, end, connected in records.order_by("started_at").values_list(*names).iterator():
        if connected:  # what was settled after a kill has no session of its own
            spans.setdefault(key, []).append(Span(session_id, start.timestamp(), end.timestamp()))
    return spans
