"""Endpoints of a running gateway: where a handshake is led, how its URLs are, and what changes do."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from websockets.exceptions import ConnectionClosed

from tests.gateway.backends import Backend, says, until
from tests.gateway.judging import echoed, health, put
from tests.gateway.world import GatewayProcess, World, closed, free_port
from wsportal.certificates import KeyPairFiles

pytestmark = pytest.mark.usefixtures("django_db_blocker_off")


@pytest.fixture(scope="module")
def django_db_blocker_off(django_db_blocker: Any) -> Iterator[None]:
    """Tests here read and write the database that the gateway uses."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def other() -> Iterator[Backend]:
    """Another backend."""
    made = Backend()
    yield made
    made.stop()


# -- where a handshake is led -------------------------------------------------------------------------------------


def test_a_header_or_a_claim_leads_to_another_backend_and_what_is_unknown_to_the_usual_one(
    world: World, backend: Backend, other: Backend
) -> None:
    deal = world.deal(backend.url, dynamic={"by": "header", "name": "X-Tenant", "targets": {"blue": other.url}})
    echoed(deal, **{"X-Tenant": "blue"})
    assert len(other.requests) == 1
    usual = len(backend.requests)
    for headers in ({}, {"X-Tenant": "red"}, {"X-Tenant": "blue2"}):
        echoed(deal, **headers)
    assert len(backend.requests) == usual + 3
    name = deal.application.name
    by_claim = {"by": "claim", "name": "application_name", "targets": {name: other.url}}
    put(world, deal, {"urls": [{"url": backend.url}], "dynamic": by_claim})
    echoed(deal)
    assert len(other.requests) == 2


def test_a_backend_too_slow_for_its_endpoint_ends_the_handshake_or_the_next_is_tried(
    world: World, backend: Backend
) -> None:
    with says(None) as silent:
        timeouts = {"handshake_ms": 300, "action": "refuse"}
        deal = world.deal([silent, backend.url], strategy="failover", timeouts=timeouts)
        assert deal.knock().code == "upstream_timeout"
        config = {"urls": [{"url": silent}, {"url": backend.url}], "strategy": "failover"}
        put(world, deal, {**config, "timeouts": {**timeouts, "action": "next"}})
        echoed(deal)


# -- health -------------------------------------------------------------------------------------------------------


def test_a_url_that_fails_is_seen_to_be_suspended_probed_and_active_again(world: World, backend: Backend) -> None:
    port = free_port()
    down = f"ws://127.0.0.1:{port}"
    suspension = {"initial_ms": 5000, "max_ms": 5000}  # long enough to be seen on a busy machine
    deal = world.deal([down, backend.url], strategy="failover", suspension=suspension)
    assert [url["state"] for url in health(world, deal)] == ["unknown", "unknown"]
    echoed(deal)
    seen = until(lambda: (urls := health(world, deal))[0]["state"] == "suspended" and urls, 10)
    (process,) = seen[0]["processes"]
    assert (process["failures"], process["last_error"]) == (1, "connect_failed")
    assert process["until"] > process["since"]
    assert seen[1]["state"] == "active"
    until(lambda: health(world, deal)[0]["state"] == "probing", 20)
    back = Backend(port=port)
    try:
        echoed(deal)
        assert len(back.requests) == 1
        until(lambda: health(world, deal)[0]["state"] == "active", 10)
        with deal.connect() as client:
            client.send("hello")
            client.recv(5)
            until(lambda: health(world, deal)[0]["sessions"] == 1, 10)
    finally:
        back.stop()
    for name, status in (("sam", 404), ("pia", 200)):
        portal = Client()
        portal.force_login(world.people[name], "django.contrib.auth.backends.ModelBackend")
        page = portal.get(f"/publisher/fragments/health/{deal.api.pk}/production")
        assert page.status_code == status
        if status == 200:
            assert down in page.content.decode()
            assert "active" in page.content.decode()


# -- changes ------------------------------------------------------------------------------------------------------


