"""How long usage takes to read, with a million minutes of one year, before and after they are added up. See README.md.

Run by hand: python benchmarks/usage.py [--minutes 1000000] [--times 5] [--postgresql]. It makes a database of its own,
fills it with one API that 40 subscriptions used in the last year (one of them all day, the others in bursts; a usage
record for each hour in which a subscription did anything), and asks in its own process. Target: 100 ms.
"""

# ruff: noqa: PLC0415 - Django's models can be imported only once it is set up
from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
TARGET_MS = 100.0
DAYS = 365
OTHERS = 39
BATCH = 5_000
Key = tuple[UUID, UUID, UUID]


def prepared(folder: str, url: str) -> Any:
    """Django, an empty database, and one of everything in it. Returns: the world."""
    os.environ |= {"WSPORTAL_MODE": "up", "VAR_DIR": folder, "DATABASE_URL": url}
    os.environ["DJANGO_SETTINGS_MODULE"] = "wsportal.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction
    from django.test.utils import setup_test_environment

    call_command("migrate", verbosity=0)
    setup_test_environment(debug=False)
    from apis.models import SubscriptionTerm
    from tests.apis.whole_world import build

    with transaction.atomic():
        world = build()
    before = datetime.now(UTC) - timedelta(days=DAYS + 1)
    limits = [{"kind": "events", "amount": 100, "per": "minute"}]  # a plan that bills what is beyond
    SubscriptionTerm.objects.update(began_at=before, stop_on_quota=False, limits=limits)
    return world


