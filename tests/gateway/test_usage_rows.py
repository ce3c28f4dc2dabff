"""Usage records as rows: never changed, never there twice, every column written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from gateway import settling
from gateway.core.records import Tally, UsageKey
from gateway.models import RecordsAreKept, UsageRecord
from gateway.usage import write
from gateway.usage_rows import NAMES, UsageRow

pytestmark = pytest.mark.django_db


def row(key: UsageKey, hour: datetime, **facts: Any) -> UsageRow:
    facts = {"session_id": f"s-{uuid4()}", "sequence": 0, "hour": hour, "started_at": hour, "ended_at": hour, **facts}
    return UsageRow(api_id=key.api_id, application_id=key.application_id or None, **facts)


def test_a_record_is_neither_changed_nor_deleted_nor_there_twice() -> None:
    hour = datetime(2026, 11, 24, 12, tzinfo=UTC)
    one = row(UsageKey(str(uuid4())), hour, session_id="s", events_in=5)
    write({}, [one])
    write({}, [row(UsageKey(str(uuid4())), hour, session_id="s", events_in=7)])
    there = UsageRecord.objects.get()
    assert there.events_in == 5
    for attempt in (
        there.save,
        there.delete,
        UsageRecord.objects.all().delete,
        lambda: UsageRecord.objects.update(events_in=1),
        lambda: UsageRecord.objects.bulk_update([there], ["events_in"]),
    ):
        with pytest.raises(RecordsAreKept):
            attempt()
    assert UsageRecord.objects.get().events_in == 5


def test_a_record_that_comes_after_its_hour_was_settled_is_not_counted_again() -> None:
    hour = datetime(2026, 1, 5, 12, tzinfo=UTC)
    key = UsageKey(str(uuid4()), str(uuid4()))
    write({(key, int(hour.timestamp())): Tally(1, 5)})
    now = hour.timestamp() + 3 * 3600
    assert settling.settle(hour.timestamp() + 3600, timedelta(hours=6)) == 0, "not yet: somebody may still write"
    assert settling.settle(now, timedelta(hours=6)) == 1
    write({}, [row(key, hour, events_in=5), row(key, hour + timedelta(hours=1), events_in=1)])
    assert [one.events_in for one in UsageRecord.objects.order_by("events_in")] == [1, 5]


def test_every_column_of_a_record_is_written_and_any_number_at_once() -> None:
    hour = datetime(2026, 11, 24, 12, tzinfo=UTC)
    columns = {field.name for field in UsageRecord._meta.get_fields()}
    assert {*NAMES, "id"} == columns
    full = UsageRow(
        f"s-{uuid4()}", 3, str(uuid4()), hour, hour + timedelta(seconds=1.25), hour + timedelta(minutes=2), "Echo",
        "1.0", str(uuid4()), "App", str(uuid4()), "p", "Gold", "7", "production", 1, 2, 3, 4, 5, 6, 7, 1000, "client",
    )  # fmt: skip
    others = [row(UsageKey(full.api_id), hour) for _ in range(250)]
    before = datetime.now(UTC)
    write({}, [full, *others])
    there = UsageRecord.objects.get(session_id=full.session_id)
    for name, value in full._asdict().items():
        found = getattr(there, name)
        assert (str(found) if name.endswith("_id") else found) == value, name
    assert before <= there.written_at <= datetime.now(UTC)
    plain = UsageRecord.objects.get(session_id=others[-1].session_id)
    assert [plain.application_id, plain.subscription_id, plain.close_code] == [None] * 3
    assert UsageRecord.objects.count() == 251
