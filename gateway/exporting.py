"""Usage records for other programs: CloudEvents 1.0 in JSON batches, and CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from apis import selectors
from apis.cells import harmless
from apis.errors import Missing
from apis.permissions import Actor
from apis.roles import Capability
from gateway.models import UsageRecord

CLOUDEVENTS: Final = "cloudevents"
CSV: Final = "csv"
MEDIA_TYPES: Final = {
    CLOUDEVENTS: "application/cloudevents-batch+json; charset=utf-8",
    CSV: "text/csv; charset=utf-8; header=present",
}
EVENT_TYPE: Final = "io.wsportal.usage.v1"
SOURCE: Final = "/wsportal/gateway"  # CloudEvents section "source": a URI reference; with `id` unique for ever
FIELDS: Final = (
    "session", "sequence", "api", "api_name", "api_version", "application", "application_name", "subscription", "plan",
    "person", "key_type", "started_at", "ended_at", "sessions", "events_in", "events_out", "bytes_in", "bytes_out",
    "throttled", "connection_ms", "close_code", "initiator",
)  # fmt: skip


def records_visible(
    actor: Actor, *, api_id: UUID | None = None, application_id: UUID | None = None
) -> QuerySet[UsageRecord]:
    """An administrator sees all records, a publisher those of APIs, a subscriber those of their own applications.

    Raises:
        Forbidden: for somebody without any of these roles.
        Missing: for an application that must not be seen.
    """
    actor.require(Capability.MANAGE_SUBSCRIPTIONS, Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    rows = UsageRecord.objects.all()
    if not actor.can(Capability.ADMINISTER):
        own = selectors.applications_of(actor)
        seen = Q(application_id__in=own.values("pk"))
        if actor.can(Capability.MANAGE_SUBSCRIPTIONS):
            seen |= Q(api_id__in=selectors.apis_visible(actor).order_by().values("pk"))
        elif application_id is not None and not own.filter(pk=application_id).exists():
            raise Missing("There is no such application.")
        rows = rows.filter(seen)
    if api_id is not None:
        rows = rows.filter(api_id=api_id)
    return rows if application_id is None else rows.filter(application_id=application_id)


def between(rows: QuerySet[UsageRecord], start: datetime, end: datetime) -> QuerySet[UsageRecord]:
    """Those that ended from `start` until before `end`, in the order in which they were written."""
    return rows.filter(ended_at__gte=start, ended_at__lt=end).order_by("pk")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def data_of(record: UsageRecord) -> dict[str, Any]:
    """A record as it is exported, by FIELDS."""

    def text(key: UUID | None) -> str | None:
        return None if key is None else str(key)

    values = {
        "session": record.session_id,
        "api": str(record.api_id),
        "application": text(record.application_id),
        "subscription": text(record.subscription_id),
        "started_at": _moment(record.started_at),
        "ended_at": _moment(record.ended_at),
    }
    return {name: values[name] if name in values else getattr(record, name) for name in FIELDS}


def event_of(record: UsageRecord) -> dict[str, Any]:
    """A record as a CloudEvent. `source` and `id` together name it for ever."""
    return {
        "specversion": "1.0",
        "id": record.event_id,
        "source": SOURCE,
        "type": EVENT_TYPE,
        "subject": str(record.subscription_id or record.api_id),
        "time": _moment(record.ended_at),
        "datacontenttype": "application/json",
        "data": data_of(record),
    }


def cloudevents(records: Iterable[UsageRecord]) -> Iterator[str]:
    """A JSON array of events, an event a line."""
    yield "["
    mark = "\n"
    for record in records:
        yield mark + json.dumps(event_of(record), ensure_ascii=False, separators=(",", ":"))
        mark = ",\n"
    yield "\n]\n"


def csv_rows(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A header and a line for each row (RFC 4180), each ended by CRLF. Text that looks like a formula gets a '."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")

    def line(cells: Iterable[Any]) -> str:
        page.seek(0)
        page.truncate()
        writer.writerow(cells)
        return page.getvalue()

    yield line(header)
    for row in rows:
        yield line(map(harmless, row))


def csv_lines(records: Iterable[UsageRecord]) -> Iterator[str]:
    """A header and a line for each record; `id` first."""
    yield from csv_rows(["id", *FIELDS], ([record.event_id, *data_of(record).values()] for record in records))


WRITERS: Final = {CLOUDEVENTS: cloudevents, CSV: csv_lines}
