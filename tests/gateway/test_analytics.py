"""Analytics: what went through an API, how its sessions went, whose they were; as a page, as CSV and over REST."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import people, subscribing
from gateway.analytics import Period, analytics, changed, period
from gateway.models import UsageMinute, UsageRecord
from gateway.screens_analytics import length_words
from gateway.steps import StepOf
from tests.apis.browsing import Visit, at, page

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = Period(NOON - timedelta(hours=12), NOON + timedelta(hours=12), "hour")


def minute(row: Subscription, when: datetime, **counts: int) -> None:
    UsageMinute.objects.create(
        api_id=row.api_id, application_id=row.application_id, subscription_id=row.pk, minute=when, **counts
    )


def session(row: Subscription, ended: datetime, *lengths: int, code: int | None = 1000, by: str = "client") -> None:
    """One session in as many records as there are lengths (ms); the last one says how it ended."""
    name = uuid4().hex
    for number, ms in enumerate(lengths):
        is_last = number == len(lengths) - 1
        UsageRecord.objects.create(
            session_id=name, sequence=number, api_id=row.api_id, application_id=row.application_id,
            subscription_id=row.pk, plan=row.business_plan.name, hour=ended.replace(minute=0),
            started_at=ended - timedelta(milliseconds=ms), ended_at=ended, sessions=int(number == 0), events_in=2,
            connection_ms=ms, close_code=code if is_last else None, initiator=by if is_last else "",
        )  # fmt: skip


@pytest.fixture
def used(subscription: Subscription) -> Subscription:
    """sam's phone used Chat at noon and an hour later, and a little the day before."""
    minute(subscription, NOON, sessions=2, events_in=100, events_out=10, bytes_in=1_000, bytes_out=100)
    minute(subscription, NOON + timedelta(minutes=59), events_in=5, throttled=3)
    minute(subscription, NOON + timedelta(minutes=61), sessions=1, refused=4)
    minute(subscription, NOON - timedelta(days=1), events_in=50, sessions=6)
    UsageMinute.objects.create(api_id=subscription.api_id, minute=NOON, refused=7)
    return subscription


def test_what_went_through_is_added_up_by_the_hour_and_compared_with_the_day_before(used: Subscription) -> None:
    found = analytics("api", used.api_id, DAY)
    assert len(found.rows) == 24
    assert [row["start"] for row in found.rows[:2]] == [DAY.start, DAY.start + timedelta(hours=1)]
    noon, one = found.rows[12], found.rows[13]
    assert (noon["events_in"], noon["events_out"], noon["throttled"], noon["refused"]) == (105, 10, 3, 7)
    assert (one["sessions"], one["refused"]) == (1, 4)
    assert found.total["events_in"] == 105
    assert found.total["refused"] == 11
    assert found.before["events_in"] == 50
    assert found.before["sessions"] == 6
    assert changed(found.total["events_in"], found.before["events_in"]) == 110
    assert changed(3, 0) is None


def test_minutes_and_days_are_steps_too_and_the_end_is_not_included(used: Subscription) -> None:
    by_minute = analytics("api", used.api_id, Period(NOON, NOON + timedelta(minutes=61), "minute"))
    assert [row["events_in"] for row in by_minute.rows if row["events_in"]] == [100, 5]
    assert by_minute.total["sessions"] == 2
    by_day = analytics("api", used.api_id, Period(NOON - timedelta(days=2), NOON + timedelta(days=1), "day"))
    assert [row["events_in"] for row in by_day.rows] == [0, 50, 105, 0]


def test_a_period_takes_steps_that_make_a_readable_chart() -> None:
    spans = {timedelta(hours=1): "minute", timedelta(hours=24): "hour", timedelta(days=7): "hour",
             timedelta(days=30): "day", timedelta(days=500): "day"}  # fmt: skip
    assert {length: period(NOON, NOON + length).step for length in spans} == spans


def test_the_database_and_this_program_call_a_step_the_same(used: Subscription) -> None:
    for step in ("minute", "hour", "day"):
        rows = UsageMinute.objects.annotate(at=StepOf("minute", step=step)).values_list("minute", "at")
        assert all(StepOf.text(moment, step) == text for moment, text in rows)


