"""What an API asks of every session: sizes, times, how many at once; the tightest of API, plan and endpoint wins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway.backends import Backend, until
from tests.gateway.ends import Corridor
from tests.gateway.faults import Log, runtime
from tests.gateway.world import World, closed
from tests.wires import BINARY, CLOSE, PING, PONG, TEXT, frame

KIB = 1024
MIB = 1 << 20


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def corridor(world: World, request: pytest.FixtureRequest) -> Iterator[Corridor]:
    """Both ends in the test's own hands, over both kinds of leg."""
    made = Corridor(world, request.param)
    yield made
    made.close()


@pytest.fixture
def plain(world: World) -> Iterator[Corridor]:
    made = Corridor(world, tls=False)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("api", "plan", "largest"),
    [(KIB, None, KIB), (None, KIB, KIB), (KIB, 4 * KIB, KIB), (4 * KIB, KIB, KIB), (2 * MIB, None, 2 * MIB)],
)
def test_the_largest_message_is_the_smaller_of_the_apis_and_the_plans(
    world: World, backend: Backend, api: int | None, plan: int | None, largest: int
) -> None:
    deal = world.deal(backend.url, plan={"max_message_bytes": plan} if plan else None)
    runtime(world, deal, max_message_bytes=api)
    with deal.connect(max_size=None, compression=None) as client:
        client.send(bytes(largest))
        assert len(client.recv(5)) == largest
        client.send(bytes(largest + 1))
        assert closed(client)[0] == 1009


