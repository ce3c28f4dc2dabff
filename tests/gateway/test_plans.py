"""Plans over real sockets: exact to the message, over all sessions, and announced."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, World, closed


def events(amount: int, per: str = "day", **more: str) -> dict[str, Any]:
    return {"limits": [{"kind": "events", "amount": amount, "per": per, **more}]}


def talk(client: ClientConnection, times: int, message: str | bytes = "x") -> int:
    """Send and wait for the echo so often, until closed; how many echoes came."""
    echoes = 0
    try:
        for _ in range(times):
            client.send(message)
            assert client.recv(5) == message
            echoes += 1
    except ConnectionClosed:
        pass
    return echoes


def flood(client: ClientConnection, times: int) -> None:
    """Send without waiting for anything, until closed."""
    with suppress(ConnectionClosed):
        for _ in range(times):
            client.send("x" * 20)


@pytest.fixture
def fresh() -> Any:
    """A backend whose counts are this test's own."""
    backend = Backend()
    yield backend
    backend.stop()


@pytest.mark.parametrize("secure", [False, True])
def test_a_plan_of_n_events_lets_exactly_n_pass(world: World, fresh: Backend, secure: bool) -> None:
    deal = world.deal(fresh.url, plan=events(11))
    with deal.connect(secure=secure) as client:
        assert talk(client, 9) == 5  # six in, five out: the sixth echo finds the plan spent
        code, reason = closed(client)
    assert code == 4429
    assert reason["code"] == "quota_exceeded"
    assert 0 < reason["retry_after"] <= 86_400
    assert (fresh.counts["received"], fresh.counts["sent"]) == (6, 6)