def test_sessions_are_as_long_as_all_their_records_together(used: Subscription) -> None:
    for ms in (1_000, 2_000, 3_000, 4_000):
        session(used, NOON, ms)
    session(used, NOON, 3_600_000, 3_600_000, 60_000, code=4401, by="gateway")
    session(used, NOON - timedelta(days=3), 5)
    found = analytics("api", used.api_id, DAY)
    lengths = found.lengths
    assert (lengths.ended, lengths.median, lengths.longest, lengths.p95) == (5, 3_000, 7_260_000, 7_260_000)
    assert lengths.average == (10_000 + 7_260_000) // 5
    assert dict(lengths.buckets) == {
        "below 1 s": 0, "1 to 10 s": 4, "10 to 60 s": 0, "1 to 10 min": 0, "10 to 60 min": 0, "1 to 6 h": 1,
        "6 h and more": 0,
    }  # fmt: skip
    assert [(close.code, close.initiator, close.sessions) for close in found.closes] == [
        (1000, "client", 4),
        (4401, "gateway", 1),
    ]
    assert [(part.name, part.counts["sessions"], part.counts["connection_ms"]) for part in found.plans] == [
        ("Bronze", 5, 7_270_000)
    ]
    assert found.sessions_at_a_time == pytest.approx(7_270 / 86_400)


def test_a_session_that_goes_on_has_no_length_yet(used: Subscription) -> None:
    session(used, NOON, 3_600_000, by="")
    found = analytics("api", used.api_id, DAY)
    assert found.lengths.ended == 0
    assert found.lengths.median is None
    assert found.closes == []
    assert found.connection_ms == 3_600_000


def test_applications_come_by_their_messages_and_what_is_gone_has_a_line(used: Subscription, sam: Person) -> None:
    other = uuid4()
    UsageMinute.objects.create(api_id=used.api_id, application_id=other, minute=NOON, events_in=1_000)
    parts = analytics("api", used.api_id, DAY).parts
    assert [(part.name, part.note) for part in parts] == [
        ("An application that is gone", ""),
        ("Phone", "sam, Bronze"),
        ("Without an application", ""),
    ]
    assert [part.id for part in parts] == [str(other), str(used.application_id), None]


def test_an_application_sees_its_apis_and_nobody_elses_numbers(used: Subscription, chat: Api) -> None:
    minute(used, NOON + timedelta(minutes=2), events_in=1)
    UsageMinute.objects.create(api_id=chat.pk, application_id=uuid4(), minute=NOON, events_in=999)
    found = analytics("application", used.application_id, DAY)
    assert found.total["events_in"] == 106
    assert [part.name for part in found.parts] == ["Chat 1.0.0"]


def test_lengths_are_said_as_people_say_them() -> None:
    said = {0: "0.00 s", 350: "0.35 s", 46_000: "46 s", 2_543_080: "42 min 23 s", 17_204_000: "4 h 46 min"}
    assert {ms: length_words(ms) for ms in said} == said
    assert length_words(None) == ""


# Pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def today(subscription: Subscription) -> Subscription:
    """The phone used Chat an hour ago."""
    when = timezone.now().replace(second=0, microsecond=0) - timedelta(hours=1)
    minute(subscription, when, sessions=3, events_in=1_234, events_out=9, bytes_in=2_048, refused=1)
    session(subscription, when, 46_000, code=4108, by="gateway")
    return subscription


def test_carol_reads_how_her_api_is_used(carol: Person, chat: Api, today: Subscription) -> None:
    shown = Visit(carol).see(at(chat, "analytics/"))
    assert shown.status == 200
    for text in ("1,234", "2.0 KB", "nothing before", "46 s", "4108", "The client reads too slowly.", "the gateway",
                 "Phone", "sam, Bronze"):  # fmt: skip
        assert text in shown.words, text
    assert 'data-chart="analytics-time"' in shown.html
    assert f'aria-current="page" href="{at(chat, "analytics/")}"' in shown.html


def test_every_period_is_a_page_and_what_is_no_day_is_said(carol: Person, chat: Api, today: Subscription) -> None:
    visit = Visit(carol)
    for name in ("hour", "day", "week", "month"):
        assert f'<option value="{name}" selected>' in visit.see(at(chat, "analytics/"), period=name).html
    day = timezone.now().date().isoformat()
    ago = (timezone.now().date() - timedelta(days=2)).isoformat()
    assert "1,234" in visit.see(at(chat, "analytics/"), period="custom", **{"from": ago, "to": day}).words
    for wrong in ({"from": "x", "to": "y"}, {"from": day, "to": ago}, {"from": "0001-01-01", "to": day}):
        assert "Give two days" in visit.see(at(chat, "analytics/"), period="custom", **wrong).words
    for nonsense in ({"period": "\x00"}, {"period": "x" * 3_000}, {"period": "custom"}):
        assert visit.see(at(chat, "analytics/"), **nonsense).status == 200


