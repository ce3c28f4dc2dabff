"""Several workers on one port, restarted while people talk: nobody is turned away, nothing is lost."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, World
from tests.starts import Start, free_offset, is_free
from wsportal.certificates import KeyPairFiles
from wsportal.env import Ports

Keep = Callable[..., Start]
KEY = secrets.token_urlsafe(50)


@pytest.fixture
def offset() -> int:
    return free_offset()


@pytest.fixture
def keep(database: str, certificate: KeyPairFiles, tmp_path: Path, offset: int) -> Iterator[Keep]:
    """Starts `serve gateway --workers N` on the tests' database."""
    started: list[Start] = []

    def begin(workers: int, **variables: str) -> Start:
        facts = {
            "DJANGO_SECRET_KEY": KEY,
            "DATABASE_URL": f"sqlite:///{database}",
            "VAR_DIR": str(tmp_path),
            "ALLOWED_UPSTREAM_NETWORKS": "loopback",
            "DRAIN_SECONDS": "2",
            "METRICS_PORT": str(Ports.shifted(offset).portal),
            "GATEWAY_TLS_CERT": str(certificate.cert),
            "GATEWAY_TLS_KEY": str(certificate.key),
            **variables,
        }
        start = Start("serve", "gateway", "--workers", str(workers), "--port-offset", str(offset), **facts)
        started.append(start)
        start.until('"listening"')
        return start

    yield begin
    for start in started:
        if start.process.poll() is None:
            assert start.stop(signal.SIGTERM, 15) == 0
        start.kill()


def children(start: Start) -> set[int]:
    """The workers of a supervisor."""
    found = Path(f"/proc/{start.process.pid}/task/{start.process.pid}/children").read_text().split()
    return {int(pid) for pid in found}


