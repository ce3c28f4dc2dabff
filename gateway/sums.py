"""Usage of a period, read from as few rows as say it exactly: days, hours where no whole day is left, and minutes.

What is not added up yet is read from minutes (`gateway.rolling`). Where finer rows are let go of already
(`gateway.retention`), an hour or a day belongs to the period that its start is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, IntegerField, Q, Value
from django.db.models.expressions import Combinable

from gateway.core.records import TALLY_FIELDS
from gateway.models import UsageDay, UsageHour, UsageMark, UsageMinute
from gateway.steps import DAY, HOUR, StepOf

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
ALL: Final = ""  # a step: the whole period in one
_START: Final[dict[type[Any], str]] = {UsageMinute: "minute", UsageHour: "start", UsageDay: "start"}
_IDS: Final = {"api_id", "application_id", "subscription_id"}


@dataclass(frozen=True, slots=True)
class Marks:
    """How far usage is added up, and from where finer rows are kept (`gateway.models.UsageMark`)."""

    hours_until: datetime = BEGINNING
    days_until: datetime = BEGINNING
    minutes_from: datetime = BEGINNING
    hours_from: datetime = BEGINNING

    def kept_from(self, step: str) -> datetime:
        """Where rows as fine as this step begin."""
        return {"minute": self.minutes_from, "hour": self.hours_from}.get(step, BEGINNING)


def marks() -> Marks:
    """As they are now. What was true a moment ago is exact as well: only after a day are rows gone that it names."""
    names = ("hours_until", "days_until", "minutes_from", "hours_from")
    row = UsageMark.objects.filter(pk=1).values_list(*names).first() or ()
    return Marks(*[moment or BEGINNING for moment in row])


def gone(start: datetime, step: str) -> str:
    """What is said where somebody asks for finer rows than are kept; "" where they are."""
    since = marks().kept_from(step)
    if start >= since:
        return ""
    longer = {"minute": "hour", "hour": "day"}[step]
    return f"Usage before {since:%Y-%m-%dT%H:%MZ} is no longer kept by the {step}; ask for the {longer}."


class Piece(NamedTuple):
    """Rows of one table, from `start` until before `end`; `label` tells periods of one question apart."""

    rows: type[Any]
    start: datetime
    end: datetime
    label: int = 0


def pieces(at: Marks, start: datetime, end: datetime, step: str = ALL, label: int = 0) -> list[Piece]:
    """The rows that make up a period.

    Args:
        start, end: UTC; rows that start from `start` until before `end`.
        step: "minute", "hour" or "day": rows are at most so long; ALL: as long as there are.
    """
    if step == "minute":
        return [Piece(UsageMinute, start, end, label)]
    first = start if start < at.minutes_from else _up(start, HOUR)
    last = min(at.hours_until, end if end <= at.minutes_from else _down(end, HOUR))
    if first >= last:
        return [Piece(UsageMinute, start, end, label)]
    found = [Piece(UsageMinute, start, first, label), Piece(UsageMinute, last, end, label)]
    first_day = first if first < at.hours_from else _up(first, DAY)
    last_day = min(at.days_until, last if last <= at.hours_from else _down(last, DAY))
    if step == "hour" or first_day >= last_day:
        found.append(Piece(UsageHour, first, last, label))
    else:
        found += [
            Piece(UsageHour, first, first_day, label),
            Piece(UsageDay, first_day, last_day, label),
            Piece(UsageHour, last_day, last, label),
        ]
    return [piece for piece in found if piece.start < piece.end]


def _down(moment: datetime, length: timedelta) -> datetime:
    return moment - (moment - BEGINNING) % length


def _up(moment: datetime, length: timedelta) -> datetime:
    return moment + (BEGINNING - moment) % length


def added_up(
    which: Q, parts: Iterable[Piece], *, by: Sequence[str] = (), step: str = ALL, names: Sequence[str] = TALLY_FIELDS,
    most: int = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Sums of these rows, in one question.

    Args:
        which: condition on api_id, application_id, subscription_id.
        by: of those, and "label": a row for each.
        step: a row for each minute, hour or day too, its `at` as `StepOf.text` says it.
        names: the counters.
        most: only so many rows, those with most messages; 0 for all.
    """
    keys = [*by, *(["at"] if step else [])]
    found: list[tuple[str, tuple[Any, ...]]] = []
    for piece in parts:
        column = _START[piece.rows]
        between = {f"{column}__gte": piece.start, f"{column}__lt": piece.end}
        shown: dict[str, Combinable] = {f"key_{name}": _column(name, column, step, piece.label) for name in keys}
        rows = piece.rows.objects.filter(which, **between).order_by().annotate(**shown)
        try:
            found.append(rows.values_list(*shown, *names).query.sql_with_params())
        except EmptyResultSet:  # a condition that nothing meets
            continue
    if not found:
        return []
    return [_read(row, keys, names) for row in _asked(found, keys, names, most)]


def _column(name: str, start: str, step: str, label: int) -> Combinable:
    if name == "label":
        return Value(label, output_field=IntegerField())
    if name == "at":
        return StepOf(start, step=step)
    return F(name)


def _asked(
    found: Sequence[tuple[str, tuple[Any, ...]]], keys: Sequence[str], names: Sequence[str], most: int
) -> list[tuple[Any, ...]]:
    """The rows of all parts, added up by the database."""
    quote = connection.ops.quote_name
    places = [quote(f"key_{name}") for name in keys]
    rows = " UNION ALL ".join(sql for sql, _ in found)
    sql = f"SELECT {', '.join([*places, *[f'SUM({quote(name)})' for name in names]])} FROM ({rows}) AS used"  # noqa: S608 - names of ours
    if places:
        sql += f" GROUP BY {', '.join(places)}"
    if most:
        largest = [f"SUM({quote('events_in')}) + SUM({quote('events_out')})", "SUM(sessions)", "SUM(refused)"]
        sql += f" ORDER BY {', '.join(f'{one} DESC' for one in largest)} LIMIT {most}"
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for _, parameters in found for value in parameters])
        answer: list[tuple[Any, ...]] = cursor.fetchall()
    return answer


def _read(row: Sequence[Any], keys: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """A row with its ids as ids, and whole numbers: a sum is none to PostgreSQL."""
    counts = [value if type(value) is int else int(value or 0) for value in row[len(keys) :]]
    read = dict(zip((*keys, *names), (*row[: len(keys)], *counts), strict=True))
    for name in _IDS.intersection(keys):
        if isinstance(read[name], str):
            read[name] = UUID(read[name])
    return read


def total(which: Q, parts: Iterable[Piece], names: Sequence[str] = TALLY_FIELDS) -> dict[str, int]:
    """The sums of these rows; 0 where there are none."""
    rows = added_up(which, parts, names=names)
    return rows[0] if rows else dict.fromkeys(names, 0)