def busy_minutes(seed: random.Random, count: int, per_hour: int) -> list[int]:
    """Numbers of minutes before now, in the order of time; so many in an hour, in random hours of the year."""
    hours = seed.sample(range(1, DAYS * 24), min(DAYS * 24 - 1, max(1, count // per_hour)))
    return sorted((hour * 60 + one for hour in hours for one in seed.sample(range(60), per_hour)), reverse=True)


def filled(world: Any, minutes: int) -> None:
    """Write minutes and records."""
    from apis.models import Subscription
    from gateway.models import UsageMinute, UsageRecord

    seed = random.Random(6)
    row = Subscription.objects.get(pk=world.ids["subscription"])
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    keys: list[tuple[Key, int]] = [((row.api_id, row.application_id, row.pk), 28)]
    keys += [((row.api_id, uuid4(), uuid4()), 4) for _ in range(OTHERS)]
    counts = [minutes // 4] + [minutes * 3 // 4 // OTHERS] * OTHERS

    def rows() -> Iterator[tuple[Key, datetime]]:
        for (key, per_hour), count in zip(keys, counts, strict=True):
            yield from ((key, now - timedelta(minutes=number)) for number in busy_minutes(seed, count, per_hour))

    some: list[Any] = []
    hours: set[tuple[Key, datetime]] = set()
    for key, at in rows():
        hours.add((key, at.replace(minute=0)))
        some.append(UsageMinute(
            api_id=key[0], application_id=key[1], subscription_id=key[2], minute=at, sessions=1,
            events_in=seed.randrange(200), events_out=seed.randrange(200), bytes_in=seed.randrange(9_999), bytes_out=99,
        ))  # fmt: skip
        if len(some) == BATCH:
            UsageMinute.objects.bulk_create(some)
            some.clear()
    UsageMinute.objects.bulk_create(some)
    records = (
        UsageRecord(
            session_id=f"s{number}", sequence=0, api_id=key[0], application_id=key[1], subscription_id=key[2],
            plan_id="", plan="Gold", hour=hour, started_at=hour, ended_at=hour + timedelta(minutes=59), sessions=1,
            events_in=100, connection_ms=int(seed.expovariate(1 / 400_000)), close_code=seed.choice([1000, 1001, 4408]),
            initiator=seed.choice(["client", "gateway"]),
        )
        for number, (key, hour) in enumerate(sorted(hours, key=lambda one: one[1]))
    )  # fmt: skip
    while some := [one for _, one in zip(range(BATCH), records, strict=False)]:
        UsageRecord.objects.bulk_create(some)
    print(f"{UsageMinute.objects.count():,} minutes, {UsageRecord.objects.count():,} usage records", flush=True)


def asked(world: Any) -> list[tuple[str, str, str]]:
    """(what it is, who asks, address)."""
    api, application, subscription = (world.ids[name] for name in ("api", "application", "subscription"))
    now = datetime.now(UTC)
    first = (now - timedelta(days=DAYS)).date()
    year = f"period=custom&from={first}&to={now.date()}"
    month = f"{now.replace(day=1) - timedelta(days=40):%Y-%m}"
    since = f"from={first}T00:00:00Z"
    week = f"from={now - timedelta(days=6):%Y-%m-%d}T00:00:00Z"
    page = f"/publisher/apis/{api}/analytics/?"
    bill = f"/publisher/apis/{api}/subscriptions/{subscription}/statement/?month={month}"
    own = f"/devportal/applications/{application}/analytics/?"
    return [
        *[(f"Analytics of an API, {name}", "pia", f"{page}period={name}") for name in ("hour", "day", "week", "month")],
        ("Analytics of an API, a year", "pia", page + year),
        ("the same as CSV", "pia", f"{page}{year}&table=time"),
        ("Analytics of an application, month", "sam", own + "period=month"),
        ("Analytics of an application, a year", "sam", own + year),
        ("Usage on an API's overview", "pia", f"/publisher/fragments/usage/{api}"),
        ("Usage of an application", "sam", f"/devportal/fragments/usage/{application}"),
        ("Subscriptions of an API", "pia", f"/publisher/apis/{api}/subscriptions/"),
        ("Statement of this month", "sam", f"/devportal/subscriptions/{subscription}/statement/"),
        ("Statement of an earlier month", "pia", bill),
        ("REST `/usage` (a day by the minute)", "sam", "/api/v1/usage"),
        ("REST `/usage`, a week by the minute", "sam", f"/api/v1/usage?{week}"),
        ("REST `/usage`, a year by the hour", "sam", f"/api/v1/usage?step=hour&{since}"),
        ("REST `/usage`, a year by the day", "pia", f"/api/v1/usage?step=day&{since}"),
        ("REST `/usage`, a year of everything", "adam", f"/api/v1/usage?step=day&{since}"),
        ("REST analytics of an API, a year", "pia", f"/api/v1/apis/{api}/analytics?{since}"),
        ("REST analytics of an application, a year", "sam", f"/api/v1/applications/{application}/analytics?{since}"),
        ("REST statement", "sam", f"/api/v1/subscriptions/{subscription}/statement?month={month}"),
        ("REST usage records", "adam", f"/api/v1/usage/records?{week}"),
    ]  # fmt: skip


def measured(world: Any, times: int) -> dict[str, float]:
    """Least time of each in ms: of this process where it reads SQLite itself, by the clock where a server does."""
    from django.db import connection

    clock = time.process_time if connection.vendor == "sqlite" else time.perf_counter
    found = {}
    for what, who, address in asked(world):
        browser, spent = world.browser(who), []
        for _ in range(times):
            began = clock()
            answer = browser.get(address)
            spent.append((clock() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{address}: {answer.status_code} {answer.content[:300]!r}")
        found[what] = min(spent)
    return found


def add_up() -> None:
    """All of it, as gateways do in the background."""
    from django.db import connection

    from gateway import rolling, session_days
    from gateway.models import UsageDay, UsageHour

    began = time.perf_counter()
    while rolling.advance(time.time()) or session_days.advance(time.time()):
        pass
    took = time.perf_counter() - began
    print(f"added up to {UsageHour.objects.count():,} hours, {UsageDay.objects.count():,} days in {took:.0f} s\n")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def report(world: Any, minutes: int, times: int) -> None:
    """Fill, measure, add up, measure again, and print both."""
    filled(world, minutes)
    before = measured(world, 1)
    add_up()
    after = measured(world, times)
    print("| | minutes only, ms | added up, ms |\n| --- | --- | --- |")
    for what, ms in after.items():
        print(f"| {what} | {before[what]:,.0f} | {ms:,.0f} |")
    within = sum(ms <= TARGET_MS for ms in after.values())
    print(f"\n{within} of {len(after)} within {TARGET_MS:.0f} ms.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own, as the tests start it")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{folder}/usage.sqlite3"
        if chosen.postgresql:
            from tests.engines import PostgreSQL

            server = PostgreSQL()
            stack.callback(server.stop)
            url = server.url
        report(prepared(folder, url), min(chosen.minutes, 3_000_000), chosen.times)


if __name__ == "__main__":
    main()
