"""Usage over REST and on portal pages: who sees what, added up how."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import subscribing
from gateway.core.records import Tally, UsageKey
from gateway.core.rejections import CLOSE_CODES
from gateway.models import UsageMinute
from gateway.usage import write
from tests.apis.conftest import Rest

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def key(subscription: Subscription) -> UsageKey:
    return UsageKey(str(subscription.api_id), str(subscription.application_id), str(subscription.pk))


def at(moment: datetime) -> int:
    return int(moment.timestamp()) // 60 * 60


@pytest.fixture
def eves(eve: Person, chat: Api) -> Subscription:
    """eve's own subscription to the same API."""
    application = subscribing.application_create(actor=Actor.of(eve), name="Spy")
    return subscribing.subscription_create(
        actor=Actor.of(eve), api=chat, application=application, business_plan="Bronze"
    )


@pytest.fixture
def used(subscription: Subscription, eves: Subscription) -> Subscription:
    """A little usage now and an hour ago, and some of somebody who was refused."""
    now = timezone.now()
    write(
        {
            (key(subscription), at(now)): Tally(1, 5, 6, 50, 60, 0, 2),
            (key(subscription), at(now - timedelta(hours=1))): Tally(2, 10, 10, 100, 100),
            (key(subscription), at(now - timedelta(days=2))): Tally(7, 7, 7, 7, 7),
            (key(eves), at(now)): Tally(1, 1000, 1000, 1, 1),
            (UsageKey(str(subscription.api_id)), at(now)): Tally(refused=3),
        }
    )
    return subscription


def test_writing_adds_to_the_row_that_is_there(subscription: Subscription) -> None:
    for _ in range(2):
        write(
            {
                (key(subscription), at(NOW)): Tally(1, 2, 3, 4, 5, 6, 7),
                (UsageKey(str(subscription.api_id)), at(NOW)): Tally(refused=1),
            }
        )
    rows = UsageMinute.objects.order_by("refused").values_list(
        "sessions", "events_in", "bytes_out", "refused", "throttled"
    )
    assert list(rows) == [(0, 0, 0, 2, 0), (2, 4, 10, 12, 14)]