def test_two_sessions_of_one_subscription_spend_one_plan(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(40, direction="in"))
    with deal.connect() as one, deal.connect(token=world.token(deal)) as two, ExitStack():
        done: list[int] = []
        threads = [
            threading.Thread(target=lambda client=client: done.append(talk(client, 60))) for client in (one, two)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sum(done) == 40
        assert [closed(client)[0] for client in (one, two)] == [4429, 4429]
    assert fresh.counts["received"] == 40


def test_messages_sent_in_one_burst_are_counted_one_by_one(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(100, direction="in"))
    with deal.connect("?silent") as client:
        flood(client, 5000)
        assert closed(client)[0] == 4429
    until(lambda: fresh.closes)
    assert fresh.counts["received"] == 100


def test_what_the_backend_sends_is_counted_too(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(3, direction="out"))
    with deal.connect("?push=5") as client:
        assert [client.recv(5) for _ in range(3)] == ["push 0", "push 1", "push 2"]
        assert closed(client)[0] == 4429


def test_pings_are_free(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(2))
    with deal.connect() as client:
        for _ in range(20):
            client.ping().wait(5)
        assert talk(client, 1) == 1


def test_bytes_are_payload_and_overshoot_by_one_message(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={"limits": [{"kind": "bytes", "amount": 1000, "per": "day", "direction": "in"}]})
    with deal.connect(compression=None) as client:
        assert talk(client, 9, b"x" * 300) == 4
        assert closed(client)[0] == 4429
    assert fresh.counts["bytes received"] == 1200


def test_an_application_plan_counts_over_all_apis_of_the_application(world: World, fresh: Backend) -> None:
    limits = [{"kind": "events", "amount": 10, "per": "day", "direction": "in"}]
    deal = world.deal(fresh.url, application_plan=limits)
    other = world.deal(fresh.url)
    second = world.subscribe(other.api, deal.application, "Unlimited")
    with deal.connect() as here, second.connect() as there:
        assert talk(here, 6) == 6
        assert talk(there, 9) == 4
        assert closed(there)[0] == 4429


def test_a_spent_plan_refuses_the_next_handshake_and_says_until_when(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(2))
    with deal.connect() as client:
        talk(client, 2)
        closed(client)
    answer = deal.knock()
    assert (answer.status, answer.code) == (429, "quota_exceeded")
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    assert answer.headers["ratelimit-policy"] == '"events-per-day";q=2;w=86400'
    assert answer.headers["ratelimit"].startswith('"events-per-day";r=0;t=')


def test_limits_are_announced_with_the_101(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(50))
    with deal.connect() as client:
        assert client.response is not None
        assert client.response.headers["RateLimit"].startswith('"events-per-day";r=50;t=')
        talk(client, 5)
    until(lambda: deal.gateway.health()["sessions"] == 0)
    assert deal.knock().headers["ratelimit"].startswith('"events-per-day";r=40;t=')


def test_handshakes_are_counted_and_given_back_when_the_backend_refuses(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={"limits": [{"kind": "handshakes", "amount": 2, "per": "day"}]})
    for _ in range(4):
        assert deal.knock("?refuse=403").status == 403
    assert [deal.knock().status for _ in range(3)] == [101, 101, 429]


def test_a_plan_allows_only_so_many_sessions_at_once(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={"max_sessions": 2})
    with ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(deal.connect())
        answer = deal.knock()
        assert (answer.status, answer.code) == (429, "too_many_connections")
        assert int(answer.headers["retry-after"]) > 0
    until(lambda: deal.knock().status == 101, what="a place is free again")


def test_places_are_not_lost_when_the_backend_refuses(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={"max_sessions": 1})
    for _ in range(5):
        assert deal.knock("?refuse=403").status == 403
    assert deal.knock().status == 101


def test_the_largest_message_is_the_plans(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={"max_message_bytes": 1000})
    with deal.connect(compression=None) as client:
        assert talk(client, 1, b"x" * 1000) == 1
        client.send(b"x" * 1001)
        assert closed(client)[0] == 1009


def test_without_a_plans_word_the_largest_message_is_1_mib(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url)
    with deal.connect(compression=None, max_size=None) as client:
        assert talk(client, 1, b"x" * (1 << 20)) == 1
        client.send(b"x" * ((1 << 20) + 1))
        assert closed(client)[0] == 1009


def test_a_burst_rate_holds_sam_back_and_loses_nothing(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={"burst": {"amount": 8, "per": "second"}, "on_spent": "hold"})
    with deal.connect() as client:
        started = time.monotonic()
        for number in range(12):
            client.send(str(number))
        assert [client.recv(10) for _ in range(12)] == [str(number) for number in range(12)]
        assert time.monotonic() - started > 1.0, "24 events at 8 a second touch at least three windows"
    until(lambda: fresh.closes)
    assert fresh.closes == [1000]


def test_a_quota_that_only_bills_stops_nobody(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={**events(2), "stop_on_quota": False})
    with deal.connect() as client:
        assert talk(client, 20) == 20


def test_a_window_that_rolls_lets_sam_back_in(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(2, "second", direction="in"))
    with deal.connect() as client:
        assert talk(client, 50) < 50
        assert closed(client)[1]["retry_after"] == 1
    until(lambda: deal.knock().status == 101, what="the next second has come")


# Changing plans while people are connected ----------------------------------------------------------------------


def update(world: World, deal: Deal, **changes: Any) -> None:
    """adam changes the plan over REST."""
    path = f"/business-plans/{deal.subscription.business_plan_id}"
    answer = deal.gateway.rest(world.people["adam"], "PATCH", path, changes)
    assert answer.status_code == 200, answer.text


def test_a_smaller_plan_acts_on_live_sessions_and_keeps_the_counts(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(1000, direction="in"))
    with deal.connect() as client:
        assert talk(client, 10) == 10
        update(world, deal, limits=events(15, direction="in")["limits"])
        time.sleep(1)  # what the contract promises for live sessions
        assert talk(client, 50) == 5
        assert closed(client)[0] == 4429


def test_a_larger_plan_lets_a_held_session_go_on(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan={**events(3, direction="in"), "on_spent": "hold"})
    with deal.connect() as client:
        for number in range(6):
            client.send(str(number))
        assert [client.recv(5) for _ in range(3)] == ["0", "1", "2"]
        with pytest.raises(TimeoutError):
            client.recv(0.3)
        update(world, deal, limits=[])
        assert [client.recv(5) for _ in range(3)] == ["3", "4", "5"]
