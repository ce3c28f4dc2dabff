"""Analytics on a real PostgreSQL server: its days and hours, its sums that are no whole numbers, its groups."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines import PostgreSQL
from tests.gateway.test_postgresql import manage, told

STORY = """
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from django.db import connection
from gateway.analytics import Period, analytics
from gateway.models import UsageMinute, UsageRecord
noon, api, application = datetime(2026, 3, 10, 12, tzinfo=UTC), uuid4(), uuid4()
with connection.cursor() as cursor:
    cursor.execute("SET TIME ZONE 'Asia/Kolkata'")
for minutes, events in ((0, 100), (59, 5), (61, 7), (-24 * 60, 50)):
    UsageMinute.objects.create(api_id=api, application_id=application, minute=noon + timedelta(minutes=minutes),
        events_in=events, sessions=1)
for name, lengths in {"short": [1500], "long": [3600000, 60000]}.items():
    for number, ms in enumerate(lengths):
        last = number == len(lengths) - 1
        UsageRecord.objects.create(session_id=name, sequence=number, api_id=api, application_id=application,
            plan="Bronze", hour=noon, started_at=noon, ended_at=noon, sessions=int(not number), connection_ms=ms,
            close_code=1000 if last else None, initiator="client" if last else "")
found = {}
for step in ("minute", "hour", "day"):
    one = analytics("api", api, Period(noon - timedelta(hours=12), noon + timedelta(hours=12), step))
    found[step] = [[row["start"].isoformat(), row["events_in"]] for row in one.rows if row["events_in"]]
lengths = one.lengths
print(json.dumps([found, one.before["events_in"], [lengths.ended, lengths.average, lengths.median, lengths.longest],
    [[close.code, close.initiator, close.sessions] for close in one.closes],
    [[part.name, part.counts["events_in"]] for part in one.parts],
    [[part.name, part.counts["connection_ms"]] for part in one.plans],
    analytics("application", application, one.period).total["events_in"]]))
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty PostgreSQL database with our tables."""
    server = PostgreSQL()
    manage(server.url, "migrate", "--verbosity=0")
    yield server.url
    server.stop()


def test_the_numbers_are_the_same_on_postgresql_whatever_its_time_zone(url: str) -> None:
    steps, before, lengths, closes, parts, plans, of_application = told(url, STORY)
    assert steps["minute"] == [
        ["2026-03-10T12:00:00+00:00", 100],
        ["2026-03-10T12:59:00+00:00", 5],
        ["2026-03-10T13:01:00+00:00", 7],
    ]
    assert steps["hour"] == [["2026-03-10T12:00:00+00:00", 105], ["2026-03-10T13:00:00+00:00", 7]]
    assert steps["day"] == [["2026-03-10T00:00:00+00:00", 112]]
    assert before == 50
    assert lengths == [2, 1_830_750, 1_500, 3_660_000]
    assert closes == [[1000, "client", 2]]
    assert parts == [["An application that is gone", 112]]
    assert plans == [["Bronze", 3_661_500]]
    assert of_application == 112