def test_a_minute_that_another_process_began_just_now_is_added_to(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({(key(subscription), at(NOW)): Tally(events_in=1)})
    answers = iter([False])
    real = __import__("gateway.usage", fromlist=["_add"])._add
    monkeypatch.setattr("gateway.usage._add", lambda *args: next(answers, None) is None and real(*args))
    write({(key(subscription), at(NOW)): Tally(events_in=2)})
    assert UsageMinute.objects.get().events_in == 3


def test_sam_sees_what_was_used_under_his_applications_and_nothing_else(
    rest: Callable[..., Rest], sam: Person, used: Subscription
) -> None:
    answer = rest(sam).get("/usage").ok()
    counted = {"sessions": 3, "events_in": 15, "events_out": 16, "bytes_in": 150, "bytes_out": 160}
    assert answer["total"] == {**counted, "refused": 0, "throttled": 2}
    assert [row["events_in"] for row in answer["rows"]] == [10, 5]
    starts = [datetime.fromisoformat(row["start"]) for row in answer["rows"]]
    assert all(start.second == 0 and start.utcoffset() == timedelta(0) for start in starts)


def test_paul_sees_everybody_on_his_api(rest: Callable[..., Rest], paul: Person, used: Subscription) -> None:
    total = rest(paul).get(f"/usage?api={used.api_id}&step=day").ok()["total"]
    assert (total["events_in"], total["refused"], total["sessions"]) == (1015, 3, 4)
    only_sam = rest(paul).get(f"/usage?application={used.application_id}").ok()["total"]
    assert only_sam["events_in"] == 15


def test_adam_sees_everything(rest: Callable[..., Rest], adam: Person, used: Subscription) -> None:
    assert rest(adam).get("/usage?from=2020-01-01T00:00:00Z&step=day").ok()["total"]["sessions"] == 11


def test_steps_add_up_and_the_span_is_half_open(
    rest: Callable[..., Rest], sam: Person, subscription: Subscription
) -> None:
    for minutes in (0, 1, 59, 60):
        write({(key(subscription), at(NOW) + minutes * 60): Tally(events_in=1)})
    for step, counts in (("minute", [1, 1, 1]), ("hour", [2, 1]), ("day", [3])):
        answer = rest(sam).get(f"/usage?from=2026-11-24T12:30:00Z&to=2026-11-24T13:30:00Z&step={step}").ok()
        assert [row["events_in"] for row in answer["rows"]] == counts
    zoned = rest(sam).get("/usage?from=2026-11-24T13:30:00%2B01:00&to=2026-11-24T12:31").ok()
    assert zoned["total"]["events_in"] == 1


def test_sams_answer_announces_his_limits(rest: Callable[..., Rest], sam: Person, used: Subscription) -> None:
    headers = rest(sam).get("/usage").headers
    assert headers["RateLimit-Policy"] == '"events-per-minute";q=1000;w=60'
    assert headers["RateLimit"].startswith('"events-per-minute";r=')


def test_publishers_and_strangers_get_no_limits(rest: Callable[..., Rest], paul: Person, used: Subscription) -> None:
    assert "RateLimit" not in rest(paul).get("/usage").headers


def test_eve_does_not_see_sams_application(rest: Callable[..., Rest], eve: Person, used: Subscription) -> None:
    rest(eve).get(f"/usage?application={used.application_id}").refused(404)
    assert rest(eve).get(f"/usage?api={used.api_id}").ok()["total"]["events_in"] == 1000


def test_somebody_without_a_role_and_nobody_see_nothing(
    rest: Callable[..., Rest], vic: Person, used: Subscription
) -> None:
    rest(vic).get("/usage").refused(403)
    rest().get("/usage").refused(401)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("api=echo", "api"),
        ("application=1", "application"),
        ("step=second", "step"),
        ("from=yesterday", "from"),
        ("from=2026-13-01T00:00:00Z", "from"),
        ("to=0001-01-01T00:00:00Z", "to"),
        ("to=9999-12-31T23:59:59-10:00", "to"),
        ("from=2026-11-24T12:00:00Z&to=2026-11-24T11:00:00Z", "from"),
        ("from=2020-01-01T00:00:00Z&step=minute", "step"),
    ],
)
def test_a_bad_parameter_is_named(rest: Callable[..., Rest], sam: Person, query: str, parameter: str) -> None:
    assert parameter in rest(sam).get(f"/usage?{query}").refused(400)


def test_everybody_may_read_the_close_codes(rest: Callable[..., Rest], db: None) -> None:
    rows: list[dict[str, Any]] = rest().get("/close-codes").ok()
    assert [row["code"] for row in rows] == [row.code for row in CLOSE_CODES]
    assert all(row["means"] and row["advice"] for row in rows)


# Portal pages ---------------------------------------------------------------------------------------------------


def page(person: Person | None, path: str) -> Any:
    client = Client()
    if person is not None:
        client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client.get(path)


def test_the_overview_shows_the_usage_of_the_api(paul: Person, used: Subscription) -> None:
    text = page(paul, f"/publisher/fragments/usage/{used.api_id}").content.decode()
    assert '<div class="h2 mb-0" data-usage="events_in">1,015</div>' in text
    assert '<div class="h2 mb-0" data-usage="refused">3</div>' in text
    assert f'id="usage-{used.api_id}" type="application/json"' in text
    assert "style=" not in text


def test_the_developer_portal_shows_sam_his_application(sam: Person, eve: Person, used: Subscription) -> None:
    path = f"/devportal/fragments/usage/{used.application_id}"
    assert 'data-usage="events_in">15</div>' in page(sam, path).content.decode()
    assert page(eve, path).status_code == 404
    assert page(None, path).status_code == 302


@pytest.mark.parametrize("who", ["sam", "vic"])
def test_only_people_who_see_apis_see_their_usage(people: dict[str, Person], used: Subscription, who: str) -> None:
    assert page(people[who], f"/publisher/fragments/usage/{used.api_id}").status_code == 404
    assert page(people["carol"], f"/publisher/fragments/usage/{uuid4()}").status_code == 404


def test_the_application_without_usage_has_an_empty_chart(sam: Person, phone: Application) -> None:
    text = page(sam, f"/devportal/fragments/usage/{phone.pk}").content.decode()
    assert 'data-usage="sessions">0</div>' in text