def test_a_smaller_largest_message_counts_for_live_sessions(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect(compression=None) as client:
        client.send(bytes(2 * KIB))
        assert len(client.recv(5)) == 2 * KIB
        runtime(world, deal, max_message_bytes=KIB)
        time.sleep(1)  # what CONTRACT section 4 promises
        client.send(bytes(2 * KIB))
        assert closed(client)[0] == 1009


@pytest.mark.parametrize("plan", [None, 30])
def test_an_api_ends_sessions_that_last_too_long(world: World, backend: Backend, plan: int | None) -> None:
    deal = world.deal(backend.url, plan={"max_session_s": plan} if plan else None)
    runtime(world, deal, max_session_s=1)
    started = time.monotonic()
    with deal.connect() as client:
        assert closed(client) == (4408, {"code": "time_over"})
    assert 0.9 < time.monotonic() - started < 5


@pytest.mark.parametrize(("api", "endpoint"), [(1, 0), (1, 60), (60, 1)])
def test_a_silent_session_is_closed_after_the_shorter_of_the_apis_and_the_endpoints_idle_time(
    world: World, backend: Backend, api: int, endpoint: int
) -> None:
    deal = world.deal(backend.url, timeouts={"connect_ms": 1000, "handshake_ms": 1000, "idle_s": endpoint})
    for deployment in deal.api.deployments.all():
        deployment.design["runtime"] = {**deployment.design["runtime"], "idle_s": api}
        deployment.save(update_fields=["design"])
    world.transition(deal.api, "block")
    world.transition(deal.api, "republish")
    started = time.monotonic()
    with deal.connect(ping_interval=None) as client:
        assert closed(client)[0] == 4408
    assert 0.9 < time.monotonic() - started < 5


def test_an_idle_time_that_is_set_later_counts_for_live_sessions_from_then_on(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect(ping_interval=None) as client:
        runtime(world, deal, idle_s=1)
        started = time.monotonic()
        assert closed(client)[0] == 4408
        assert 0.9 < time.monotonic() - started < 5


def test_a_long_frame_under_way_is_not_idle(world: World, plain: Corridor) -> None:
    runtime(world, plain.deal, idle_s=1)
    whole = frame(BINARY, bytes(60_000), masked=True)
    with plain.session() as session:
        for start in range(0, len(whole), 10_000):
            session.passes("sam", whole[start : start + 10_000])
            time.sleep(0.3)


@pytest.mark.parametrize(
    ("limits", "detail"),
    [
        ({"max_sessions": 2}, "This API allows 2 concurrent sessions."),
        ({"max_sessions_per_application": 2}, "This API allows an application 2 concurrent sessions."),
        ({"max_sessions_per_ip": 2}, "This API allows an address 2 concurrent sessions."),
        ({"max_sessions_per_ip": 2, "max_sessions": 9}, "This API allows an address 2 concurrent sessions."),
    ],
)
def test_an_api_allows_only_so_many_sessions_at_once(
    world: World, backend: Backend, limits: dict[str, Any], detail: str
) -> None:
    deal = world.deal(backend.url)
    runtime(world, deal, **limits)
    with deal.connect(), deal.connect() as second:
        refused = deal.knock()
        assert (refused.status, refused.code, refused.problem["detail"]) == (429, "too_many_connections", detail)
        assert int(refused.headers["retry-after"]) > 0
        second.close()
        until(lambda: deal.knock().status == 101)


def test_another_application_has_places_of_its_own_but_shares_those_of_the_api(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    from apis.services import subscribing

    other = world.subscribe(
        deal.api, subscribing.application_create(actor=world.actors["sam"], name="Tablet"), "Unlimited"
    )
    runtime(world, deal, max_sessions_per_application=1, max_sessions=2)
    with deal.connect():
        assert "an application" in deal.knock().problem["detail"]
        with other.connect():
            third = world.subscribe(
                deal.api, subscribing.application_create(actor=world.actors["sam"], name="Watch"), "Unlimited"
            )
            assert third.knock().problem["detail"] == "This API allows 2 concurrent sessions."


# -- pings of the gateway's own ------------------------------------------------------------------------------------


def test_silent_ends_are_pinged_and_their_answers_go_no_further(world: World, corridor: Corridor) -> None:
    runtime(world, corridor.deal, keepalive_s=1)
    with corridor.session() as session:
        for _ in range(2):
            for end, masked in ((session.sam, True), (session.backend, False)):
                ping = end.frame()
                assert (ping.opcode, ping.masked, len(ping.payload)) == (PING, not masked, 8)
                end.send(frame(PONG, ping.payload, masked=masked))
        # had an answer passed, it would come before these
        session.passes("sam", frame(TEXT, b"hello", masked=True))
        session.passes("backend", frame(TEXT, b"hello", masked=False))


def test_foreign_pongs_and_pings_pass_between_the_gateways_own(world: World, plain: Corridor) -> None:
    runtime(world, plain.deal, keepalive_s=1)
    with plain.session() as session:
        ping = session.sam.frame()
        foreign = frame(PONG, b"8 bytes!", masked=True) + frame(PING, b"and this", masked=True)
        own = frame(PONG, ping.payload, masked=True)
        text = frame(TEXT, b"behind it", masked=True)
        session.sam.send(foreign + own + own + text)
        got = [session.backend.frame() for _ in range(4)]
        got = [one for one in got if one.payload != ping.payload]
        while len(got) < 3:
            got.append(session.backend.frame())
        assert [(one.opcode, one.payload) for one in got[:3]] == [
            (PONG, b"8 bytes!"),
            (PING, b"and this"),
            (TEXT, b"behind it"),
        ]


def test_a_client_that_talks_is_not_pinged(world: World, plain: Corridor) -> None:
    runtime(world, plain.deal, keepalive_s=1)
    with plain.session() as session:
        for number in range(8):
            session.passes("sam", frame(TEXT, b"%d" % number, masked=True))
            session.passes("backend", frame(TEXT, b"%d" % number, masked=False))
            time.sleep(0.2)


def test_answers_to_the_gateways_pings_do_not_keep_an_idle_session(world: World, plain: Corridor) -> None:
    runtime(world, plain.deal, keepalive_s=1, idle_s=2)
    with plain.session() as session:
        started = time.monotonic()
        while (one := session.sam.frame()).opcode == PING:
            session.sam.send(frame(PONG, one.payload, masked=True))
        assert (one.opcode, one.code) == (CLOSE, 4408)
        assert 1.9 < time.monotonic() - started < 3.5


def test_a_ping_waits_for_the_end_of_the_frame_under_way(world: World, plain: Corridor) -> None:
    runtime(world, plain.deal, keepalive_s=1)
    with plain.session() as session:
        whole = frame(BINARY, bytes(500), masked=False)
        session.passes("backend", whole[:100])
        time.sleep(1.6)
        session.passes("backend", whole[100:])
        assert session.sam.frame().opcode == PING


def test_a_client_that_answers_no_ping_is_gone_for_the_backend(world: World, corridor: Corridor) -> None:
    runtime(world, corridor.deal, keepalive_s=1)
    log = Log(world.gateway)
    with corridor.session() as session:
        started = time.monotonic()
        while (one := session.backend.frame()).opcode == PING:
            session.backend.send(frame(PONG, one.payload, masked=False))
        assert (one.opcode, one.code) == (CLOSE, 1001)
        assert 2.9 < time.monotonic() - started < 5
        session.backend.close()
        until(lambda: "how=timeout initiator=client" in log)


def test_a_backend_that_answers_no_ping_is_gone_for_the_client(world: World, corridor: Corridor) -> None:
    runtime(world, corridor.deal, keepalive_s=1)
    with corridor.session() as session:
        started = time.monotonic()
        while (one := session.sam.frame()).opcode == PING:
            session.sam.send(frame(PONG, one.payload, masked=True))
        assert (one.opcode, one.code) == (CLOSE, 1014)
        assert 2.9 < time.monotonic() - started < 5


def test_pings_that_are_switched_on_later_reach_live_sessions(world: World, plain: Corridor) -> None:
    with plain.session() as session:
        runtime(world, plain.deal, keepalive_s=1)
        assert session.sam.frame().opcode == PING
        runtime(world, plain.deal, keepalive_s=0)
