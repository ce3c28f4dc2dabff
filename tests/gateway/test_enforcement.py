"""A plan that is spent, over real sockets: dropped, held, told, warned, counted by time, and what is said of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.typing import Subprotocol

from tests.gateway.backends import Backend, until
from tests.gateway.faults import runtime
from tests.gateway.test_plans import events, talk, update
from tests.gateway.world import World, closed

every_port = pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
NOTICES = [Subprotocol("wsportal.notices")]


@pytest.fixture
def fresh() -> Iterator[Backend]:
    """A backend whose counts are this test's own."""
    backend = Backend()
    yield backend
    backend.stop()


def heard(client: ClientConnection, kind: str, seconds: float = 5.0) -> dict[str, Any]:
    """The next message of the gateway's own; whatever else comes is passed over."""
    while True:
        message = json.loads(client.recv(seconds))
        if isinstance(message, dict) and message.get("type") == kind:
            return message


def silent(client: ClientConnection, seconds: float = 0.4) -> bool:
    """Nothing comes for so long."""
    with suppress(TimeoutError):
        client.recv(seconds)
        return False
    return True


# Dropping ---------------------------------------------------------------------------------------------------------


@every_port
def test_what_is_beyond_the_plan_is_dropped_and_counts_as_throttled(world: World, fresh: Backend, secure: bool) -> None:
    deal = world.deal(fresh.url, plan={**events(5, direction="in"), "on_spent": "drop"})
    with deal.connect(secure=secure) as client:
        for number in range(9):
            client.send(str(number))
        assert [client.recv(5) for _ in range(5)] == list("01234")
        assert silent(client), "without `notice` nothing but echoes comes"
        client.ping().wait(5)
    until(lambda: fresh.closes)
    assert (fresh.counts["received"], fresh.closes) == (5, [1000])
    assert "sec-websocket-extensions" not in fresh.requests[0].headers, "what is dropped cannot be compressed"

    def counted() -> dict[str, Any]:
        answer = world.gateway.rest(world.people["sam"], "GET", f"/usage?application={deal.application.pk}")
        total: dict[str, Any] = answer.json()["total"]
        return total

    until(lambda: counted()["throttled"] == 4, what="usage has been written")
    assert (counted()["events_in"], counted()["events_out"]) == (5, 5)


@every_port
def test_the_sender_is_told_where_the_plan_says_so_and_who_does_not_listen_is_closed(
    world: World, fresh: Backend, secure: bool
) -> None:
    deal = world.deal(fresh.url, plan={**events(3, direction="in"), "on_spent": "drop", "notice": True})
    with deal.connect("?silent", secure=secure) as client:
        for _ in range(10):
            client.send("x")
        told = json.loads(client.recv(5))
        assert 0 < told.pop("retry_after") <= 86_400
        assert told == {"type": "throttled", "code": "quota_exceeded", "limit": "events-per-day-in"}
        assert silent(client), "once is enough"
        with suppress(ConnectionClosed):
            for _ in range(1000):
                client.send("x")
                time.sleep(0.02)
        code, reason = closed(client)
    assert (code, reason["code"]) == (4429, "quota_exceeded")
    assert reason["retry_after"] > 0
    until(lambda: fresh.closes)
    assert fresh.counts["received"] == 3


def test_a_backend_is_told_too_and_sams_session_goes_on(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={**events(2, direction="out"), "on_spent": "drop", "notice": True})
    with deal.connect("?push=40") as client:
        assert [client.recv(5) for _ in range(2)] == ["push 0", "push 1"]
        until(lambda: fresh.counts["received"] == 1, what="the backend has read the notice")
        assert silent(client)
        client.send("still there")
        until(lambda: fresh.counts["received"] == 2)


def test_a_plan_that_drops_lets_pass_again_in_the_next_window(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={**events(3, "second", direction="in"), "on_spent": "drop", "notice": True})
    with deal.connect() as client:
        echoes = 0
        for _ in range(4):
            for _ in range(6):
                client.send("[]")
            told = heard(client, "throttled")
            echoes += 3
            time.sleep(told["retry_after"])
    until(lambda: fresh.closes)
    assert fresh.closes == [1000]
    assert fresh.counts["received"] >= echoes


# Holding ----------------------------------------------------------------------------------------------------------


