"""Usage that is added up says what its minutes say: whatever is asked, whoever writes late, wherever somebody stops."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Q, Sum

from apis.models import HistoryEntry, Person, Subscription, SubscriptionTerm
from apis.permissions import Actor
from gateway import retention, rolling, session_days
from gateway.analytics import Period, analytics
from gateway.core.records import TALLY_FIELDS, Tally, UsageKey
from gateway.models import (
    KeptOverage,
    SessionDay,
    SessionMonth,
    UsageDay,
    UsageHour,
    UsageMark,
    UsageMinute,
)
from gateway.statements import month_read, statement
from gateway.sums import added_up, marks, pieces, total
from gateway.upkeep import Upkeep
from gateway.usage import write
from gateway.usage_rows import UsageRow

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 20, 15, 42, tzinfo=UTC)
DAYS = 9
LONG = 100  # days
Key = tuple[UUID, UUID | None, UUID | None]


def keys() -> list[Key]:
    api = uuid4()
    return [(api, uuid4(), uuid4()), (api, uuid4(), uuid4()), (api, None, None), (uuid4(), uuid4(), uuid4())]


def usage_key(key: Key) -> UsageKey:
    return UsageKey(*[str(one) if one else "" for one in key])


def scatter(seed: random.Random, some: list[Key], count: int) -> None:
    """So many minutes, most of them in bursts and on the edges of hours and days."""
    batch: dict[tuple[UsageKey, int], Tally] = {}
    for _ in range(count):
        at = NOW - timedelta(minutes=seed.randrange(DAYS * 24 * 60))
        if seed.random() < 0.4:
            at = at.replace(minute=seed.choice([0, 1, 59]), hour=seed.choice([0, 1, 23, at.hour]))
        tally = Tally(*[seed.randrange(1_000) for _ in TALLY_FIELDS])
        batch[usage_key(seed.choice(some)), int(at.timestamp()) // 60 * 60] = tally
    write(batch)


def add_up(now: datetime = NOW) -> None:
    while rolling.advance(now.timestamp()):
        pass


def plain(which: Q, start: datetime, end: datetime) -> dict[str, int]:
    """The sum of the minutes, as anybody would ask for it."""
    found = UsageMinute.objects.filter(which, minute__gte=start, minute__lt=end)
    return {name: value or 0 for name, value in found.aggregate(**{name: Sum(name) for name in TALLY_FIELDS}).items()}


def assert_exact(seed: random.Random, some: list[Key], times: int = 60) -> None:
    """Any period, in any step, of anybody."""
    at = marks()
    for _ in range(times):
        start, end = sorted(NOW - timedelta(minutes=seed.randrange(DAYS * 24 * 60)) for _ in range(2))
        key = seed.choice(some)
        which = seed.choice([Q(api_id=key[0]), Q(application_id=key[1]), Q(subscription_id=key[2]), Q()])
        step = seed.choice(["", "minute", "hour", "day"])
        rows = added_up(which, pieces(at, start, end, step), step=step or "day")
        assert {name: sum(row[name] for row in rows) for name in TALLY_FIELDS} == plain(which, start, end)
        assert total(which, pieces(at, start, end)) == plain(which, start, end)


@pytest.mark.parametrize("number", range(3))
def test_what_is_added_up_says_what_minutes_say(number: int) -> None:
    seed, some = random.Random(number), keys()
    scatter(seed, some, 400)
    add_up()
    assert UsageMark.objects.get().hours_until == NOW.replace(minute=0)
    assert plain(Q(), NOW.replace(year=2025), NOW.replace(minute=0)) == total(
        Q(), [piece for piece in pieces(marks(), NOW.replace(year=2025), NOW) if piece.rows is not UsageMinute]
    )
    assert_exact(seed, some)
    fewer = len(pieces(marks(), NOW - timedelta(days=DAYS, minutes=5), NOW))
    assert fewer == 5, "minutes, hours, days, hours, minutes"


def test_to_add_up_again_and_late_minutes_count_once() -> None:
    seed, some = random.Random(7), keys()
    scatter(seed, some, 200)
    add_up()
    before = total(Q(), pieces(marks(), NOW.replace(year=2025), NOW))
    add_up()
    UsageMark.objects.update(hours_until=NOW.replace(minute=0) - timedelta(hours=30))  # as if it had not come so far
    add_up()
    assert total(Q(), pieces(marks(), NOW.replace(year=2025), NOW)) == before
    for _ in range(3):  # the database was away: days later somebody writes what they had
        scatter(seed, [*some, *keys()], 80)
        add_up(NOW + timedelta(minutes=1))
    assert_exact(seed, some)


def test_a_crash_in_between_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    seed, some = random.Random(11), keys()
    scatter(seed, some, 200)
    calls = iter(range(1_000))
    real = rolling._add_days

    def dies(at: UsageMark) -> None:
        real(at)
        if next(calls) == 20:
            raise RuntimeError("killed")

    monkeypatch.setattr(rolling, "_add_days", dies)
    with pytest.raises(RuntimeError):
        add_up()
    assert marks().hours_until < NOW - timedelta(hours=2)
    assert_exact(seed, some, 20)
    monkeypatch.undo()
    add_up()
    assert_exact(seed, some)


def test_a_late_minute_that_is_not_written_is_in_no_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    key = keys()[0]
    late = int((NOW - timedelta(days=2)).timestamp()) // 60 * 60
    write({(usage_key(key), late): Tally(events_in=1)})
    add_up()
    monkeypatch.setattr(rolling, "add_late", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write({(usage_key(key), late): Tally(events_in=5)})
    monkeypatch.undo()
    write({(usage_key(key), late): Tally(events_in=5)})
    assert (
        UsageMinute.objects.get().events_in
        == UsageHour.objects.get().events_in
        == UsageDay.objects.get().events_in
        == 6
    )


def test_what_an_older_release_wrote_late_is_found_within_the_hour() -> None:
    some = keys()
    hour = NOW.replace(minute=0) - timedelta(hours=2)
    write({(usage_key(some[0]), int(hour.timestamp())): Tally(events_in=1)})
    add_up()
    UsageMinute.objects.create(api_id=some[1][0], minute=hour, events_in=10)
    UsageMinute.objects.update(events_in=7)
    assert rolling.compare(NOW.timestamp()) == 2
    assert rolling.compare(NOW.timestamp()) == 0, "once an hour"
    assert sorted(UsageHour.objects.values_list("events_in", flat=True)) == [7, 7]


def test_nothing_was_ever_counted() -> None:
    add_up()
    assert not session_days.advance(NOW.timestamp())
    assert not retention.let_go(NOW.timestamp())
    assert total(Q(), pieces(marks(), NOW - timedelta(days=30), NOW)) == dict.fromkeys(TALLY_FIELDS, 0)
    assert added_up(Q(api_id__in=[]), pieces(marks(), NOW - timedelta(days=30), NOW), by=["api_id"]) == []


# How sessions went ------------------------------------------------------------------------------------------------


def row(key: Key, ended: datetime, ms: int, name: str = "", **more: Any) -> UsageRow:
    return UsageRow(
        name or uuid4().hex, more.pop("sequence", 0), str(key[0]), ended.replace(minute=0, second=0), ended, ended,
        application_id=str(key[1]), subscription_id=str(key[2]), plan=more.pop("plan", "Gold"), connection_ms=ms,
        sessions=1, **more,
    )  # fmt: skip


def went(key: Key, start: datetime, end: datetime) -> Any:
    """What analytics say of the sessions of an API."""
    found = analytics("api", key[0], Period(start, end, "day"))
    return found.lengths, found.closes, found.plans, found.connection_ms


def test_sessions_of_whole_days_and_months_say_the_same_from_one_row_each() -> None:
    seed, key = random.Random(3), keys()[0]
    rows = [
        row(key, NOW - timedelta(minutes=seed.randrange(LONG * 1_440)), int(seed.expovariate(1 / 90_000)),
            plan=seed.choice(["Gold", "Silver", ""]), close_code=seed.choice([1000, 4408, None]),
            initiator=seed.choice(["client", "gateway", ""]), events_in=seed.randrange(9))
        for _ in range(300)
    ]  # fmt: skip
    rows += [row(key, NOW - timedelta(days=4 - one), 3_600_000, "long", sequence=one,
                 initiator="client" if one == 2 else "") for one in range(3)]  # fmt: skip
    write({}, rows)
    spans = [sorted(NOW - timedelta(minutes=seed.randrange(LONG * 1_440)) for _ in range(2)) for _ in range(15)]
    spans.append([NOW.replace(hour=0, minute=0) - timedelta(days=5), NOW.replace(hour=0, minute=0)])
    before = [went(key, *span) for span in spans]
    while session_days.advance(NOW.timestamp()):
        pass
    assert (
        SessionDay.objects.filter(subject_id=key[0]).count()
        == SessionDay.objects.filter(subject_id=str(key[1])).count()
    )
    assert SessionDay.objects.filter(subject_id=key[0]).count() > 80
    assert [went(key, *span) for span in spans] == before
    late = row(key, NOW - timedelta(days=60), 5_000, close_code=1001, initiator="client")
    write({}, [late])
    write({}, [late])  # twice is once
    lengths, *_ = went(key, NOW - timedelta(days=LONG), NOW)
    assert SessionMonth.objects.filter(subject_id=key[0]).count() >= 2
    UsageMark.objects.update(sessions_until=None)
    assert went(key, NOW - timedelta(days=LONG), NOW)[0] == lengths
    assert lengths.ended > before[-1][0].ended


# Letting go -------------------------------------------------------------------------------------------------------


@pytest.fixture
def billed(subscription: Subscription) -> Subscription:
    """sam's phone ran for a year under a plan of 10 messages a minute that goes on and bills."""
    began = datetime.now(UTC) - timedelta(days=365)
    SubscriptionTerm.objects.update(
        began_at=began, stop_on_quota=False, limits=[{"kind": "events", "amount": 10, "per": "minute"}]
    )
    return subscription