def test_an_api_that_nobody_used_says_so(carol: Person, chat: Api) -> None:
    assert "Nobody has connected to this API" in Visit(carol).see(at(chat, "analytics/")).words


def test_each_table_is_a_csv(pia: Person, chat: Api, today: Subscription) -> None:
    Application.objects.update(name="=SUM(A1)")
    read: dict[str, list[dict[str, str]]] = {}
    for table in ("time", "parts", "plans", "closes", "nonsense"):
        answer = Visit(pia).see(at(chat, "analytics/"), table=table).response
        assert answer["Content-Type"].startswith("text/csv")
        read[table] = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert sum(int(row["events_in"]) for row in read["time"]) == 1_234
    assert read["nonsense"] == read["time"]
    assert read["parts"][0]["application"] == "'=SUM(A1)"
    assert read["plans"][0]["plan"] == "Bronze"
    assert read["closes"] == [{"code": "4108", "initiator": "gateway", "sessions": "1"}]


def test_sam_reads_how_the_phone_is_used_and_eve_does_not(
    sam: Person, eve: Person, phone: Application, today: Subscription
) -> None:
    shown = Visit(sam).see(page(phone, "analytics/"))
    assert shown.status == 200
    assert "1,234" in shown.words
    assert "APIs with most messages" in shown.words
    assert "Chat 1.0.0" in shown.words
    assert f"{page(phone)}analytics/" in Visit(sam).see(page(phone)).html
    assert Visit(eve).see(page(phone, "analytics/")).status in {403, 404}


def test_whoever_does_not_see_the_api_does_not_see_its_numbers(
    sam: Person, carol: Person, chat: Api, today: Subscription
) -> None:
    assert Visit(sam).see(at(chat, "analytics/")).status == 403
    Api.objects.update(access_roles=["publisher"])
    people.person_create(actor=Actor.of(_admin()), username="cleo", password="walks-the-dog-7", roles=["creator"])
    cleo = Person.objects.get(username="cleo")
    assert Visit(cleo).see(at(chat, "analytics/")).status == 404


def _admin() -> Person:
    return Person.objects.create_user("boss", roles=["administrator"])


def test_many_applications_cost_no_more_questions_than_one(
    pia: Person, sam: Person, chat: Api, today: Subscription
) -> None:
    visit = Visit(pia)
    visit.see(at(chat, "analytics/"))

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert visit.see(at(chat, "analytics/")).status == 200
        return len(queries)

    few = count()
    for number in range(15):
        made = subscribing.application_create(actor=Actor.of(sam), name=f"App {number}")
        row = subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=made, business_plan="Bronze")
        minute(row, timezone.now().replace(second=0, microsecond=0), events_in=number)
    assert count() == few <= 14


# REST -------------------------------------------------------------------------------------------------------------


def test_the_same_numbers_over_rest(rest: Any, pia: Person, chat: Api, today: Subscription) -> None:
    found = rest(pia).get(f"/apis/{chat.pk}/analytics")
    assert found.status == 200, found.body
    body = found.body
    assert body["step"] == "hour"
    assert len(body["rows"]) in {24, 25}  # whatever the clock says
    assert body["total"]["events_in"] == 1_234
    assert body["before"]["events_in"] == 0
    assert body["lengths"]["median_ms"] == 46_000
    assert body["closes"] == [{"code": 4108, "initiator": "gateway", "sessions": 1}]
    assert body["parts"][0]["name"] == "Phone"
    assert body["parts"][0]["events_in"] == 1_234
    assert body["plans"][0]["plan"] == "Bronze"


def test_sam_asks_about_the_phone_over_rest(rest: Any, sam: Person, phone: Application, today: Subscription) -> None:
    body = rest(sam).get(f"/applications/{phone.pk}/analytics?step=minute").body
    assert body["total"]["sessions"] == 3
    assert body["parts"][0]["name"] == "Chat 1.0.0"


def test_rest_names_the_parameter_that_is_wrong(rest: Any, pia: Person, sam: Person, chat: Api) -> None:
    caller = rest(pia)
    for query, field in {
        "from=yesterday": "from",
        "from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z": "from",
        "from=2020-03-02T00:00:00Z&to=2026-03-01T00:00:00Z": "from",
        "step=week": "step",
        "from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z&step=minute": "step",
    }.items():
        answer = caller.get(f"/apis/{chat.pk}/analytics?{query}")
        assert answer.status == 400, query
        assert field in str(answer.body)
    assert rest(sam).get(f"/apis/{chat.pk}/analytics").status == 403
    assert rest(sam).get(f"/apis/{uuid4()}/analytics").status == 404
