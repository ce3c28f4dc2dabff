"""The main job on a fleet: one portal and two gateways from the command line, on a real PostgreSQL and a real Redis."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.engines import PostgreSQL, Redis
from tests.gateway.backends import Backend, until
from tests.gateway.world import closed, free_port
from tests.installation import Installation, says

HUNDRED = {
    "name": "Hundred",
    "limits": [{"kind": "events", "amount": 100, "per": "day", "direction": "in"}],
}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    made = Redis(tmp_path_factory.mktemp("redis"), free_port())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, redis: Redis) -> Iterator[Installation]:
    """Everything started, and everybody welcomed."""
    postgresql = PostgreSQL()
    made = Installation(postgresql.url, tmp_path_factory.mktemp("var"), REDIS_URL=redis.url)
    try:
        made.install()
        made.serve("portal")
        made.serve("gateway")
        made.serve("gateway")
        made.welcome()
        yield made
        made.stop()
    finally:
        made.kill()
        postgresql.stop()


@pytest.fixture(scope="module")
def offer(fleet: Installation, backend: Backend) -> dict[str, Any]:
    """paul's API with a plan of 100 messages, and sam's subscription to it with keys."""
    fleet.do("adam", "POST", "/business-plans", HUNDRED)
    api = fleet.do("paul", "POST", "/apis?publish=true", {
        "name": "Chat", "context": "/chat", "version": "1.0.0", "endpoint": backend.url,
        "business_plans": ["Hundred", "Unlimited"],
    })  # fmt: skip
    application = fleet.do("sam", "POST", "/applications", {"name": "Phone"})
    wish = {"api": api["id"], "application": application["id"], "business_plan": "Hundred"}
    subscription = fleet.do("sam", "POST", "/subscriptions", wish)
    keys = fleet.do("sam", "POST", f"/applications/{application['id']}/keys", {"key_type": "production"})
    return {"api": api, "application": application, "subscription": subscription, "keys": keys}


def status(fleet: Installation, gateway: int, token: str) -> int:
    """What a handshake is answered there."""
    try:
        with fleet.connect(gateway, "/chat/1.0.0", token):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_design_publish_subscribe_connect_spend_see_and_block(fleet: Installation, offer: dict[str, Any]) -> None:
    token = fleet.access_token(offer["keys"])
    passed = 0
    with fleet.connect(0, "/chat/1.0.0", token) as one, fleet.connect(1, "/chat/1.0.0", token) as other:
        open_still = [one, other]
        while open_still and passed <= 200:
            for client in list(open_still):
                if says(client):
                    passed += 1
                else:
                    open_still.remove(client)
        for client in (one, other):
            code, reason = closed(client)
            assert (code, reason["code"]) == (4429, "quota_exceeded")
    assert 99 <= passed <= 100, "the plan of both gateways together"
    until(lambda: {status(fleet, gateway, token) for gateway in (0, 1)} == {429}, 15)

    def used() -> int:
        total: int = fleet.do("sam", "GET", f"/usage?application={offer['application']['id']}")["total"]["events_in"]
        return total

    until(lambda: used() == passed, 15)

    subscription = offer["subscription"]["id"]
    fleet.do("sam", "PATCH", f"/subscriptions/{subscription}", {"business_plan": "Unlimited"})
    until(lambda: [status(fleet, gateway, token) for gateway in (0, 1)] == [101, 101], 15)
    with fleet.connect(0, "/chat/1.0.0", token) as one, fleet.connect(1, "/chat/1.0.0", token) as other:
        assert says(one)
        assert says(other)
        fleet.do("paul", "POST", f"/subscriptions/{subscription}/block", {"what": "all"})
        assert [closed(client)[0] for client in (one, other)] == [4403, 4403]
    assert [status(fleet, gateway, token) for gateway in (0, 1)] == [403, 403]
    fleet.do("paul", "POST", f"/subscriptions/{subscription}/unblock", {})


def test_wrong_passwords_count_together_at_all_portals(fleet: Installation) -> None:
    fleet.serve("portal")

    def knock(number: int) -> int:
        address = fleet.url("/api/v1/tokens", portal=number % 2)
        return httpx.post(address, auth=("sam", "wrong"), json={"name": "x"}, timeout=30).status_code

    answers = [knock(number) for number in range(45)]  # 20 a minute; a minute may end meanwhile
    assert answers.count(401) <= 40
    assert 429 in answers


def test_without_redis_nothing_breaks(fleet: Installation, offer: dict[str, Any], redis: Redis) -> None:
    token = fleet.access_token(offer["keys"])
    subscription = offer["subscription"]["id"]
    fleet.do("sam", "PATCH", f"/subscriptions/{subscription}", {"business_plan": "Unlimited"})
    until(lambda: [status(fleet, gateway, token) for gateway in (0, 1)] == [101, 101], 15)
    with fleet.connect(0, "/chat/1.0.0", token) as one, fleet.connect(1, "/chat/1.0.0", token) as other:
        redis.stop()
        assert all(says(client) for client in (one, other))
        assert [status(fleet, gateway, token) for gateway in (0, 1)] == [101, 101]
        fleet.do("paul", "POST", f"/subscriptions/{subscription}/block", {"what": "all"})
        assert [closed(client)[0] for client in (one, other)] == [4403, 4403]
    redis.start()
    fleet.do("paul", "POST", f"/subscriptions/{subscription}/unblock", {})
    until(lambda: [status(fleet, gateway, token) for gateway in (0, 1)] == [101, 101], 15)
    facts = httpx.get(f"http://127.0.0.1:{fleet.gateways[0].gateway}/health", timeout=30)
    assert json.loads(facts.text)["status"] == "up"


def test_a_gateway_dies_and_its_clients_go_on_at_the_other(fleet: Installation, offer: dict[str, Any]) -> None:
    third = fleet.serve("gateway")
    token = fleet.access_token(offer["keys"])
    with fleet.connect(2, "/chat/1.0.0", token) as client, fleet.connect(0, "/chat/1.0.0", token) as neighbour:
        assert says(client)
        third.kill()
        with pytest.raises(ConnectionClosed) as lost:
            client.recv(30)
        assert lost.value.rcvd is None, "nobody was left to say goodbye"
        assert says(neighbour)
    with fleet.connect(1, "/chat/1.0.0", token) as client:
        assert says(client)
    again = fleet.serve("gateway")
    with fleet.connect(3, "/chat/1.0.0", token) as client:
        assert says(client)
        assert again.stop(signal.SIGTERM, 30) == 0
        assert closed(client)[0] in (1001, 1012)
    with fleet.connect(0, "/chat/1.0.0", token) as client:
        assert says(client)
