"""How sessions went in a period: from a row for each month and day that is over, and from usage records for the rest.

A day's row is made once its records are there, from the records themselves, and a month's from its days; whoever writes
a record of such a day later makes the rows that it belongs to anew, in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, Case, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Cast

from apis.pricing import Month
from gateway.models import SessionDay, SessionMonth, UsageMark, UsageRecord
from gateway.rolling import day_of, mark
from gateway.steps import DAY

GRACE: Final = timedelta(hours=2)  # a day's row is made so long after its end: the last hour is settled by then
LATE_S: Final = 3_600.0  # a record that is written so long after its end may be late: half of GRACE
SUMS: Final = ("sessions", "events_in", "events_out", "bytes_in", "bytes_out", "throttled", "connection_ms")
SUBJECTS: Final = ("api_id", "application_id")
STEPS: Final = (  # (below so many ms, told apart by so many): at most a hundredth of a length, or 10 ms, or a second
    (10_000, 10), (1_000_000, 1_000), (10_000_000, 10_000), (100_000_000, 100_000),
)  # fmt: skip
LONGER_MS: Final = 1_000_000


@dataclass(slots=True)
class Went:
    """How sessions went.

    Attributes:
        plans: plan -> sums, by SUMS, of all records.
        closes: (code, initiator) -> sessions that ended so.
        lengths: ms -> sessions that had lasted so long; `ms` is exactly how long all of them had.
    """

    plans: dict[str, list[int]] = field(default_factory=dict)
    closes: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    ms: int = 0

    def add(self, day: dict[str, Any]) -> None:
        """Add a row of `SessionDay` or `SessionMonth`."""
        for plan, sums in day["plans"].items():
            self._plan(plan, sums)
        for code, initiator, count in day["closes"]:
            self.closes[code, initiator] += count
        lengths = self.lengths
        for length, count in day["lengths"].items():
            lengths[int(length)] += count
        self.ms += day["ms"]

    def add_records(self, records: QuerySet[UsageRecord]) -> None:
        """Add what records say, by two questions."""
        for row in _plan_rows(records):
            self._plan(row["plan"], [int(row[f"of_{name}"]) for name in SUMS])
        for row in _end_rows(records):
            self._end(row)

    def _plan(self, plan: str, sums: list[int]) -> None:
        before = self.plans.get(plan)
        self.plans[plan] = sums if before is None else [a + b for a, b in zip(before, sums, strict=True)]

    def _end(self, row: dict[str, Any]) -> None:
        self.lengths[int(row["length"])] += row["n"]
        self.closes[row["close_code"], row["initiator"]] += row["n"]
        self.ms += int(row["all"])

    @property
    def kept(self) -> dict[str, Any]:
        """As `SessionDay` keeps it."""
        closes = [[code, initiator, count] for (code, initiator), count in self.closes.items()]
        return {"plans": self.plans, "closes": closes, "lengths": self.lengths, "ms": self.ms}


def went(column: str, key: UUID, start: datetime, end: datetime) -> Went:
    """How the sessions of an API or an application went.

    Args:
        column: "api_id" or "application_id".
        start, end: of records that ended from `start` until before `end`.
    """
    found = Went()
    until = UsageMark.objects.filter(pk=1).values_list("sessions_until", flat=True).first()
    first = day_of(start + DAY - timedelta(microseconds=1))
    last = min(until, day_of(end)) if until is not None else first
    rest = Q(ended_at__gte=start, ended_at__lt=end)
    if first < last:
        for row in _rows_of(key, first, last):
            found.add(row)
        if start == first and last >= end:
            return found
        rest = Q(ended_at__gte=last, ended_at__lt=end)
        if start < first:
            rest |= Q(ended_at__gte=start, ended_at__lt=first)
    found.add_records(UsageRecord.objects.filter(rest, **{column: key}))
    return found


def _rows_of(key: UUID, first: datetime, last: datetime) -> Iterator[dict[str, Any]]:
    """Days from `first` until before `last`, whole months as one, by one question."""
    month = month_of(first)
    months_from = first if month.start == first else month.end
    months_until = max(months_from, month_of(last).start)
    months = SessionMonth.objects.filter(subject_id=key, start__gte=months_from, start__lt=months_until)
    apart = Q(start__lt=min(months_from, last)) | Q(start__gte=months_until)
    days = SessionDay.objects.filter(apart, subject_id=key, start__gte=first, start__lt=last)
    yield from months.values_list("went", flat=True).union(days.values_list("went", flat=True), all=True)


def month_of(moment: datetime) -> Month:
    """The month that a moment (UTC) is in."""
    return Month(moment.year, moment.month)


def _plan_rows(records: QuerySet[UsageRecord], *by: str) -> Iterator[dict[str, Any]]:
    rows: Any = records.order_by(*by).values(*by, "plan").annotate(**{f"of_{name}": Sum(name) for name in SUMS})
    yield from rows.iterator()


def _end_rows(records: QuerySet[UsageRecord], *by: str) -> Iterator[dict[str, Any]]:
    """A count for each length, as fine as a person can tell: percentiles need no row for each session."""
    whole = UsageRecord.objects.filter(session_id=OuterRef("session_id")).order_by().values("session_id")
    total = Subquery(whole.annotate(all=Sum("connection_ms")).values("all"), output_field=BigIntegerField())
    either = Case(When(sequence=0, then=F("connection_ms")), default=total)
    # A sum is no whole number to PostgreSQL.
    ended = records.exclude(initiator="").annotate(ms=Cast(either, BigIntegerField()))
    fine = [When(ms__lt=below, then=F("ms") / step * step) for below, step in STEPS]
    rough = Case(*fine, default=F("ms") / LONGER_MS * LONGER_MS)
    groups: Any = ended.annotate(length=rough).order_by(*by).values(*by, "length", "close_code", "initiator")
    yield from groups.annotate(n=Count("pk"), all=Sum("ms")).iterator()


# A row for each day -------------------------------------------------------------------------------------------------


def advance(now: float) -> bool:
    """Make the rows of the next day that is over. Returns: whether there may be more to do.

    Args:
        now: epoch seconds.
    """
    end = day_of(datetime.fromtimestamp(now, UTC) - GRACE)
    known = UsageMark.objects.filter(pk=1).values_list("sessions_until", flat=True).first()
    if known is not None and known >= end:
        return False
    records = UsageRecord.objects.order_by("ended_at")
    if known is not None:
        records = records.filter(ended_at__gte=known)
    first = records.values_list("ended_at", flat=True).first()
    if first is None and known is None:
        return False
    day = day_of(first) if first is not None and first < end else None
    if day is None:
        return not _move(known, end)
    of_day = UsageRecord.objects.filter(ended_at__gte=day, ended_at__lt=day + DAY)
    count, rows = of_day.count(), list(_rows(of_day, day))
    with transaction.atomic():
        at = mark()
        if at.sessions_until != known or of_day.count() != count:
            return True  # another process was faster, or a record has come: once more
        SessionDay.objects.filter(start=day).delete()
        SessionDay.objects.bulk_create(rows, 200)
        _set_until(at, day + DAY)
    return True


@transaction.atomic
def _move(known: datetime | None, end: datetime) -> bool:
    """Nothing ended since: there is no row to make. Returns: whether nobody was faster."""
    at = mark()
    if at.sessions_until != known:
        return False
    _set_until(at, end)
    return True


def _set_until(at: UsageMark, until: datetime) -> None:
    """Move the mark, and make the rows of the months that are complete with that."""
    first = SessionDay.objects.filter(start__lt=until).order_by("start")
    if at.sessions_until is not None:
        first = first.filter(start__gte=month_of(at.sessions_until).start)
    start = first.values_list("start", flat=True).first()
    month = None if start is None else month_of(start)
    while month is not None and month.end <= until:
        if at.sessions_until is None or month.end > at.sessions_until:
            _make_month(month)
        month = month.next
    at.sessions_until = until
    at.save()


def _make_month(month: Month, only: Iterable[UUID | str] = ()) -> None:
    """Make the rows of a month from its days, all or those of some subjects."""
    days = SessionDay.objects.filter(start__gte=month.start, start__lt=month.end)
    old, ids = SessionMonth.objects.filter(start=month.start), list(only)
    if ids:
        days, old = days.filter(subject_id__in=ids), old.filter(subject_id__in=ids)
    old.delete()
    found: dict[Any, Went] = {}
    for key, day in days.values_list("subject_id", "went").iterator():
        found.setdefault(key, Went()).add(day)
    rows = (SessionMonth(subject_id=key, start=month.start, went=one.kept) for key, one in found.items())
    SessionMonth.objects.bulk_create(rows, 200)


def _rows(records: QuerySet[UsageRecord], day: datetime, only: Iterable[tuple[str, Any]] = ()) -> Iterator[SessionDay]:
    """The rows of every API and application that these records are of, or only of some (column, id)."""
    chosen = list(only)
    for column in SUBJECTS:
        ids = [key for name, key in chosen if name == column]
        some = records.filter(**{f"{column}__in": ids}) if chosen else records.exclude(**{column: None})
        found: dict[Any, Went] = {}
        for row in _plan_rows(some, column):
            found.setdefault(row[column], Went())._plan(row["plan"], [int(row[f"of_{name}"]) for name in SUMS])
        for row in _end_rows(some, column):
            found[row[column]]._end(row)
        yield from (SessionDay(subject_id=key, start=day, went=one.kept) for key, one in found.items())


def late_from(ends: Iterable[datetime], now: float) -> datetime | None:
    """Lock the mark where one of these records may be of a day that has its row. To be called first in a transaction.

    Args:
        ends: when records ended.
        now: epoch seconds.

    Returns: where days without rows begin, or None where there are none with rows.
    """
    if min((end.timestamp() for end in ends), default=now) >= now - LATE_S:
        return None
    return mark().sessions_until


def make_anew(until: datetime | None, late: Iterable[tuple[UUID | str, UUID | str | None, datetime]]) -> None:
    """Make the rows of days anew to which records were added; the mark is locked.

    Args:
        until: what `late_from` said.
        late: (api, application, end) of each record that was written.
    """
    days: dict[datetime, set[tuple[str, Any]]] = {}
    for api, application, end in late:
        if until is not None and end < until:
            keys = {("api_id", str(api)), *([("application_id", str(application))] if application else [])}
            days.setdefault(day_of(end.astimezone(UTC)), set()).update(keys)
    for day, keys in days.items():
        of_day = UsageRecord.objects.filter(ended_at__gte=day, ended_at__lt=day + DAY)
        ids = [key for _, key in keys]
        SessionDay.objects.filter(start=day, subject_id__in=ids).delete()
        SessionDay.objects.bulk_create(_rows(of_day, day, keys), 200)
        if until is not None and month_of(day).end <= until:
            _make_month(month_of(day), ids)
