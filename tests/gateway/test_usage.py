"""Usage is what both ends counted: to the message, at most two seconds behind, and after a stop."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gateway.models import UsageMinute
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, GatewayProcess, World, closed
from wsportal.certificates import KeyPairFiles

BEHIND_S = 2.0  # CONTRACT section 4


def usage(world: World, deal: Deal, who: str = "sam", what: str = "application") -> dict[str, Any]:
    """The total that this person sees over REST."""
    subject = deal.application.pk if what == "application" else deal.api.pk
    answer = world.gateway.rest(world.people[who], "GET", f"/usage?{what}={subject}")
    assert answer.status_code == 200, answer.text
    total: dict[str, Any] = answer.json()["total"]
    return total


def test_usage_shows_what_client_and_backend_counted(world: World) -> None:
    backend = Backend()
    deal = world.deal(backend.url)
    sent = received = sent_bytes = received_bytes = 0
    try:
        with ExitStack() as stack:
            for number in range(3):
                client = stack.enter_context(deal.connect("?push=2", compression=None, secure=number == 0))
                for message in ["hello", "", b"x" * 70_000, "ü" * 300]:
                    client.send(message)
                    sent, sent_bytes = (
                        sent + 1,
                        sent_bytes + len(message.encode() if isinstance(message, str) else message),
                    )
                for _ in range(6):
                    message = client.recv(5)
                    received += 1
                    received_bytes += len(message.encode() if isinstance(message, str) else message)
        until(lambda: len(backend.closes) == 3)
    finally:
        backend.stop()
    expected = {
        "sessions": 3,
        "events_in": sent,
        "events_out": received,
        "bytes_in": sent_bytes,
        "bytes_out": received_bytes,
        "refused": 0,
        "throttled": 0,
    }
    assert (sent, received) == (backend.counts["received"], backend.counts["sent"])
    assert (sent_bytes, received_bytes) == (backend.counts["bytes received"], backend.counts["bytes sent"])
    until(lambda: usage(world, deal) == expected, BEHIND_S, f"{usage(world, deal)} is not {expected}")
    assert usage(world, deal, "paul", "api") == expected
    time.sleep(1.1)  # a further sweep counts nothing twice
    assert usage(world, deal) == expected


def test_a_session_that_goes_on_is_at_most_two_seconds_behind(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        for round_ in range(1, 4):
            for _ in range(5):
                client.send("x")
                client.recv(5)
            until(lambda: usage(world, deal)["events_in"] == 5 * round_, BEHIND_S)  # noqa: B023
        assert usage(world, deal)["sessions"] == 1


def test_bytes_are_counted_as_they_travel(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect(compression="deflate") as client:
        client.send("x" * 100_000)
        client.recv(5)
    until(lambda: usage(world, deal)["events_out"] == 1, BEHIND_S)
    total = usage(world, deal)
    assert 0 < total["bytes_in"] < 2_000
    assert 0 < total["bytes_out"] < 2_000


def test_refusals_are_counted_by_what_was_known(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    deal.knock(token="")  # nobody
    deal.knock(token="never-issued")
    assert deal.knock("?refuse=403").status == 403  # known to the application
    until(lambda: usage(world, deal, "paul", "api")["refused"] == 3, BEHIND_S)
    assert usage(world, deal)["refused"] == 1
    assert usage(world, deal)["sessions"] == 0


def test_a_message_that_the_plan_refused_is_throttled_and_not_an_event(world: World, backend: Backend) -> None:
    limits = [{"kind": "events", "amount": 3, "per": "day", "direction": "in"}]
    deal = world.deal(backend.url, plan={"limits": limits})
    with deal.connect() as client:
        for _ in range(4):
            client.send("x")
        assert closed(client)[0] == 4429
    assert deal.knock().status == 429
    until(lambda: usage(world, deal)["refused"] == 1, BEHIND_S)
    total = usage(world, deal)
    assert (total["sessions"], total["events_in"], total["throttled"]) == (1, 3, 1)
    fields = world.gateway.rest(world.people["sam"], "GET", f"/usage?application={deal.application.pk}").headers
    assert fields["RateLimit"].startswith('"events-per-day-in";r=0;t=')


def test_one_row_for_each_subscription_and_minute(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    for _ in range(3):
        with deal.connect() as client:
            client.send("x")
            client.recv(5)
    until(lambda: usage(world, deal)["events_in"] == 3, BEHIND_S)
    rows = UsageMinute.objects.filter(subscription_id=deal.subscription.pk)
    assert len(rows) == len({row.minute for row in rows}) <= 2
    assert {row.application_id for row in rows} == {deal.application.pk}


def test_nothing_is_lost_when_the_gateway_is_stopped(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    other = GatewayProcess(database, certificate, tmp_path)
    with deal.connect(gateway=other) as client:
        for _ in range(7):
            client.send("x")
            client.recv(5)
        other.process.terminate()
        assert closed(client)[0] == 1001
    assert other.stop() == 0
    total = usage(world, deal)
    assert (total["sessions"], total["events_in"], total["events_out"]) == (1, 7, 7)


def test_two_gateways_add_to_the_same_minute(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    other = GatewayProcess(database, certificate, tmp_path)
    try:
        with deal.connect() as here, deal.connect(gateway=other) as there:
            for client in (here, there, here, there):
                client.send("x")
                client.recv(5)
        until(lambda: usage(world, deal)["events_in"] == 4, BEHIND_S)
        assert usage(world, deal)["sessions"] == 2
    finally:
        other.stop()
