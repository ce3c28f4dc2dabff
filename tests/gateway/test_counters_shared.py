"""Several gateway processes, one Redis: a plan lets through what it says, whoever asks where, and whatever fails."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from gateway.core.pool import SCRIPT, Call, Pool, arguments
from tests.engines import Redis
from tests.gateway.backends import Backend, until
from tests.gateway.fleet import fleet, server
from tests.gateway.test_faults_process import running
from tests.gateway.test_plans import events, flood, fresh, talk
from tests.gateway.world import Deal, GatewayProcess, World, closed, free_port, knock
from wsportal.certificates import KeyPairFiles

__all__ = ["fleet", "fresh", "server"]


def offer(world: World, fresh: Backend, processes: list[GatewayProcess], plan: dict[str, Any]) -> Deal:
    """sam's subscription under this plan, known to all of these processes."""
    deal = world.deal(fresh.url, plan=plan)
    for process in processes:
        until(lambda process=process: knock(process, deal.path).status == 401, 10, "it is published there")  # type: ignore[misc]
    return deal


def everybody_floods(deal: Deal, processes: list[GatewayProcess], each: int, times: int) -> list[int]:
    """So many clients at each process send without waiting until they are closed, or refused; the codes."""
    codes: list[int] = []

    def one(process: GatewayProcess) -> None:
        try:
            with deal.connect("?silent", gateway=process) as client:
                flood(client, times)
                codes.append(closed(client, 30)[0])
        except InvalidStatus as refused:  # the others were faster
            codes.append(refused.response.status_code)

    threads = [threading.Thread(target=one, args=(process,)) for process in processes for _ in range(each)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return codes


numbers = st.integers(0, 60)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 12), numbers, numbers, numbers, st.booleans())),
    st.sampled_from([1, 7, 100, 5_000]),
)
def test_redis_gives_by_the_same_rule_as_the_simulations(
    server: Redis, said: list[tuple[str, int, int, int, int, bool]], amount: int
) -> None:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.flushall()
    pool = Pool()
    script = client.register_script(SCRIPT)
    for holder, number, held, spent, wanted, bye in said:
        call = Call("w", holder, number, held, min(held, spent), wanted, min(1, wanted), amount, 4_000_000_000, bye)
        row = script(keys=["w"], args=arguments(call, "channel", 0))
        answer, _ = pool.tell(call)
        told = None if answer is None else (answer.granted, answer.left, answer.elsewhere, answer.share)
        assert (tuple(map(int, row)) or None) == told
    client.close()


@pytest.mark.parametrize("amount", [100, 3_000])
def test_both_processes_together_let_through_what_the_plan_says(
    world: World, fresh: Backend, fleet: list[GatewayProcess], amount: int
) -> None:
    deal = offer(world, fresh, fleet, events(amount, direction="in"))
    codes = everybody_floods(deal, fleet, 3, amount)
    assert set(codes) <= {4429, 429}
    assert len(codes) == 6
    assert amount * 0.99 <= fresh.counts["received"] <= amount


