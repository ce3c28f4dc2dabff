"""A network that dies without a word: no reset, no end of stream, only silence. And a clock that is really set.

Needs root and `ip` (iproute2) for a network of its own, and libfaketime for a clock of its own;
`.ci/run` installs both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.backends import Backend, until
from tests.gateway.faults import Log, runtime
from tests.gateway.test_faults_ends import CLIENT
from tests.gateway.world import WORKER, GatewayProcess, World, free_port
from wsportal.certificates import KeyPairFiles

KEEPALIVE_S = 1
NOTICED_S = 3 * KEEPALIVE_S + 5.0  # two pings may stay unanswered; the rest is for a busy machine
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
HOUR_S = 3600

ECHO = """
import sys
from websockets.sync.server import serve
def echo(client):
    for message in client:
        client.send(message)
with serve(echo, sys.argv[1], int(sys.argv[2]), ping_interval=None) as server:
    print("ready", flush=True)
    server.serve_forever()
"""


def gone(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)


class Island:
    """A network of its own behind one cable.

    Attributes:
        here, there: the addresses at its two ends.
    """

    def __init__(self) -> None:
        name = f"wsp{os.getpid() % 100_000}"
        self.name, self.cable, self.far = name, f"{name}a", f"{name}b"
        self.here, self.there = f"10.213.{WORKER % 250}.1", f"10.213.{WORKER % 250}.2"
        run("ip", "netns", "add", name)
        try:
            run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", self.far, "netns", name)
            run("ip", "addr", "add", f"{self.here}/24", "dev", self.cable)
            run("ip", "link", "set", self.cable, "up")
            run("ip", "-n", name, "addr", "add", f"{self.there}/24", "dev", self.far)
            self.repair()
        except BaseException:
            self.remove()
            raise

    def start(self, script: str, *arguments: str) -> subprocess.Popen[bytes]:
        """A Python program on the island."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, "-c", script, *arguments],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def cut(self) -> None:
        """From now on everything that is sent is lost, and nobody is told."""
        run("ip", "-n", self.name, "link", "set", self.far, "down")

    def repair(self) -> None:
        run("ip", "-n", self.name, "link", "set", self.far, "up")

    def remove(self) -> None:
        run("ip", "netns", "del", self.name)


@pytest.fixture(scope="module")
def _island() -> Iterator[Island]:
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("needs root and `ip` (Debian: iproute2)")
    try:
        made = Island()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine makes no networks: {error.stderr}")
    yield made
    made.remove()


@pytest.fixture
def island(_island: Island) -> Island:
    _island.repair()
    return _island


def test_a_client_behind_a_network_that_died_is_let_go_within_its_pings(
    island: Island, world: World, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    echo = Backend()
    deal = world.deal(echo.url)
    runtime(world, deal, keepalive_s=KEEPALIVE_S)
    gateway = GatewayProcess(database, certificate, tmp_path, host=island.here)  # where the island can reach it
    log = Log(gateway)
    address = f"ws://{island.here}:{gateway.ws_port}{deal.path}"
    client = island.start(CLIENT, address, deal.token)
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == b"up\n"
        island.cut()
        started = time.monotonic()
        until(lambda: echo.closes == [1001], NOTICED_S + 10)
        assert time.monotonic() - started < NOTICED_S
        until(lambda: "how=timeout initiator=client" in log)
    finally:
        gone(client)
        gateway.stop()
        echo.stop()


def test_the_client_of_a_backend_behind_a_network_that_died_is_told_1014(island: Island, world: World) -> None:
    port = free_port()
    backend = island.start(ECHO, island.there, str(port))
    try:
        assert backend.stdout is not None
        assert backend.stdout.readline() == b"ready\n"
        url = f"ws://{island.there}:{port}"
        deal = world.deal(url, timeouts={"connect_ms": 700, "handshake_ms": 700})
        runtime(world, deal, keepalive_s=KEEPALIVE_S)
        with deal.connect(ping_interval=None) as sam:
            sam.send("are you there")
            assert sam.recv(5) == "are you there"
            island.cut()
            started = time.monotonic()
            code, _ = _closed(sam)
            assert code == 1014
            assert time.monotonic() - started < NOTICED_S
        answer = deal.knock()
        # what a kernel finds first: no answer in time, or that its neighbour has no address any more
        assert (answer.status, answer.code) in {(504, "upstream_timeout"), (502, "upstream_unreachable")}
    finally:
        gone(backend)


def _closed(client: Any) -> tuple[int, str]:
    from websockets.exceptions import ConnectionClosed

    with pytest.raises(ConnectionClosed) as end:
        client.recv(NOTICED_S + 10)
    assert end.value.rcvd is not None
    return end.value.rcvd.code, end.value.rcvd.reason


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S], ids=["forward", "back"])
def test_a_running_gateway_whose_clock_is_set_by_an_hour_keeps_everybody(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path, jump_s: int
) -> None:
    if FAKETIME is None:
        pytest.skip("needs libfaketime (Debian: libfaketime)")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    deal = world.deal(backend.url, plan={"limits": [{"kind": "events", "amount": 1000, "per": "day"}]})
    process = GatewayProcess(
        database,
        certificate,
        tmp_path,
        LD_PRELOAD=str(FAKETIME),
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        DONT_FAKE_MONOTONIC="1",
    )
    log = Log(process)
    try:
        with deal.connect(gateway=process) as sam:
            sam.send("before")
            assert sam.recv(5) == "before"
            clock.write_text(f"{jump_s:+d}")
            until(lambda: "clock_was_set" in log)
            for number in range(20):
                sam.send(f"after {number}")
                assert sam.recv(5) == f"after {number}"
            if jump_s < 0:  # by a clock that is an hour ahead, every token of this hour has expired
                with deal.connect(gateway=process, token=world.token(deal)) as another:
                    another.send("new")
                    assert another.recv(5) == "new"
            clock.write_text("+0")
            until(lambda: log.text().count("clock_was_set") == 2)
            sam.send("still here")
            assert sam.recv(5) == "still here"
        until(lambda: "session_ended" in log)
    finally:
        assert process.stop() == 0
    assert "Traceback" not in log.text()