class Echo:
    """A backend that remembers every message."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()

    async def answer(self, connection: ServerConnection) -> None:
        async for message in connection:
            self.got[str(message)] += 1
            await connection.send(message)


class Talker:
    """A client with an id that numbers what it says, and comes back when it is told to."""

    def __init__(self, name: int, url: str, token: str, **options: object) -> None:
        self.name = name
        self.url = url
        self.options = {"additional_headers": {"Authorization": f"Bearer {token}"}, "proxy": None, **options}
        self.number = 0
        self.echoes: Counter[str] = Counter()
        self.unanswered: list[str] = []
        self.codes: list[int] = []
        self.refused: list[str] = []

    async def talk(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                async with connect(self.url, **self.options) as client:  # type: ignore[arg-type]
                    await self._chat(client, over)
            except (InvalidHandshake, OSError, TimeoutError) as error:
                self.refused.append(repr(error))

    async def _chat(self, client: object, over: asyncio.Event) -> None:
        message = ""
        try:
            while not over.is_set():
                self.number += 1
                message = f"{self.name}:{self.number}"
                await client.send(message)  # type: ignore[attr-defined]
                self.echoes[await client.recv()] += 1  # type: ignore[attr-defined]
                message = ""
                await asyncio.sleep(0.02)
        except ConnectionClosed as end:
            self.codes.append(end.rcvd.code if end.rcvd else 0)
            if message:
                self.unanswered.append(message)


def test_a_rolling_restart_under_load_refuses_nobody_and_loses_nothing(
    world: World, keep: Keep, offset: int, certificate: KeyPairFiles
) -> None:
    ports = Ports.shifted(offset)

    async def scene() -> tuple[Echo, list[Talker], set[int], set[int]]:
        echo = Echo()
        async with serve(echo.answer, "127.0.0.1", 0, max_size=None) as backend:
            deal = await asyncio.to_thread(world.deal, f"ws://127.0.0.1:{backend.sockets[0].getsockname()[1]}")
            start = await asyncio.to_thread(keep, 2)
            before = children(start)
            trust = {"ssl": _trusting(certificate)}
            talkers = [
                Talker(n, f"wss://localhost:{ports.gateway_tls}{deal.path}", deal.token, **trust)
                if n % 3 == 0
                else Talker(n, f"ws://localhost:{ports.gateway}{deal.path}", deal.token)
                for n in range(40)
            ]
            over = asyncio.Event()
            tasks = [asyncio.create_task(talker.talk(over)) for talker in talkers]
            await asyncio.sleep(1.0)
            for number in (1, 2):
                start.process.send_signal(signal.SIGHUP)
                await _said(start, "rolling_restart_done", number)
                await asyncio.sleep(2.5)
            while children(start) & before:
                await asyncio.sleep(0.1)
            over.set()
            await asyncio.gather(*tasks)
            return echo, talkers, before, children(start)

    echo, talkers, before, after = asyncio.run(scene())
    assert not before & after
    assert [talker.refused for talker in talkers if talker.refused] == []
    codes = Counter(code for talker in talkers for code in talker.codes)
    assert set(codes) == {1012}
    assert 80 <= codes[1012] <= 90, codes  # twice each, unless one met the very end of a drain
    for talker in talkers:
        assert set(talker.echoes.values()) == {1}
        assert sum(talker.echoes.values()) + len(talker.unanswered) == talker.number
        assert len(talker.unanswered) <= len(talker.codes)  # what was in flight when it was sent away, no more
    assert max(echo.got.values()) == 1
    assert all(echo.got[message] for talker in talkers for message in talker.echoes)


async def _said(start: Start, what: str, times: int) -> None:
    while sum(what in line for line in start.lines) < times:
        assert start.process.poll() is None, start.output
        await asyncio.sleep(0.05)


def _trusting(certificate: KeyPairFiles) -> object:
    import ssl

    return ssl.create_default_context(cafile=str(certificate.cert))


def opened(deal: Deal, offset: int) -> object:
    """One session through whichever worker takes it."""
    return connect(
        f"ws://localhost:{Ports.shifted(offset).gateway}{deal.path}",
        additional_headers={"Authorization": f"Bearer {deal.token}"},
        proxy=None,
    )


def test_a_worker_that_dies_is_started_again_and_the_others_go_on(
    world: World, backend: Backend, keep: Keep, offset: int
) -> None:
    deal = world.deal(backend.url)
    start = keep(2)
    before = children(start)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    start.until("worker_died")

    async def scene() -> None:
        for _ in range(20):  # while one is missing, the other accepts
            async with opened(deal, offset) as client:  # type: ignore[attr-defined]
                await client.send("x")
                assert await client.recv() == "x"

    asyncio.run(scene())
    start.until("worker_started")
    assert len(children(start)) == 2
    assert victim not in children(start)


def test_each_worker_has_a_metrics_port_of_its_own_that_its_successor_takes_over(keep: Keep, offset: int) -> None:
    first = Ports.shifted(offset).portal
    start = keep(2)

    def born() -> list[str]:
        """When the process behind each port began; nothing while one of them does not answer."""
        found = []
        for port in (first, first + 1):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    text = answer.read().decode()
            except OSError:
                return []
            found += re.findall(r"process_start_time_seconds ([0-9.e+]+)\n", text)
        return found

    before = until(born, 10)
    start.process.send_signal(signal.SIGHUP)
    start.until("rolling_restart_done")
    until(lambda: (now := born()) and not set(now) & set(before), 15)


def test_plans_that_are_counted_by_each_worker_alone_are_not_passed_off_as_exact(keep: Keep) -> None:
    start = keep(2)
    assert "plans_counted_per_worker" in start.output


def test_the_workers_drain_together_and_leave_the_port(world: World, backend: Backend, keep: Keep, offset: int) -> None:
    deal = world.deal(backend.url)
    start = keep(2)

    async def scene() -> Counter[int]:
        clients = [await opened(deal, offset) for _ in range(12)]  # type: ignore[misc]
        start.process.send_signal(signal.SIGTERM)
        codes: Counter[int] = Counter()
        for client in clients:
            await client.wait_closed()
            codes[client.close_code] += 1
        return codes

    began = time.monotonic()
    codes = asyncio.run(scene())
    assert start.ended(10) == 0
    assert time.monotonic() - began < 2 + 5
    assert codes == {1012: 12}
    assert is_free(Ports.shifted(offset).gateway)


def test_a_worker_whose_supervisor_was_killed_drains_by_itself(keep: Keep, offset: int) -> None:
    start = keep(2)
    workers = children(start)
    start.process.kill()
    start.process.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 10)
    assert is_free(Ports.shifted(offset).gateway)


@pytest.mark.parametrize("workers", ["0", "65"])
def test_a_number_of_workers_that_makes_no_sense_is_one_line(workers: str, tmp_path: Path) -> None:
    start = Start("serve", "gateway", "--workers", workers, DJANGO_SECRET_KEY=KEY, VAR_DIR=str(tmp_path))
    assert start.ended() == 1
    assert start.lines == [f"wsportal: --workers is {workers}; expected a number from 1 to 64."]
