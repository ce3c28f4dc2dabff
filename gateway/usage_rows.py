"""Usage records on their way to the database: plain tuples, many in one statement.

At every end of a session one is made and written. A model object for each, with its fields prepared one by one, cost
about as much as a third of the whole handshake; this costs a twentieth. Whoever reads them has the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

from django.db import connection

from gateway.models import UsageRecord

AT_ONCE: Final = 100
"""Rows of one statement, or fewer where the database takes fewer parameters: nobody else computes while one is made."""


class UsageRow(NamedTuple):
    """A `gateway.models.UsageRecord` that is not written yet: its columns in this order, `written_at` excepted."""

    session_id: str
    sequence: int
    api_id: str
    hour: datetime
    started_at: datetime
    ended_at: datetime
    api_name: str = ""
    api_version: str = ""
    application_id: str | None = None
    application_name: str = ""
    subscription_id: str | None = None
    plan_id: str = ""
    plan: str = ""
    person: str = ""
    key_type: str = ""
    sessions: int = 0
    events_in: int = 0
    events_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    throttled: int = 0
    connection_ms: int = 0
    close_code: int | None = None
    initiator: str = ""


NAMES: Final = (*UsageRow._fields, "written_at")
_FIELDS: Final = {field.name: field for field in UsageRecord._meta.concrete_fields}


@lru_cache(maxsize=8)
def _statement(quote: Any, rows: int) -> str:
    meta = UsageRecord._meta
    columns = ", ".join([quote(_FIELDS[name].column) for name in NAMES])
    one = f"({', '.join(['%s'] * len(NAMES))})"
    table, all_rows = quote(meta.db_table), ", ".join([one] * rows)
    return f"INSERT INTO {table} ({columns}) VALUES {all_rows} ON CONFLICT DO NOTHING"  # noqa: S608 - names of ours


class _Prepared(dict[tuple[str, Any], Any]):
    """What the database wants for the value of a field; names and moments that many rows share are worked out once."""

    def __missing__(self, key: tuple[str, Any]) -> Any:
        value = self[key] = _FIELDS[key[0]].get_db_prep_save(key[1], connection)
        return value


def insert(rows: Sequence[UsageRow]) -> None:
    """Write these records; one that is there already stays as it is. To be called in a transaction."""
    if not rows:
        return
    most = connection.features.max_query_params
    size = min(AT_ONCE, most // len(NAMES)) if most else AT_ONCE
    prepared = _Prepared()
    moment: Callable[[datetime], Any] = connection.ops.adapt_datetimefield_value
    if connection.vendor == "sqlite" and connection.timezone is UTC:
        moment = _as_text
    written_at = prepared["written_at", datetime.now(UTC)]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            chunk = rows[start : start + size]
            values = chain.from_iterable([_values(row, prepared, moment, written_at) for row in chunk])
            cursor.execute(_statement(connection.ops.quote_name, len(chunk)), list(values))


def _as_text(moment: datetime) -> str:
    """What Django makes of a moment in UTC for SQLite, in a fifth of the time; each record has two of its own."""
    return moment.isoformat(" ")[:-6]


def _values(row: UsageRow, prepared: _Prepared, moment: Callable[[datetime], Any], written_at: Any) -> Iterable[Any]:
    return (
        row[0],
        row[1],
        prepared["api_id", row[2]],
        prepared["hour", row[3]],
        moment(row[4]),
        moment(row[5]),
        *row[6:8],
        row[8] and prepared["application_id", row[8]],
        row[9],
        row[10] and prepared["subscription_id", row[10]],
        *row[11:],
        written_at,
    )
