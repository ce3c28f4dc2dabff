"""A gateway that is asked to stop: nobody new, everybody sent away in turn, nothing lost, and it is gone in time."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, GatewayProcess, World, closed
from wsportal.certificates import KeyPairFiles

Begin = Callable[..., GatewayProcess]


@pytest.fixture
def begin(database: str, certificate: KeyPairFiles, tmp_path: Path) -> Iterator[Begin]:
    """Starts a gateway that takes its time to drain."""
    started: list[GatewayProcess] = []

    def start(seconds: int) -> GatewayProcess:
        started.append(GatewayProcess(database, certificate, tmp_path, DRAIN_SECONDS=str(seconds)))
        return started[-1]

    yield start
    for process in started:
        process.stop()
        assert "Traceback" not in process.log.read_text()


def code_of(end: ConnectionClosed) -> int:
    """The code of the close frame that ended it; 0 if there was none."""
    return end.rcvd.code if end.rcvd is not None else 0


class Crowd:
    """Clients that wait for their close frame, each in a thread; `closes` is (seconds since the drain, code)."""

    def __init__(self, deal: Deal, gateway: GatewayProcess, size: int, stack: ExitStack) -> None:
        self.clients = [
            stack.enter_context(deal.connect(gateway=gateway, secure=number % 4 == 0)) for number in range(size)
        ]
        self.closes: list[tuple[float, int]] = []
        self.began = 0.0
        self.threads = [threading.Thread(target=self._wait, args=(client,)) for client in self.clients]

    def drained(self, process: Any, number: int = signal.SIGTERM) -> None:
        self.began = time.monotonic()
        process.send_signal(number)
        for thread in self.threads:
            thread.start()

    def _wait(self, client: Any) -> None:
        try:
            while True:
                client.recv()
        except ConnectionClosed as end:
            self.closes.append((time.monotonic() - self.began, code_of(end)))

    def gone(self) -> list[tuple[float, int]]:
        for thread in self.threads:
            thread.join(30)
        assert len(self.closes) == len(self.clients)
        return sorted(self.closes)


def test_a_drain_sends_sessions_away_one_after_the_other_and_counts_all_they_sent(
    world: World, backend: Backend, begin: Begin
) -> None:
    deal = world.deal(backend.url)
    gateway = begin(3)
    with ExitStack() as stack:
        crowd = Crowd(deal, gateway, 24, stack)
        for client in crowd.clients:
            client.send("before")
            assert client.recv(5) == "before"
        crowd.drained(gateway.process)
        closes = crowd.gone()
    assert gateway.process.wait(5) == 0
    assert time.monotonic() - crowd.began < 3 + 5
    assert {code for _, code in closes} == {1012}
    thirds = [sum(1 for at, _ in closes if part <= at < part + 1.0) for part in (0.0, 1.0, 2.0)]
    assert sum(thirds) >= 22, closes  # a close may be heard of a little after the last third
    assert all(5 <= count <= 11 for count in thirds), closes
    total = world.gateway.rest(world.people["sam"], "GET", f"/usage?api={deal.api.pk}").json()["total"]
    assert (total["sessions"], total["events_in"], total["events_out"]) == (24, 24, 24)


def test_while_it_drains_it_tells_load_balancers_and_newcomers_so_and_lets_the_others_talk(
    world: World, backend: Backend, begin: Begin
) -> None:
    deal = world.deal(backend.url)
    gateway = begin(4)
    with ExitStack() as stack:
        crowd = [stack.enter_context(deal.connect(gateway=gateway)) for _ in range(8)]
        gateway.process.terminate()
        until(lambda: httpx.get(f"http://127.0.0.1:{gateway.ws_port}/health").status_code == 503)
        answer = httpx.get(f"http://127.0.0.1:{gateway.ws_port}/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")
        with pytest.raises(InvalidStatus) as refused:
            deal.connect(gateway=gateway).__enter__()
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "1"
        assert json.loads(refused.value.response.body or b"")["code"] == "draining"
        talked = 0
        for client in crowd:
            with suppress(ConnectionClosed):
                client.send("still here")
                assert client.recv(5) == "still here"
                talked += 1
        assert talked >= 4


def test_a_handshake_that_is_under_way_when_the_drain_begins_is_finished(world: World, begin: Begin) -> None:
    slow = Backend()
    deal = world.deal(slow.url)
    gateway = begin(4)
    client = deal.connect("?late=1", gateway=gateway)
    opening = threading.Thread(target=lambda: opened.append(client.__enter__()))
    opened: list[Any] = []
    opening.start()
    until(lambda: len(slow.requests) == 1)
    gateway.process.terminate()
    opening.join(10)
    assert opened
    assert closed(opened[0])[0] == 1012
    client.__exit__(None, None, None)
    slow.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_twice_it_stops_at_once(world: World, backend: Backend, begin: Begin, number: int) -> None:
    deal = world.deal(backend.url)
    gateway = begin(60)
    with ExitStack() as stack:
        crowd = Crowd(deal, gateway, 6, stack)
        crowd.drained(gateway.process, number)
        until(lambda: httpx.get(f"http://127.0.0.1:{gateway.ws_port}/health").status_code == 503)
        gateway.process.send_signal(number)
        codes = {code for _, code in crowd.gone()}
    assert gateway.process.wait(5) == 0
    assert codes <= {1001, 1012}
    assert 1001 in codes
    assert time.monotonic() - crowd.began < 6


def test_without_sessions_a_drain_is_over_at_once(begin: Begin) -> None:
    gateway = begin(60)
    began = time.monotonic()
    gateway.process.terminate()
    assert gateway.process.wait(10) == 0
    assert time.monotonic() - began < 5
