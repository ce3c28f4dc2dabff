"""Fixed windows of time, aligned to the calendar in UTC (CONTRACT section 7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

PERIODS: Final[dict[str, int]] = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
NOMINAL_S: Final[dict[str, int]] = {**PERIODS, "month": 30 * 86_400, "year": 365 * 86_400}


def window(per: str, now: float) -> tuple[int, int]:
    """The window that `now` lies in, as (start, end) in epoch seconds; the end is the start of the next one.

    Args:
        per: second, minute, hour, day, month or year. A month and a year are those of the calendar.
        now: epoch seconds.

    Raises:
        KeyError: `per` is none of these words.
    """
    if per in {"month", "year"}:
        return _calendar(per, datetime.fromtimestamp(now, UTC))
    length = PERIODS[per]
    start = int(now // length) * length
    return start, start + length


def _calendar(per: str, day: datetime) -> tuple[int, int]:
    first = datetime(day.year, day.month if per == "month" else 1, 1, tzinfo=UTC)
    if per == "year":
        after = datetime(day.year + 1, 1, 1, tzinfo=UTC)
    else:
        after = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()), int(after.timestamp())
