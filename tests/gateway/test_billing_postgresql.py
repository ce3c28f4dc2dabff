"""Usage records, statements, exports and the simulator on a real PostgreSQL server (shipped by pip)."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.engines import PostgreSQL
from tests.gateway.backends import Backend, until
from tests.gateway.test_postgresql import CHANGE_PLAN, STORY, manage, told
from tests.gateway.world import GatewayProcess
from wsportal.certificates import KeyPairFiles

TOTALS = """
import json
from django.db.models import Sum
from gateway.models import UsageMinute, UsageRecord
sums = {"into": Sum("events_in"), "out": Sum("events_out"), "new": Sum("sessions")}
print(json.dumps([UsageMinute.objects.aggregate(**sums), UsageRecord.objects.aggregate(**sums),
    sorted(set(UsageRecord.objects.order_by().values_list("plan", flat=True))), UsageRecord.objects.count()]))
"""
SETTLE = """
import json, time
from datetime import timedelta
from gateway.settling import settle
print(json.dumps([settle(time.time() + 7200, timedelta(hours=6)), settle(time.time() + 7200, timedelta(hours=6))]))
"""
STATEMENT = """
import json
from datetime import timedelta
from django.utils import timezone
from apis.models import Person, Subscription
from apis.permissions import Actor
from gateway.simulating import plan_simulate
from gateway.statements import month_read, statement
now = timezone.now()
row = Subscription.objects.get()
lines = statement(Actor.of(row.application.owner), row.pk, month_read("", now), now).lines
paul = Actor.of(Person.objects.get(username="paul"))
limits = [{"kind": "events", "amount": 1, "per": "hour"}]
done = plan_simulate(actor=paul, now=now + timedelta(minutes=2), limits=limits)
print(json.dumps([[line.plan, line.events_in] for line in lines] + [[done.subscriptions, done.limited]]))
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty PostgreSQL database with our tables."""
    server = PostgreSQL()
    manage(server.url, "migrate", "--verbosity=0")
    yield server.url
    server.stop()


def test_billing_on_postgresql(url: str, backend: Backend, certificate: KeyPairFiles, tmp_path: Path) -> None:
    token = told(url, STORY.replace("BACKEND", backend.url))["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    gateway = GatewayProcess(url, certificate, tmp_path, record_s=1)
    with connect(gateway.url("/chat/1.0.0"), additional_headers=bearer, proxy=None) as client:
        for _ in range(3):
            client.send("x")
            client.recv(5)
        manage(url, "shell", "--verbosity=0", "-c", CHANGE_PLAN)
        until(lambda: "Unlimited" in told(url, TOTALS)[2], 30)
        client.send("x")
        client.recv(5)
    assert gateway.stop() == 0
    minutes, records, names, count = told(url, TOTALS)
    assert minutes == records == {"into": 4, "out": 4, "new": 1}
    assert (names, count >= 3) == (["Eight", "Unlimited"], True)

    gateway = GatewayProcess(url, certificate, tmp_path)
    with connect(gateway.url("/chat/1.0.0"), additional_headers=bearer, proxy=None) as client:
        client.send("x")
        client.recv(5)
        until(lambda: told(url, TOTALS)[0]["out"] == 5, 30)
        gateway.process.send_signal(signal.SIGKILL)
        with pytest.raises(ConnectionClosed):
            client.recv(10)
    gateway.process.wait(10)
    gateway.stop()
    found = told(url, SETTLE)
    assert found[0] >= 1, "what the killed process had counted"
    assert found[1] == 0, "nobody settles it twice"
    minutes, records, *_ = told(url, TOTALS)
    assert minutes == records == {"into": 5, "out": 5, "new": 2}
    *lines, simulated = told(url, STATEMENT)
    assert [plan for plan, _ in lines] == ["Eight", "Unlimited"]
    assert sum(events for _, events in lines) == 5
    assert simulated == [1, 1]
    events = json.loads(manage(url, "export_usage", "--from=2020-01-01", "--to=2200-01-01"))
    assert sum(event["data"]["events_in"] for event in events) == 5
    assert len({event["id"] for event in events}) == len(events)
    assert manage(url, "prune_usage", "--before=2020-01-01").startswith("0 usage records")
