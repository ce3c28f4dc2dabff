"""Reading the history: of one API or of the whole installation, narrowed by who, what and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django.db.models import QuerySet

from apis.errors import Missing
from apis.models import Api, HistoryEntry


def entry_get(api: Api, entry_id: int) -> HistoryEntry:
    """Raises: Missing, also for an entry of another API."""
    found = HistoryEntry.objects.filter(api=api, pk=entry_id).first() if entry_id < 1 << 63 else None
    if found is None:
        raise Missing("There is no such entry.")
    found.api = api
    return found


def entries_matching(
    rows: QuerySet[HistoryEntry], *, who: str = "", action: str = "", start: datetime | None = None,
    end: datetime | None = None,
) -> QuerySet[HistoryEntry]:  # fmt: skip
    """Those by one person, of one action, from `start` until before `end`; what is not given does not narrow."""
    if who:
        rows = rows.filter(actor_name=who)
    if action:
        rows = rows.filter(action=action)
    if start is not None:
        rows = rows.filter(at__gte=start)
    return rows if end is None else rows.filter(at__lt=end)


def actors_and_actions(rows: QuerySet[HistoryEntry]) -> tuple[list[str], list[str]]:
    """The user names of those who did something, and the words of what was done, in one look."""
    pairs = list(rows.order_by().values_list("actor_name", "action").distinct())
    return sorted({who for who, _ in pairs}), sorted({what for _, what in pairs})


def actions_in(rows: QuerySet[HistoryEntry]) -> list[str]:
    """The words of what was done."""
    return list(rows.order_by("action").values_list("action", flat=True).distinct())


def moment(text: str, *, is_end: bool = False) -> datetime:
    """A date, or a date with a time, as a moment; UTC unless it says otherwise.

    Args:
        is_end: a date alone means the end of its day and not the beginning.

    Raises: ValueError.
    """
    if len(text) <= len("2026-11-24"):
        day = date.fromisoformat(text)
        if is_end:
            day = min(day, date.max - timedelta(days=1)) + timedelta(days=1)
        return datetime.combine(day, time(), UTC)
    at = datetime.fromisoformat(text)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None
