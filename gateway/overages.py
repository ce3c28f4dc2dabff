"""What lies beyond the limits of a plan that goes on and bills: from minutes, and kept for good before those go.

A limit by the minute needs minutes, one by the hour or longer the rows that are as long or shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q

from apis.models import Subscription, SubscriptionTerm
from apis.pricing import Month
from apis.services.terms import term_of
from gateway import snapshots_plans
from gateway.core.limits import Limit
from gateway.core.replay import Bucket, overage
from gateway.core.windows import NOMINAL_S
from gateway.models import KeptOverage
from gateway.steps import StepOf
from gateway.sums import ALL, Marks, added_up, marks, pieces

AT_ONCE: Final = 500  # rows of one statement
_COUNTERS: Final = ("sessions", "events_in", "events_out", "bytes_in", "bytes_out")


def of_line(
    limits: Sequence[Limit], subject: SubscriptionTerm, start: datetime, end: datetime, at: Marks
) -> tuple[int, int]:
    """Messages and bytes beyond these limits in a line of a statement.

    Args:
        subject: whose usage it is.
        start, end: of the line, within one month.
    """
    if start.replace(day=1, hour=0, minute=0, second=0, microsecond=0) < at.minutes_from:
        kept = KeptOverage.objects.filter(subscription_id=subject.subscription_id, began_at=start).first()
        return (kept.events, kept.bytes) if kept is not None else (0, 0)
    shortest = min((NOMINAL_S[limit.per] for limit in limits if limit.per != "second"), default=NOMINAL_S["year"])
    step = "minute" if shortest < NOMINAL_S["hour"] else "hour" if shortest < NOMINAL_S["day"] else ALL
    # The application is named for its index.
    which = Q(application_id=subject.application_id, subscription_id=subject.subscription_id)
    parts = pieces(at, start.replace(second=0, microsecond=0), end, step)
    rows = added_up(which, parts, step="minute", names=_COUNTERS)
    buckets = [
        Bucket(int(StepOf.moment(row["at"], "minute").timestamp()), *[row[name] for name in _COUNTERS]) for row in rows
    ]
    return overage(limits, sorted(buckets))


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
