"""Usage is added up by several processes at once while others write, early and late, on a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines import PostgreSQL
from tests.gateway.test_postgresql import manage, told

AT_ONCE = """
import json, random, threading, time
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from django.db import connections
from django.db.models import Q, Sum
from gateway import rolling, session_days
from gateway.core.records import TALLY_FIELDS, Tally, UsageKey
from gateway.models import UsageDay, UsageHour, UsageMark, UsageMinute
from gateway.sums import marks, pieces, total
from gateway.usage import write

keys = [UsageKey(str(uuid4()), str(uuid4()), str(uuid4())) for _ in range(3)] + [UsageKey(str(uuid4()))]
now = time.time()
faults, over = [], threading.Event()

def minutes(seed, count):
    return {
        (seed.choice(keys), int(now - seed.randrange(4 * 86_400)) // 60 * 60): Tally(*[seed.randrange(9)] * 7)
        for _ in range(count)
    }

def safely(work):
    def run():
        try:
            work()
        except Exception as error:
            faults.append(repr(error))
        finally:
            connections.close_all()
    return threading.Thread(target=run)

def writer(number):
    def work():
        seed = random.Random(number)
        for _ in range(25):
            write(dict(sorted(minutes(seed, 8).items())))
    return work

def roller():
    while not over.is_set():
        rolling.advance(now)
        session_days.advance(now)
        UsageMark.objects.update(checked_at=None)
        rolling.compare(now)

write(minutes(random.Random(0), 300))
writers, rollers = [safely(writer(number)) for number in (1, 2, 3)], [safely(roller) for _ in range(2)]
for thread in (*writers, *rollers):
    thread.start()
for thread in writers:
    thread.join()
over.set()
for thread in rollers:
    thread.join()
while rolling.advance(now):
    pass

def sums(rows):
    found = rows.aggregate(**{name: Sum(name) for name in TALLY_FIELDS})
    return {name: int(value or 0) for name, value in found.items()}

at = marks()
first = datetime.fromtimestamp(now, UTC) - timedelta(days=5)
print(json.dumps({
    "faults": faults,
    "minutes": sums(UsageMinute.objects.all()),
    "read": total(Q(), pieces(at, first, datetime.fromtimestamp(now, UTC) + timedelta(minutes=1))),
    "hours": [sums(UsageHour.objects.all()), sums(UsageMinute.objects.filter(minute__lt=at.hours_until))],
    "days": [sums(UsageDay.objects.all()), sums(UsageMinute.objects.filter(minute__lt=at.days_until))],
}))
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty PostgreSQL database with our tables."""
    server = PostgreSQL()
    manage(server.url, "migrate", "--verbosity=0")
    yield server.url
    server.stop()


def test_two_add_up_while_three_write_late_and_nothing_counts_twice(url: str) -> None:
    found = told(url, AT_ONCE)
    assert found["faults"] == []
    assert found["read"] == found["minutes"]
    assert found["hours"][0] == found["hours"][1]
    assert found["days"][0] == found["days"][1]
