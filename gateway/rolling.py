"""Minutes added up to hours, and hours to days, once they are over (docs/counting.md).

An hour's rows are set to the sums of its minutes, never added to: to do it again changes nothing, and a crash in
between leaves nothing half done. One row says how far this has come (`UsageMark`); whoever moves it, or writes into
what is added up already, holds its lock. Who writes a minute so late adds it to hour and day in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import F, QuerySet, Sum

from gateway.core.records import TALLY_FIELDS, Tally
from gateway.models import UsageDay, UsageHour, UsageMark, UsageMinute
from gateway.steps import DAY, HOUR

log = structlog.get_logger("gateway")

GRACE: Final = timedelta(minutes=10)  # an hour is added up so long after its end
LATE: Final = timedelta(minutes=5)  # a minute that is written so long after its end may be late: half of GRACE
BACK: Final = 6  # hours that are compared with their minutes again: clocks may differ, an older release may be late
BUSY_S: Final = 0.5  # nobody else's question waits longer for this one's thread
BATCH: Final = 500
KEY: Final = ("api_id", "application_id", "subscription_id")
_SUMS: Final = {f"sum_{name}": Sum(name) for name in TALLY_FIELDS}
Key = tuple[Any, ...]
Counts = dict[Key, list[int]]


def mark() -> UsageMark:
    """The mark, locked until the end of the transaction."""
    found, _ = UsageMark.objects.select_for_update().get_or_create(pk=1)
    return found


def hour_of(moment: datetime) -> datetime:
    """Start of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    """Start of the day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


# Adding up ---------------------------------------------------------------------------------------------------------


def advance(now: float) -> bool:
    """Add up what is over and is not added up yet, for half a second at most.

    Args:
        now: epoch seconds.

    Returns: whether there is more to do.
    """
    end = hour_of(datetime.fromtimestamp(now, UTC) - GRACE)
    known = UsageMark.objects.filter(pk=1).first()
    if known is not None and known.hours_until is not None and known.hours_until >= end:
        return False
    stop = monotonic() + BUSY_S
    while monotonic() < stop:
        if not _next_hour(end):
            return False
    return True


@transaction.atomic
def _next_hour(end: datetime) -> bool:
    """Add up the next hour in which anything happened. Returns: whether there was one before `end`."""
    at = mark()
    minutes = UsageMinute.objects.order_by("minute")
    if at.hours_until is not None:
        minutes = minutes.filter(minute__gte=at.hours_until)
    first = minutes.values_list("minute", flat=True).first()
    if first is None and at.hours_until is None:
        return False  # nothing was ever counted
    hour = hour_of(first) if first is not None and first < end else None
    if hour is not None:
        _set_hour(at, hour)
    until = end if hour is None else hour + HOUR
    if at.hours_until is None or until > at.hours_until:
        at.hours_until = until
        _add_days(at)
        at.save()
    return hour is not None


def _set_hour(at: UsageMark, hour: datetime) -> int:
    """Set the rows of an hour to the sums of its minutes, its day by as much. Returns: how many changed."""
    minutes = _sums(UsageMinute.objects.filter(minute__gte=hour, minute__lt=hour + HOUR))
    there = {_key(row): row for row in UsageHour.objects.filter(start=hour)}
    more: dict[Key, Tally] = {}
    new: list[UsageHour] = []
    for key, counts in minutes.items():
        row = there.get(key)
        before = [getattr(row, name) for name in TALLY_FIELDS] if row is not None else [0] * len(TALLY_FIELDS)
        if row is None:
            new.append(UsageHour(**_row(key, hour), **dict(zip(TALLY_FIELDS, counts, strict=True))))
        elif counts != before:
            UsageHour.objects.filter(pk=row.pk).update(**dict(zip(TALLY_FIELDS, counts, strict=True)))
        if counts != before:
            more[key] = Tally(*[now - old for now, old in zip(counts, before, strict=True)])
    UsageHour.objects.bulk_create(new, BATCH)
    if at.days_until is not None and hour < at.days_until:
        for key, tally in more.items():
            add(UsageDay, key, day_of(hour), tally)
    return len(more)


def _add_days(at: UsageMark) -> None:
    """Make the days whose hours are complete, by the lock of `at`."""
    assert at.hours_until is not None  # noqa: S101
    end = day_of(at.hours_until)
    while at.days_until is None or at.days_until < end:
        hours = UsageHour.objects.filter(start__lt=end).order_by("start")
        if at.days_until is not None:
            hours = hours.filter(start__gte=at.days_until)
        first = hours.values_list("start", flat=True).first()
        if first is None:
            at.days_until = end
            return
        day = day_of(first)
        rows = _sums(UsageHour.objects.filter(start__gte=day, start__lt=day + DAY))
        made = [
            UsageDay(**_row(key, day), **dict(zip(TALLY_FIELDS, counts, strict=True))) for key, counts in rows.items()
        ]
        UsageDay.objects.bulk_create(made, BATCH)
        at.days_until = day + DAY


def _sums(rows: QuerySet[Any]) -> Counts:
    found = rows.order_by().values(*KEY).annotate(**_SUMS)
    return {_key(row): [int(row[f"sum_{name}"]) for name in TALLY_FIELDS] for row in found}


def _key(row: Any) -> Key:
    """Whose row this is."""
    return tuple(row[name] if isinstance(row, dict) else getattr(row, name) for name in KEY)


def _row(key: Key, start: datetime) -> dict[str, Any]:
    return {**dict(zip(KEY, key, strict=True)), "start": start}


def compare(now: float) -> int:
    """Once an hour, compare the last hours that are added up with their minutes, and set right what differs.

    Nothing does, unless clocks differ by minutes or a process of an earlier release was late.

    Returns: how many rows were set right.
    """
    this = hour_of(datetime.fromtimestamp(now, UTC))
    known = UsageMark.objects.filter(pk=1).first()
    if known is None or known.hours_until is None or (known.checked_at is not None and known.checked_at >= this):
        return 0
    found = 0
    for number in range(1, BACK + 1):
        with transaction.atomic():
            found += _set_hour(mark(), known.hours_until - number * HOUR)
    with transaction.atomic():
        at = mark()
        at.checked_at = this
        at.save()
    if found:
        log.warning("usage_hours_corrected", rows=found)
    return found


# Writing late ------------------------------------------------------------------------------------------------------


def late_from(starts: Iterable[float], now: float) -> UsageMark | None:
    """Lock the mark where one of these minutes may be in an hour that is added up. To be called first in a transaction.

    Args:
        starts: of minutes, epoch seconds.
        now: epoch seconds.

    Returns: the mark, or None where none of these is so late.
    """
    if min(starts, default=now) >= now - LATE.total_seconds():
        return None
    return mark()


def add_late(at: UsageMark, key: Key, minute: datetime, tally: Tally) -> None:
    """Add what a minute got to the hour and the day that it belongs to, where these are added up already.

    Args:
        at: the mark, locked.
        key: (api, application, subscription).
        minute: its start.
    """
    if at.hours_until is not None and minute < at.hours_until:
        add(UsageHour, key, hour_of(minute), tally)
        if at.days_until is not None and minute < at.days_until:
            add(UsageDay, key, day_of(minute), tally)


def add(model: type[UsageHour | UsageDay], key: Key, start: datetime, tally: Tally) -> None:
    """Add to the row of a key, which is made where there is none. The mark is locked, so nobody else makes it."""
    which = _row(key, start)
    counts = {name: getattr(tally, name) for name in TALLY_FIELDS}
    more = {name: F(name) + count for name, count in counts.items()}
    if not model.objects.filter(**just(which)).update(**more):
        model.objects.create(**which, **counts)


def just(which: dict[str, Any]) -> dict[str, Any]:
    """The condition for rows that have these values, None among them."""
    return {name if value is not None else f"{name}__isnull": True if value is None else value
            for name, value in which.items()}  # fmt: skip