def test_sessions_on_a_url_that_was_taken_away_move_on_and_the_others_stay(
    world: World, backend: Backend, other: Backend
) -> None:
    deal = world.deal([backend.url, other.url])
    with deal.connect() as one, deal.connect() as two:
        for client in (one, two):
            client.send("hello")
            assert client.recv(5) == "hello"
        began = time.monotonic()
        put(world, deal, {"urls": [{"url": other.url}], "headers": {"X-New": "1"}})
        gone = until(lambda: next((client for client in (one, two) if is_closed(client)), None), 5)
        assert time.monotonic() - began < 3
        code, reason = closed(gone)
        assert (code, reason["code"]) == (1012, "endpoint_changed")
        stays = two if gone is one else one
        stays.send("still here")
        assert stays.recv(5) == "still here"
        echoed(deal)
        assert other.requests[-1].headers["X-New"] == "1"


def is_closed(client: Any) -> bool:
    with contextlib.suppress(TimeoutError):
        try:
            client.recv(0.05)
        except ConnectionClosed:
            return True
    return False


def test_a_changed_secret_holds_for_the_next_handshake_and_one_left_out_is_kept(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, security={"type": "bearer", "token": "old"})
    with deal.connect() as client:
        answer = put(world, deal, {"urls": [{"url": backend.url}], "security": {"type": "bearer", "token": "new"}})
        assert "new" not in json.dumps(answer)
        echoed(deal)
        assert backend.requests[-1].headers["Authorization"] == "Bearer new"
        put(world, deal, {"urls": [{"url": backend.url}], "security": {"type": "bearer"}, "headers": {"X-A": "b"}})
        echoed(deal)
        assert backend.requests[-1].headers["Authorization"] == "Bearer new"
        client.send("not touched")
        assert client.recv(5) == "not touched"


def test_secrets_that_cannot_be_read_close_their_own_endpoint_and_no_other(world: World, backend: Backend) -> None:
    deal, neighbour = world.deal(backend.url, security={"type": "bearer", "token": "t"}), world.deal(backend.url)
    echoed(deal)
    deployment = deal.api.deployments.get()
    deployment.design["endpoints"]["production"]["security"]["token"] = "sealed:v1:of-another-installation"
    deployment.save()
    world.transition(deal.api, "deprecate")  # the gateway looks again
    assert deal.knock().code == "upstream_unreachable"
    echoed(neighbour)


def test_every_process_tells_what_it_finds_and_hears_of_a_change(
    world: World, backend: Backend, other: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal([backend.url, other.url], strategy="failover")
    echoed(deal)
    second = GatewayProcess(database, certificate, tmp_path)
    try:
        with deal.connect(gateway=second) as client:
            client.send("hello")
            assert client.recv(5) == "hello"
            until(lambda: len(health(world, deal)[0]["processes"]) == 2, 10)
            put(world, deal, {"urls": [{"url": other.url}]})
            code, reason = closed(client, 10)
            assert (code, reason["code"]) == (1012, "endpoint_changed")
        with deal.connect(gateway=second) as client:
            client.send("hello")
            assert client.recv(5) == "hello"
        assert [url["url"] for url in health(world, deal)] == [other.url]
    finally:
        assert second.stop() == 0
    until(lambda: len(health(world, deal)[0]["processes"]) == 1, 10)


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({"urls": [{"url": "wss://[::ffff:169.254.169.254]/"}]}, "#/urls/0/url"),
        ({"dynamic": {"by": "header", "name": "X", "targets": {"a": "ws://169.254.1.1"}}}, "#/dynamic/targets/a"),
        ({"proxy": {"url": "http://[fe80::1]:3128"}}, "#/proxy/url"),
        (
            {"security": {"type": "oauth2", "grant": "client_credentials", "client_id": "i", "client_secret": "s",
                          "token_url": "http://169.254.169.254/token"}},
            "#/security/token_url",
        ),
    ],
)  # fmt: skip
def test_nothing_that_leads_inside_can_be_saved(
    world: World, backend: Backend, config: dict[str, Any], pointer: str
) -> None:
    deal = world.deal(backend.url)
    whole = {"urls": [{"url": backend.url}], **config}
    answer = world.gateway.rest(world.people["paul"], "PUT", f"/apis/{deal.api.pk}/endpoints/production", whole)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
