"""What lies beyond the limits of a plan that goes on and bills: from minutes, and kept for good before those go.

A limit by the minute needs minutes, one by the hour or longer the rows that are as long or shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Count, F, Q, Sum

from apis.models import Subscription, SubscriptionTerm
from apis.pricing import Month
from apis.services.terms import term_of
from gateway import snapshots_plans
from gateway.core.limits import BOTH, BYTES, EVENTS, Limit
from gateway.core.replay import Bucket, overage
from gateway.models import KeptOverage, UsageMinute
from gateway.session_days import month_of
from gateway.steps import StepOf
from gateway.sums import Marks, added_up, marks, pieces

AT_ONCE: Final = 500  # rows of one statement
COUNTED: Final = {EVENTS: ("events_in", "events_out"), BYTES: ("bytes_in", "bytes_out")}
_COUNTERS: Final = ("sessions", "events_in", "events_out", "bytes_in", "bytes_out")


def of_line(
    limits: Sequence[Limit], subject: SubscriptionTerm, start: datetime, end: datetime, at: Marks
) -> tuple[int, int]:
    """Messages and bytes beyond these limits in a line of a statement.

    Args:
        subject: whose usage it is.
        start, end: of the line, within one month.
    """
    if month_of(start).start < at.minutes_from:
        kept = KeptOverage.objects.filter(subscription_id=subject.subscription_id, began_at=start).first()
        return (kept.events, kept.bytes) if kept is not None else (0, 0)
    # The application is named for its index.
    which = Q(application_id=subject.application_id, subscription_id=subject.subscription_id)
    start, most = start.replace(second=0, microsecond=0), {EVENTS: 0, BYTES: 0}
    for limit in limits:
        if limit.kind not in most or limit.per == "second":
            continue  # usage does not tell
        beyond = _of_minutes(limit, which, start, end) if limit.per == "minute" else _of(limit, which, start, end, at)
        most[limit.kind] = max(most[limit.kind], beyond)
    return most[EVENTS], most[BYTES]


def _of_minutes(limit: Limit, which: Q, start: datetime, end: datetime) -> int:
    """Added up by the database: a month has forty thousand of them."""
    columns = [name for name in COUNTED[limit.kind] if limit.direction in {BOTH, name.partition("_")[2]}]
    amount = sum((F(name) for name in columns[1:]), F(columns[0]))
    rows = UsageMinute.objects.filter(which, minute__gte=start, minute__lt=end).annotate(amount=amount)
    found = rows.filter(amount__gt=limit.amount).order_by().aggregate(all=Sum("amount"), n=Count("pk"))
    return int(found["all"] or 0) - found["n"] * limit.amount


def _of(limit: Limit, which: Q, start: datetime, end: datetime, at: Marks) -> int:
    """By windows of an hour or longer."""
    step = "hour" if limit.per == "hour" else "day"
    rows = added_up(which, pieces(at, start, end, step), step=step, names=_COUNTERS)
    found = ((int(StepOf.moment(row["at"]).timestamp()), [row[name] for name in _COUNTERS]) for row in rows)
    events, size = overage([limit], [Bucket(moment, *counts) for moment, counts in sorted(found)])
    return events if limit.kind == EVENTS else size


def keep(month: Month) -> int:
    """Work out what every line of a month has beyond its limits, and keep it. To do it again changes nothing.

    Args:
        month: one that is over, and whose minutes are all there.

    Returns: how many lines have something beyond.
    """
    at, found = marks(), []
    for term in _billed(month):
        quota = snapshots_plans.limits(term.limits)
        start, end = max(term.began_at, month.start), min(term.ended_at or month.end, month.end)
        if quota and start < end:
            events, size = of_line(quota, term, start, end, at)
            if events or size:
                found.append(
                    KeptOverage(subscription_id=term.subscription_id, began_at=start, events=events, bytes=size)
                )
    KeptOverage.objects.bulk_create(found, AT_ONCE, ignore_conflicts=True)
    return len(found)


def _billed(month: Month) -> Iterator[SubscriptionTerm]:
    """Terms of plans that go on and bill, in force in this month."""
    terms = SubscriptionTerm.objects.filter(began_at__lt=month.end, stop_on_quota=False)
    yield from terms.filter(Q(ended_at=None) | Q(ended_at__gt=month.start)).iterator()
    older: Iterable[Subscription] = Subscription.objects.filter(
        created_at__lt=month.end, business_plan__stop_on_quota=False
    ).exclude(pk__in=SubscriptionTerm.objects.values("subscription_id"))
    for row in older:  # older than terms are
        if row.has_right:
            yield term_of(row, row.created_at)