def test_both_directions_count_in_one_window(world: World, fresh: Backend, fleet: list[GatewayProcess]) -> None:
    deal = offer(world, fresh, fleet, events(400))
    with ExitStack() as stack:
        clients = [stack.enter_context(deal.connect(gateway=process)) for process in fleet]
        done: list[int] = []
        threads = [threading.Thread(target=lambda one=one: done.append(talk(one, 300))) for one in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert 396 <= fresh.counts["received"] + sum(done) <= 400


def test_what_one_process_holds_idle_another_gets(world: World, fresh: Backend, fleet: list[GatewayProcess]) -> None:
    deal = offer(world, fresh, fleet, events(500, direction="in"))
    with deal.connect(gateway=fleet[0]) as idle, deal.connect(gateway=fleet[1]) as busy:
        assert talk(idle, 3) == 3
        assert 492 <= talk(busy, 600) <= 497
        assert closed(busy)[0] == 4429
        idle.send("one too many")
        assert closed(idle)[0] == 4429
    assert 495 <= fresh.counts["received"] <= 500


def test_handshakes_are_counted_over_both_processes(world: World, fresh: Backend, fleet: list[GatewayProcess]) -> None:
    deal = offer(world, fresh, fleet, {"limits": [{"kind": "handshakes", "amount": 5, "per": "day"}]})
    head = {"Authorization": f"Bearer {deal.token}"}
    answers = [knock(fleet[number % 2], deal.path, **head).status for number in range(8)]
    assert answers == [101] * 5 + [429] * 3


def test_a_spent_plan_is_spent_at_the_other_process_too(
    world: World, fresh: Backend, fleet: list[GatewayProcess]
) -> None:
    deal = offer(world, fresh, fleet, events(10, direction="in"))
    with deal.connect(gateway=fleet[0]) as client:
        assert talk(client, 20) == 10
    answer = knock(fleet[1], deal.path, Authorization=f"Bearer {deal.token}")
    assert (answer.status, answer.code) == (429, "quota_exceeded")
    assert answer.headers["ratelimit"].startswith('"events-per-day-in";r=0;')


def test_a_held_session_goes_on_in_the_next_window_of_all(
    world: World, fresh: Backend, fleet: list[GatewayProcess]
) -> None:
    plan = {"limits": events(20, "second", direction="in")["limits"], "on_spent": "hold"}
    deal = offer(world, fresh, fleet, plan)
    with deal.connect(gateway=fleet[0]) as one, deal.connect(gateway=fleet[1]) as two:
        began = time.monotonic()
        for number in range(40):
            for client in (one, two):
                client.send(str(number))
        for client in (one, two):
            assert [client.recv(20) for _ in range(40)] == [str(number) for number in range(40)]
        assert time.monotonic() - began > 2.0, "80 messages at 20 a second"


def test_a_process_that_is_killed_takes_at_most_one_allotment_with_it(
    world: World, fresh: Backend, server: Redis, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(fresh.url, plan=events(2_000, direction="in"))
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(running(database, certificate, tmp_path, REDIS_URL=server.url)) for _ in range(2)
        )
        with deal.connect(gateway=one) as client, deal.connect("?silent", gateway=other) as survivor:
            assert talk(client, 150) == 150
            os.kill(one.process.pid, signal.SIGKILL)
            one.process.wait(10)
            flood(survivor, 4_000)
            assert closed(survivor, 30)[0] == 4429
    assert 2_000 * 0.99 - 1 <= fresh.counts["received"] <= 2_000


def test_a_process_that_stops_gives_everything_back(
    world: World, fresh: Backend, server: Redis, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(fresh.url, plan=events(600, direction="in"))
    with running(database, certificate, tmp_path, REDIS_URL=server.url) as one, deal.connect(gateway=one) as client:
        assert talk(client, 50) == 50
    with (
        running(database, certificate, tmp_path, REDIS_URL=server.url) as other,
        deal.connect(gateway=other) as client,
    ):
        assert talk(client, 700) == 550


# Redis away -----------------------------------------------------------------------------------------------------


def sends(client: ClientConnection, times: int) -> int:
    """As `talk`, for those who may be closed at any moment."""
    with suppress(ConnectionClosed, TimeoutError):
        return talk(client, times)
    return 0


@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"])
def test_without_redis_people_talk_on_within_local_credit_and_pay_for_it_later(
    world: World,
    fresh: Backend,
    database: str,
    certificate: KeyPairFiles,
    tmp_path: Path,
    how: str,
) -> None:
    engine = Redis(tmp_path, free_port())
    deal = world.deal(fresh.url, plan=events(1_000, direction="in"))
    with ExitStack() as stack:
        stack.callback(engine.stop)
        processes = [
            stack.enter_context(running(database, certificate, tmp_path, REDIS_URL=engine.url)) for _ in range(2)
        ]
        clients = [stack.enter_context(deal.connect(gateway=process)) for process in processes]
        assert [talk(client, 100) for client in clients] == [100, 100]
        if how == "frozen":
            engine.pause()
        else:
            engine.stop()
        with deal.connect(gateway=processes[0]) as late:  # a handshake does not wait for it for long
            assert talk(late, 60) == 60
        assert [talk(client, 20) for client in clients] == [20, 20]
        until(lambda: all("counters_degraded" in process.log.read_text() for process in processes), 10)
        if how == "frozen":
            engine.go_on()
        else:
            engine.start()
        until(lambda: all("counters_shared_again" in process.log.read_text() for process in processes), 15)
        passed = fresh.counts["received"]
        assert passed == 300
        done: list[int] = []
        threads = [threading.Thread(target=lambda one=one: done.append(sends(one, 1_000))) for one in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert 990 <= fresh.counts["received"] <= 1_000, "what was spent meanwhile is charged, and once"


def test_without_redis_at_most_the_local_credit_of_each_process_passes(
    world: World, fresh: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    engine = Redis(tmp_path, free_port())
    deal = world.deal(fresh.url, plan=events(200, direction="in"))
    with ExitStack() as stack:
        stack.callback(engine.stop)
        processes = [
            stack.enter_context(running(database, certificate, tmp_path, REDIS_URL=engine.url)) for _ in range(2)
        ]
        engine.stop()
        codes = everybody_floods(deal, processes, 2, 300)
    assert set(codes) <= {4429, 429}
    assert len(codes) == 4
    assert fresh.counts["received"] == 40, "a tenth of 200 in each of two processes"


# Sessions at once ------------------------------------------------------------------------------------------------


def test_concurrent_sessions_are_counted_over_both_processes(
    world: World, fresh: Backend, fleet: list[GatewayProcess]
) -> None:
    deal = offer(world, fresh, fleet, {"max_sessions": 3})
    head = {"Authorization": f"Bearer {deal.token}"}
    with deal.connect(gateway=fleet[0]), deal.connect(gateway=fleet[1]):
        with deal.connect(gateway=fleet[1]):
            refused = [knock(process, deal.path, **head) for process in fleet]
            assert [(answer.status, answer.code) for answer in refused] == [(429, "too_many_connections")] * 2
        until(lambda: knock(fleet[0], deal.path, **head).status == 101, 10, "the third place is free again")


def test_many_at_once_at_both_processes_get_only_as_many_places_as_there_are(
    world: World, fresh: Backend, fleet: list[GatewayProcess]
) -> None:
    deal = offer(world, fresh, fleet, {"max_sessions": 5})
    inside, done = threading.Semaphore(0), threading.Event()
    refused: list[int] = []

    def one(process: GatewayProcess) -> None:
        try:
            with deal.connect(gateway=process):
                inside.release()
                done.wait(30)
        except InvalidStatus as answer:
            refused.append(answer.response.status_code)

    threads = [threading.Thread(target=one, args=(fleet[number % 2],)) for number in range(14)]
    for thread in threads:
        thread.start()
    until(lambda: len(refused) >= 9, 20)
    done.set()
    for thread in threads:
        thread.join(30)
    assert refused == [429] * 9


def test_a_killed_process_does_not_keep_its_places(
    world: World, fresh: Backend, server: Redis, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(fresh.url, plan={"max_sessions": 1})
    head = {"Authorization": f"Bearer {deal.token}"}
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(running(database, certificate, tmp_path, REDIS_URL=server.url)) for _ in range(2)
        )
        with deal.connect(gateway=one):
            assert knock(other, deal.path, **head).status == 429
            os.kill(one.process.pid, signal.SIGKILL)
            one.process.wait(10)
        until(lambda: knock(other, deal.path, **head).status == 101, 30, "its places are free")
