"""History entries for other programs: JSON and CSV (RFC 4180), one line for each thing that was changed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from apis.cells import harmless
from apis.happenings import sides
from apis.models import HistoryEntry
from apis.stories import story

COLUMNS: Final = ("id", "at", "actor", "via", "action", "subject", "restored", "field", "before", "after")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def facts_of(entry: HistoryEntry) -> dict[str, Any]:
    """An entry as it is answered and exported: with before and after as they are, and in words."""
    told = story(entry)
    before, after = sides(entry.action, entry.detail)
    return {
        "id": entry.pk,
        "at": _moment(entry.at),
        "actor": entry.actor_name,
        "via": entry.via,
        "action": entry.action,
        "subject": entry.subject,
        "restored": told.restored,
        "before": before or None,
        "after": after or None,
        "changes": [{"field": one.label, "before": one.before, "after": one.after} for one in told.changes],
    }


def json_lines(entries: Iterable[HistoryEntry]) -> Iterator[str]:
    """A JSON array, written as it is read."""
    opened = False
    for entry in entries:
        yield ("," if opened else "[") + json.dumps(facts_of(entry), ensure_ascii=False)
        opened = True
    yield "]" if opened else "[]"


def csv_lines(entries: Iterable[HistoryEntry]) -> Iterator[str]:
    """A header, and a line for each thing that was changed; one without them for an entry that changed nothing."""
    page = io.StringIO(newline="")
    writer = csv.writer(page, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        facts = facts_of(entry)
        for change in facts["changes"] or [{"field": "", "before": "", "after": ""}]:
            values = {**facts, **change}
            writer.writerow(harmless(values[name]) for name in COLUMNS)
        yield page.getvalue()
        page.seek(0)
        page.truncate()
    yield page.getvalue()


WRITERS: Final = {
    "csv": (csv_lines, "text/csv; charset=utf-8; header=present"),
    "json": (json_lines, "application/json"),
}