def used_for_months(row: Subscription, now: datetime) -> None:
    key = UsageKey(str(row.api_id), str(row.application_id), str(row.pk))
    for day in range(0, 300, 7):
        at = now - timedelta(days=day, minutes=day % 50)
        write({(key, int(at.timestamp()) // 60 * 60): Tally(sessions=1, events_in=25, events_out=4)})


def kept_up(now: datetime) -> None:
    """Everything that gateways do once an hour, until there is nothing left to do."""
    for job in (rolling.advance, session_days.advance, retention.let_go):
        while job(now.timestamp()):
            pass


def test_minutes_go_by_age_and_no_number_changes_with_them(sam: Person, billed: Subscription) -> None:
    now = datetime.now(UTC)
    used_for_months(billed, now)
    add_up(now)
    actor = Actor.of(sam)
    months = [month_read(f"{now - timedelta(days=30 * ago):%Y-%m}", now) for ago in range(10)]
    before = [statement(actor, billed.pk, month, now).lines for month in months]
    assert sum(line.overage_events for lines in before for line in lines) > 19 * 30
    span = Period(now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=300), now, "day")
    shown = analytics("api", billed.api_id, span).rows
    kept_up(now)
    assert KeptOverage.objects.exists()
    assert [statement(actor, billed.pk, month, now).lines for month in months] == before
    assert analytics("api", billed.api_id, span).rows == shown
    first = UsageMinute.objects.order_by("minute").values_list("minute", flat=True)[0]
    assert timedelta(days=83) < now - first < timedelta(days=92)
    assert UsageHour.objects.count() > UsageMinute.objects.count()
    entries = HistoryEntry.objects.filter(action="prune_usage", actor_name="retention")
    assert sum(entry.detail["minutes"] for entry in entries) >= UsageHour.objects.count() - UsageMinute.objects.count()
    kept_up(now)
    assert entries.count() == HistoryEntry.objects.filter(action="prune_usage").count(), "nothing more to say"


def test_hours_go_after_years_and_days_stay(sam: Person, billed: Subscription, settings: Any) -> None:
    settings.GATEWAY_USAGE_HOURS_DAYS = 100
    now = datetime.now(UTC)
    used_for_months(billed, now)
    kept_up(now)
    assert now - UsageHour.objects.order_by("start")[0].start < timedelta(days=102)
    assert UsageDay.objects.count() >= 40
    which = Q(subscription_id=billed.pk)
    assert total(which, pieces(marks(), now - timedelta(days=365), now + timedelta(minutes=1)))["events_in"] == 43 * 25


def test_who_asks_for_minutes_that_are_gone_is_told(rest: Any, sam: Person, pia: Person, billed: Subscription) -> None:
    now = datetime.now(UTC)
    used_for_months(billed, now)
    kept_up(now)
    start = f"{now - timedelta(days=200):%Y-%m-%d}"
    span = f"from={start}T00:00:00Z&to={now - timedelta(days=198):%Y-%m-%d}T00:00:00Z"
    for path in (f"/usage?{span}&step=minute", f"/apis/{billed.api_id}/analytics?{span}&step=minute"):
        answer = rest(pia).get(path)
        assert answer.status == 400
        assert "no longer kept by the minute; ask for the hour" in str(answer.body)
    year = f"from={now - timedelta(days=320):%Y-%m-%d}T00:00:00Z"
    assert rest(sam).get(f"/usage?{year}&step=hour").ok()["total"]["events_in"] == 43 * 25
    short = f"from={start}T00:10:00Z&to={start}T01:00:00Z"
    assert rest(pia).get(f"/apis/{billed.api_id}/analytics?{short}").ok()["step"] == "hour"


async def test_upkeep_does_one_job_after_the_other_and_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    failing = iter([True, False])

    def first(now: float) -> bool:
        done.append("first")
        return len(done) < 2

    def second(now: float) -> int:
        if next(failing):
            raise OSError("away")
        done.append("second")
        return 5

    async def ask(job: Any, now: float) -> Any:
        return job(now)

    monkeypatch.setattr("gateway.upkeep.JOBS", (first, second))
    clock = [time.time()]
    upkeep = Upkeep(ask, lambda: clock[0])
    assert [await upkeep.turn() for _ in range(5)] == [True, True, False, False, False]
    assert done == ["first", "first", "second"]
    clock[0] += 3_600
    assert await upkeep.turn() is True