@every_port
def test_a_flood_is_held_in_tcp_and_all_of_it_arrives(world: World, fresh: Backend, secure: bool) -> None:
    deal = world.deal(fresh.url, plan={**events(4, direction="in"), "on_spent": "hold"})
    size, number = 64 * 1024, 256  # more than sockets keep
    with deal.connect("?silent", secure=secure, compression=None) as client:

        def flood() -> None:
            for _ in range(number):
                client.send(bytes(size))

        sender = threading.Thread(target=flood)
        sender.start()
        until(lambda: fresh.counts["received"] == 4, 30)
        sender.join(1)
        assert sender.is_alive(), "TCP holds it back"
        assert fresh.counts["received"] == 4
        update(world, deal, limits=[])
        sender.join(60)
        until(lambda: fresh.counts["received"] == number, 60)
    assert fresh.counts["bytes received"] == number * size


@every_port
def test_who_is_held_for_longer_than_any_patience_is_not_closed_for_it(
    world: World, fresh: Backend, secure: bool
) -> None:
    deal = world.deal(fresh.url, plan={**events(1, direction="in"), "on_spent": "hold"})
    runtime(world, deal, slow_consumer_s=1, idle_s=1, keepalive_s=1)
    with deal.connect(secure=secure) as client:
        for number in range(5):
            client.send(str(number))
        assert client.recv(5) == "0"
        time.sleep(4)
        update(world, deal, limits=[])
        assert [client.recv(5) for _ in range(4)] == list("1234")


def test_who_is_held_and_asked_for_notices_is_told_for_how_long(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={**events(1, direction="in"), "on_spent": "hold"})
    with deal.connect("?silent&wsportal-notices=1") as client:
        client.send("one")
        client.send("two")
        assert heard(client, "throttled")["limit"] == "events-per-day-in"


# Connection time --------------------------------------------------------------------------------------------------


def test_connection_time_is_shared_by_all_sessions_of_a_subscription(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={"limits": [{"kind": "seconds", "amount": 6, "per": "day"}]})
    started = time.monotonic()
    with deal.connect() as one, deal.connect() as two:
        assert one.response is not None
        assert '"seconds-per-day";q=6' in one.response.headers["RateLimit-Policy"]
        codes = [closed(one, 20), closed(two, 20)]
    assert 1.5 < time.monotonic() - started < 10, "six seconds for both together"
    assert [(code, reason["code"]) for code, reason in codes] == [(4429, "quota_exceeded")] * 2
    answer = deal.knock()
    assert (answer.status, answer.code) == (429, "quota_exceeded")
    assert answer.problem["limit"]["kind"] == "seconds"


def test_more_connection_time_counts_for_who_is_connected(world: World, fresh: Backend) -> None:
    limit = {"kind": "seconds", "amount": 3, "per": "day"}
    deal = world.deal(fresh.url, plan={"limits": [limit]})
    with deal.connect() as client:
        update(world, deal, limits=[{**limit, "amount": 5000}])
        time.sleep(4)
        assert talk(client, 1) == 1


# Changing plans while people are connected ------------------------------------------------------------------------


def test_what_happens_to_a_spent_plan_is_changed_for_live_sessions(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={**events(2, direction="in"), "on_spent": "hold"})
    with deal.connect("?silent", compression=None) as client:
        for _ in range(4):
            client.send("x")
        until(lambda: fresh.counts["received"] == 2)
        update(world, deal, on_spent="drop", notice=True)
        assert heard(client, "throttled")["code"] == "quota_exceeded"
        update(world, deal, on_spent="close")
        time.sleep(1)  # what the contract promises for live sessions
        client.send("x")
        assert closed(client)[0] == 4429
    assert fresh.counts["received"] == 2


def test_a_quota_that_only_bills_counts_all_of_it_and_throttles_nothing(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={**events(5), "stop_on_quota": False, "on_spent": "drop", "notice": True})
    with deal.connect() as client:
        assert talk(client, 10) == 10

    def total() -> dict[str, Any]:
        answer = world.gateway.rest(world.people["sam"], "GET", f"/usage?application={deal.application.pk}")
        found: dict[str, Any] = answer.json()["total"]
        return found

    until(lambda: total()["events_out"] == 10, what="usage has been written")
    assert (total()["events_in"], total()["throttled"]) == (10, 0)
