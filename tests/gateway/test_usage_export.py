"""Usage records for other programs: CloudEvents and CSV, by REST and by command, and letting go of old ones."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apis.models import Api, HistoryEntry, Person, Subscription
from apis.permissions import Actor
from apis.services import subscribing
from gateway import exporting
from gateway.models import UsageRecord
from tests.apis.conftest import Rest
from tests.gateway.billing_world import NOVEMBER, used

SPAN = "from=2024-11-01T00:00:00Z&to=2024-12-01T00:00:00Z"


@pytest.fixture
def three(subscription: Subscription) -> list[UsageRecord]:
    """Three sessions of sam's in November."""
    return [used(subscription, NOVEMBER + timedelta(days=day), 10 * (day + 1)) for day in range(3)]


def raw(rest: Rest, query: str, **headers: str) -> Any:
    return rest.client.get(f"/api/v1/usage/records?{query}", headers={**rest.headers, **headers})


def test_records_are_a_batch_of_cloud_events(rest: Callable[..., Rest], sam: Person, three: list[UsageRecord]) -> None:
    answer = raw(rest(sam), SPAN)
    assert answer.headers["Content-Type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    events = json.loads(answer.content)
    assert [event["data"]["events_in"] for event in events] == [10, 20, 30]
    first = events[0]
    assert {key: first[key] for key in ("specversion", "type", "source")} == {
        "specversion": "1.0",
        "type": "io.wsportal.usage.v1",
        "source": "/wsportal/gateway",
    }
    assert first["id"] == f"{three[0].session_id}/0"
    assert first["subject"] == str(three[0].subscription_id)
    assert first["time"] == "2024-11-01T00:01:00.000Z"
    assert first["data"].keys() == set(exporting.FIELDS)
    assert json.loads(raw(rest(sam), SPAN).content) == events, "the same records have the same ids"


def test_records_are_csv(rest: Callable[..., Rest], sam: Person, three: list[UsageRecord]) -> None:
    for answer in (raw(rest(sam), f"{SPAN}&format=csv"), raw(rest(sam), SPAN, Accept="text/csv")):
        assert answer.headers["Content-Type"].startswith("text/csv")
        text = answer.content.decode()
        assert text.count("\r\n") == text.count("\n") == 4
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [row["events_in"] for row in rows] == ["10", "20", "30"]
        assert rows[0]["id"] == three[0].event_id


def test_no_cell_is_a_formula(subscription: Subscription) -> None:
    row = used(subscription, NOVEMBER, 1, application_name='=cmd|"/c calc"!A0', api_name="@SUM(A1),\r\nx")
    (cells,) = csv.DictReader(io.StringIO("".join(exporting.csv_lines([row])), newline=""))
    assert cells["application_name"] == '\'=cmd|"/c calc"!A0'
    assert cells["api_name"] == "'@SUM(A1),\r\nx"
    assert cells["events_in"] == "1"


def test_pages_lead_on_until_the_end(rest: Callable[..., Rest], sam: Person, three: list[UsageRecord]) -> None:
    caller, query, seen = rest(sam), f"{SPAN}&limit=2", []
    for _ in range(5):
        answer = raw(caller, query)
        seen += [event["id"] for event in json.loads(answer.content)]
        link = re.fullmatch(
            r'<http://testserver/api/v1/usage/records\?(.*)>; rel="next"', answer.headers.get("Link", "")
        )
        if link is None:
            break
        query = link[1]
    assert seen == [one.event_id for one in three]


def test_who_exports_what(
    rest: Callable[..., Rest], people: dict[str, Person], chat: Api, three: list[UsageRecord]
) -> None:
    eve = people["eve"]
    spy = subscribing.application_create(actor=Actor.of(eve), name="Spy")
    row = subscribing.subscription_create(actor=Actor.of(eve), api=chat, application=spy, business_plan="Bronze")
    used(row, NOVEMBER, 7)
    for who, count in {"sam": 3, "eve": 1, "pia": 4, "paul": 4, "adam": 4}.items():
        assert len(json.loads(raw(rest(people[who]), SPAN).content)) == count, who
    assert raw(rest(people["vic"]), SPAN).status_code == 403
    assert raw(rest(people["carol"]), SPAN).status_code == 403, "a creator designs, and does not bill"
    assert raw(rest(), SPAN).status_code == 401
    assert raw(rest(eve), f"{SPAN}&application={three[0].application_id}").status_code == 404
    assert len(json.loads(raw(rest(people["adam"]), f"{SPAN}&application={spy.pk}").content)) == 1
    assert len(json.loads(raw(rest(people["pia"]), f"{SPAN}&api={chat.pk}").content)) == 4


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("format=xml", "format"),
        ("from=yesterday", "from"),
        ("from=2024-11-02T00:00:00Z&to=2024-11-01T00:00:00Z", "from"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("after=x", "after"),
        ("after=9999999999999999999", "after"),
        ("api=1", "api"),
    ],
)
def test_a_bad_parameter_is_named(rest: Callable[..., Rest], sam: Person, query: str, parameter: str) -> None:
    assert parameter in rest(sam).get(f"/usage/records?{query}").refused(400)


def test_nothing_used_is_an_empty_batch(rest: Callable[..., Rest], sam: Person) -> None:
    assert json.loads(raw(rest(sam), "").content) == []
    assert raw(rest(sam), "format=csv").content.decode().startswith("id,session,")


# Commands ---------------------------------------------------------------------------------------------------------


def test_the_command_writes_what_rest_answers(
    rest: Callable[..., Rest], sam: Person, three: list[UsageRecord], tmp_path: Path
) -> None:
    for kind in ("cloudevents", "csv"):
        output = tmp_path / f"usage.{kind}"
        call_command("export_usage", "--from=2024-11-01", "--to=2024-12-01", f"--format={kind}", f"--output={output}")
        assert output.read_bytes() == raw(rest(sam), f"{SPAN}&format={kind}").content
        assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".part")] == []
    out = io.StringIO()
    call_command("export_usage", "--from=2024-11-01T00:00:00Z", "--to=2024-11-02", stdout=out)
    assert len(json.loads(out.getvalue())) == 1


@pytest.mark.parametrize(
    "arguments", [["--from=x", "--to=2024-12-01"], ["--from=2024-12-01", "--to=2024-11-01"], ["--from=2024-11-01"]]
)
def test_a_wrong_argument_is_refused(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("export_usage", *arguments)


def test_old_records_go_and_the_history_says_so(subscription: Subscription) -> None:
    now = datetime.now(UTC)
    used(subscription, datetime(2023, 1, 5, tzinfo=UTC), 1)
    used(subscription, now - timedelta(hours=2), 2)
    out = io.StringIO()
    call_command("prune_usage", "--before=2024-01-01", stdout=out)
    assert out.getvalue().startswith("1 usage records")
    assert [one.events_in for one in UsageRecord.objects.all()] == [2]
    entry = HistoryEntry.objects.get(action="prune_usage")
    assert (entry.actor_name, entry.detail["records"]) == ("operator", 1)
    with pytest.raises(CommandError, match="kept"):
        call_command("prune_usage", f"--before={now:%Y-%m-%d}")
    assert Client().get("/api/v1/usage/records").status_code == 401
