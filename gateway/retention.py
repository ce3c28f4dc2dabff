"""Letting go of old usage: of records when an operator says so, of minutes and hours by age. The history says so.

Minutes live on in hours, hours in days, and what statements need of minutes is worked out before these go.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

import structlog
from django.db import transaction
from django.utils import timezone

from apis.errors import Invalid
from apis.models import HistoryEntry
from gateway import conf, overages
from gateway.models import UsageHour, UsageMark, UsageMinute, UsageRecord
from gateway.rolling import BUSY_S, day_of, hour_of, mark
from gateway.session_days import month_of
from gateway.steps import DAY, HOUR

log = structlog.get_logger("gateway")

OPERATOR: Final = "operator"  # who has a shell on the machine; no person of the portal
BY_AGE: Final = "retention"
_TABLES: Final[dict[str, tuple[Any, str, str]]] = {  # what is let go of -> its table, when it starts, in words
    "minutes": (UsageMinute, "minute", "usage by the minute"),
    "hours": (UsageHour, "start", "usage by the hour"),
}


@transaction.atomic
def usage_prune(before: datetime) -> int:
    """Delete the records that ended before a moment, and write that into the history.

    Args:
        before: not later than the start of the last full month, whose statements are still asked for.

    Returns: how many.
    Raises: Invalid.
    """
    last = month_of(timezone.now()).previous.start
    if before > last:
        raise Invalid({"before": f"This month and the last one are kept: {last:%Y-%m-%d} is the latest."})
    count = UsageRecord.objects.prune(before)
    HistoryEntry.objects.create(
        actor_name=OPERATOR,
        subject="usage records",
        action="prune_usage",
        detail={"before": before.isoformat(), "records": count},
    )
    return count


def let_go(now: float) -> bool:
    """Let go of what is old enough, for half a second at most: first it is said, a day later rows go.

    In between everybody who asks has heard of it, and reads nothing that is about to go.

    Args:
        now: epoch seconds.

    Returns: whether there is more to do.
    """
    at = UsageMark.objects.filter(pk=1).first()
    if at is None or at.days_until is None:
        return False  # nothing is added up yet
    today = day_of(datetime.fromtimestamp(now, UTC))
    for name in _TABLES:
        cut = min(today - timedelta(days=conf.get(f"USAGE_{name.upper()}_DAYS")), at.days_until)
        if _announce(name, at, cut):
            return True
    stop = monotonic() + BUSY_S
    return any([_delete("minutes", at.minutes_from, HOUR, stop), _delete("hours", at.hours_from, DAY, stop)])


def _announce(name: str, at: UsageMark, cut: datetime) -> bool:
    """Say from where on rows are kept, a month at a time. Returns: whether it said something."""
    rows, column, words = _TABLES[name]
    said = getattr(at, f"{name}_from")
    going = rows.objects.filter(**{f"{column}__lt": cut}).order_by(column)
    going = going if said is None else going.filter(**{f"{column}__gte": said})
    first = going.values_list(column, flat=True).first()
    if first is None:
        return False
    month = month_of(first)
    cut = min(cut, month.end)
    if name == "minutes":
        overages.keep(month)
    with transaction.atomic():
        locked = mark()
        if getattr(locked, f"{name}_from") != said:
            return True  # another process was faster
        setattr(locked, f"{name}_from", cut)
        locked.save()
        count = going.filter(**{f"{column}__lt": cut}).count()
        HistoryEntry.objects.create(
            actor_name=BY_AGE, subject=words, action="prune_usage", detail={"before": cut.isoformat(), name: count}
        )
    log.info("usage_let_go", what=name, before=cut.isoformat(), rows=count)
    return True


def _delete(name: str, since: datetime | None, length: timedelta, stop: float) -> bool:
    """Delete rows that everybody knows to be gone, a few at a time. Returns: whether there are more."""
    rows, column, _ = _TABLES[name]
    if since is None:
        return False
    gone = rows.objects.filter(**{f"{column}__lt": since - DAY}).order_by(column)
    while (first := gone.values_list(column, flat=True).first()) is not None:
        if monotonic() > stop:
            return True
        end = min(hour_of(first) + length, since - DAY)
        rows.objects.filter(**{f"{column}__lt": end}).delete()
    return False
