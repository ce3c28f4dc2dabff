"""What the gateway says of itself: numbers that are exact, and one line per session that names who ended it and why."""

from __future__ import annotations

import json
import secrets
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, World, closed, free_port
from tests.starts import Start, free_offset
from wsportal.env import Ports


class Gateway:
    """`serve gateway` on the tests' database, with its metrics and its log."""

    def __init__(self, database: str, folder: Path) -> None:
        offset, self.metrics = free_offset(), free_port()
        self.port = Ports.shifted(offset).gateway
        self.start = Start(
            "serve",
            "gateway",
            "--port-offset",
            str(offset),
            DJANGO_SECRET_KEY=secrets.token_urlsafe(50),
            DATABASE_URL=f"sqlite:///{database}",
            VAR_DIR=str(folder),
            ALLOWED_UPSTREAM_NETWORKS="loopback",
            METRICS_PORT=str(self.metrics),
            DRAIN_SECONDS="1",
        )
        self.start.until('"listening"')

    def connect(self, deal: Deal, token: str | None = None) -> connect:
        headers = {"Authorization": f"Bearer {token or deal.token}"}
        url = f"ws://127.0.0.1:{self.port}{deal.path}"
        return connect(url, additional_headers=headers, proxy=None, compression=None, open_timeout=20)

    def numbers(self) -> dict[str, float]:
        """Every sample of ours, by its name and labels as they stand in the text."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("wsportal_"))
        return {name: float(value) for name, value in pairs}

    def lines(self, event: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.start.lines) if line["event"] == event]


@pytest.fixture
def begin(database: str, tmp_path: Path) -> Iterator[Any]:
    """Starts a gateway once the test has made its deals."""
    started: list[Gateway] = []

    def start() -> Gateway:
        started.append(Gateway(database, tmp_path))
        return started[-1]

    yield start
    for one in started:
        assert one.start.stop(signal.SIGTERM, 15) == 0


def talk(client: ClientConnection, times: int, message: str) -> None:
    for _ in range(times):
        client.send(message)
        assert client.recv(5) == message


def test_every_number_is_exact_after_a_known_run(world: World, backend: Backend, begin: Any) -> None:
    deal = world.deal(backend.url)
    small = world.deal(backend.url, plan={"limits": [{"kind": "events", "amount": 4, "per": "day"}]})
    dead = world.deal("ws://127.0.0.1:1")
    gateway = begin()
    with gateway.connect(deal) as first, gateway.connect(deal) as second:
        talk(first, 7, "x" * 100)
        talk(second, 3, "y" * 1000)
        assert until(lambda: gateway.numbers()["wsportal_sessions"] == 2)
        second.close(4321, "enough")
    with gateway.connect(small) as client:
        talk(client, 2, "z" * 10)
        client.send("too much")
        assert closed(client)[0] == 4429
    for who, token in ((deal, "wrong"), (dead, None)):
        with pytest.raises(InvalidStatus):
            gateway.connect(who, token).__enter__()

    def all_counted() -> bool:
        found = gateway.numbers()
        return found["wsportal_sessions"] == 0 and found['wsportal_messages_total{direction="in"}'] == 12

    until(all_counted, 5)
    found = gateway.numbers()
    payload = 7 * 100 + 3 * 1000 + 2 * 10
    expected = {
        'wsportal_handshakes_total{outcome="accepted"}': 3,
        'wsportal_handshakes_total{outcome="invalid_token"}': 1,
        'wsportal_handshakes_total{outcome="upstream_unreachable"}': 1,
        "wsportal_handshake_seconds_count": 5,
        'wsportal_messages_total{direction="in"}': 12,
        'wsportal_messages_total{direction="out"}': 12,
        'wsportal_bytes_total{direction="in"}': payload,
        'wsportal_bytes_total{direction="out"}': payload,
        "wsportal_throttled_total": 1,
        'wsportal_session_closes_total{code="1000",initiator="client"}': 1,
        'wsportal_session_closes_total{code="4xxx",initiator="client"}': 1,
        'wsportal_session_closes_total{code="4429",initiator="gateway"}': 1,
        f'wsportal_upstream_up{{api="{deal.path}",url="{backend.url}"}}': 1,
        f'wsportal_upstream_up{{api="{dead.path}",url="ws://127.0.0.1:1"}}': 0,
    }
    assert {name: found.get(name) for name in expected} == expected
    outcomes = {name for name in found if name.startswith("wsportal_handshakes_total")}
    assert outcomes <= expected.keys()


def test_the_line_of_a_session_says_whose_it_was_and_who_ended_it_and_why(
    world: World, backend: Backend, begin: Any
) -> None:
    deal = world.deal(backend.url)
    gateway = begin()
    with gateway.connect(deal) as client:
        request = client.response.headers["X-Request-ID"]  # type: ignore[union-attr]
        talk(client, 2, "hello")
        client.close(4321, "that will do")
    (line,) = until(lambda: gateway.lines("session_ended"))
    assert backend.requests[-1].headers["X-Request-ID"] == request
    assert 0 <= line.pop("duration_s") < 60
    for name in ("timestamp", "level", "logger"):
        line.pop(name)
    assert line == {
        "event": "session_ended",
        "request": request,
        "api": deal.api.name,
        "version": "1.0.0",
        "api_id": str(deal.api.pk),
        "application": deal.application.name,
        "application_id": str(deal.application.pk),
        "plan": "Unlimited",
        "principal": str(world.people["sam"].pk),
        "key_type": "production",
        "client": "127.0.0.1",
        "upstream": backend.url,
        "events": [2, 2],
        "bytes": [10, 10],
        "throttled": 0,
        "initiator": "client",
        "close_code": 4321,
        "reason": "that will do",
        "how": "close",
    }
    with pytest.raises(InvalidStatus) as refused:
        gateway.connect(deal, "wrong").__enter__()
    (line,) = until(lambda: gateway.lines("handshake_refused"))
    assert line["request"] == refused.value.response.headers["X-Request-ID"]
    assert line["code"] == "invalid_token"


def test_the_loop_and_a_message_now_and_then_are_timed(world: World, backend: Backend, begin: Any) -> None:
    deal = world.deal(backend.url)
    gateway = begin()

    def sampled() -> bool:
        talk(client, 50, "tick")
        found = gateway.numbers()
        return found["wsportal_added_latency_seconds_count"] >= 2 and found["wsportal_loop_lag_seconds_count"] >= 4

    with gateway.connect(deal) as client:
        until(sampled, 15)
    found = gateway.numbers()
    each = found["wsportal_added_latency_seconds_sum"] / found["wsportal_added_latency_seconds_count"]
    assert 0 < each < 0.1
