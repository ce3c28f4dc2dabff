"""Test endpoint: every step of a handshake with a real backend, and in plain words why one fails."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apis.shapes_endpoint import endpoint_config
from gateway import trial_runs
from gateway.trial import Trial
from tests.gateway.backends import Backend, says
from tests.gateway.judging import backend
from tests.gateway.outside import Authority, connect_proxy, token_server

WRONG_PORT = "ws://127.0.0.1:9"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def plain() -> Iterator[Backend]:
    it = Backend()
    yield it
    it.stop()


def tried(url: str, **config: Any) -> Trial:
    """What becomes of one URL under a configuration as carol writes it, run as a view runs it."""
    full, problems = endpoint_config({"urls": [{"url": url}], **config}, lambda url: "")
    assert problems == {}
    return trial_runs.run(full)[0]


def names(trial: Trial) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in trial.steps]


def test_each_step_to_a_backend_that_works_is_told_with_its_time(plain: Backend) -> None:
    trial = tried(plain.url + "/rooms?x=1", headers={"X-Tenant": "blue"})
    assert (trial.ok, trial.problem) == (True, "")
    assert names(trial) == [("dns", True), ("tcp", True), ("upgrade", True)]
    assert trial.steps[0].facts == {"addresses": ["127.0.0.1"]}
    assert trial.steps[2].facts == {"status": 101, "subprotocol": None}
    assert all(0 <= step.ms <= trial.ms for step in trial.steps)
    request = plain.requests[-1]
    assert (request.path, request.headers["X-Tenant"]) == ("/rooms?x=1", "blue")


def test_it_leaves_politely(plain: Backend) -> None:
    assert tried(plain.url).ok
    deadline = time.monotonic() + 10
    while not plain.closes and time.monotonic() < deadline:
        time.sleep(0.01)
    assert plain.closes == [1000]


def test_a_subprotocol_is_offered_where_a_backend_wants_one() -> None:
    picky = Backend(subprotocols=["chat"])
    try:
        assert "Perhaps it wants a subprotocol" in tried(picky.url).problem
        full, _ = endpoint_config({"urls": [{"url": picky.url}]}, lambda url: "")
        assert trial_runs.run(full, ["talk", "chat"])[0].steps[-1].facts == {"status": 101, "subprotocol": "chat"}
    finally:
        picky.stop()


def test_a_certificate_is_shown_and_judged(authority: Authority, tmp_path: Path) -> None:
    with_tls = Backend(tls=authority.server(tmp_path, "localhost", "127.0.0.1"))
    try:
        good = tried(with_tls.url, tls={"ca": authority.pem})
        assert names(good) == [("dns", True), ("tcp", True), ("tls", True), ("upgrade", True)]
        facts = good.steps[2].facts
        assert facts["version"] in {"TLSv1.2", "TLSv1.3"}
        assert (facts["subject"], facts["issuer"]) == ("CN=localhost", "CN=A customer's authority")
        assert facts["expires"].endswith("Z")
        assert facts["names"] == ["localhost", "127.0.0.1"]
        assert "only 0 days" in good.steps[2].says
        unknown = tried(with_tls.url)
        assert names(unknown) == [("dns", True), ("tcp", True), ("tls", False)]
        assert "not trusted" in unknown.problem
        assert unknown.steps[2].facts["subject"] == "CN=localhost"
        other = tried(with_tls.url, tls={"ca": authority.pem, "server_name": "elsewhere.example"})
        assert "not for elsewhere.example" in other.problem
        blind = tried(with_tls.url, tls={"verify": False})
        assert blind.ok
        assert "not verified" in blind.steps[2].says
    finally:
        with_tls.stop()


def test_tls_where_there_is_none_and_none_where_there_is_some(
    plain: Backend, authority: Authority, tmp_path: Path
) -> None:
    assert "address should begin with ws://" in tried(plain.url.replace("ws:", "wss:")).problem
    with_tls = Backend(tls=authority.server(tmp_path, "localhost"))
    try:
        assert tried(with_tls.url.replace("wss:", "ws:")).steps[-1].name == "upgrade"
    finally:
        with_tls.stop()


def test_a_client_certificate_opens_the_door(authority: Authority, tmp_path: Path) -> None:
    asking = Backend(tls=authority.server(tmp_path, "127.0.0.1", ask_client=True))
    certificate, key = authority.issue("gateway")
    try:
        pair = {"type": "mtls", "certificate": certificate, "key": key}
        assert tried(asking.url, tls={"ca": authority.pem}, security=pair).ok
        assert not tried(asking.url, tls={"ca": authority.pem}).ok
    finally:
        asking.stop()


def test_a_token_is_fetched_and_shown_and_never_told(plain: Backend) -> None:
    with token_server() as server:
        security = {"type": "oauth2", "token_url": server.url, "client_id": "us", "client_secret": "hush"}
        trial = tried(plain.url, security=security)
        assert names(trial)[0] == ("token", True)
        assert plain.requests[-1].headers["Authorization"] == "Bearer token-1"
        assert "token-1" not in str(trial)
        server.status = 401
        failed = tried(plain.url, security=security)
    assert names(failed) == [("token", False)]
    assert "answered 401 (invalid_client)" in failed.problem
    assert "hush" not in str(failed)


def test_a_digest_is_answered(plain: Backend) -> None:
    def judge(request: Any) -> tuple[int, dict[str, str]] | None:
        if request.headers.get("Authorization", "").startswith("Digest "):
            return None
        return 401, {"WWW-Authenticate": 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'}

    async def go() -> list[Trial]:
        async with backend(judge=judge) as (port, _):
            full, _ = endpoint_config(
                {
                    "urls": [{"url": f"ws://127.0.0.1:{port}"}],
                    "security": {"type": "digest", "username": "us", "password": "hush"},
                },
                lambda url: "",
            )
            return await asyncio.to_thread(trial_runs.run, full)

    assert asyncio.run(go())[0].ok


def test_a_proxy_is_a_step_of_its_own(plain: Backend) -> None:
    with connect_proxy("u:p") as proxy:
        trial = tried(plain.url, proxy={"url": proxy.url, "username": "u", "password": "p"})
        assert names(trial) == [("proxy", True), ("upgrade", True)]
        wrong = tried(plain.url, proxy={"url": proxy.url, "username": "u", "password": "q"})
    assert names(wrong) == [("proxy", False)]
    assert "answered 407" in wrong.problem


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 401 No\r\n\r\n", "answered 401"),
        (b"HTTP/1.1 403 No\r\n\r\n", "answered 403"),
        (b"HTTP/1.1 404 No\r\n\r\n", "nothing at this path"),
        (b"HTTP/1.1 302 Found\r\nLocation: ws://evil\r\n\r\n", "Redirects are not followed"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "not a WebSocket"),
        (b"HTTP/1.1 503 No\r\n\r\n", "the server has a fault"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
        (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "Sec-WebSocket-Accept"),
    ],
)
def test_every_other_answer_is_told_in_words(answer: bytes, told: str) -> None:
    with says(answer) as url:
        trial = tried(url)
    assert not trial.ok
    assert told in trial.problem
    assert trial.steps[-1].name == "upgrade"


def test_what_cannot_be_reached_is_told_in_words() -> None:
    assert "nothing listens there" in tried(WRONG_PORT).problem
    unknown = tried("ws://no-such-host.invalid")
    assert names(unknown) == [("dns", False)]
    assert "the name is not known" in unknown.problem


def test_an_endpoint_that_says_nothing_costs_no_more_than_its_timeouts() -> None:
    with says(None) as url:
        began = time.monotonic()
        trial = tried(url, timeouts={"handshake_ms": 200})
    assert "the handshake timeout is 0.2 s" in trial.problem
    assert time.monotonic() - began < 10


def test_an_address_that_may_not_be_dialled_is_not_dialled_whatever_name_it_has(
    plain: Backend, settings: Any, authority: Authority
) -> None:
    settings.ALLOWED_UPSTREAM_NETWORKS = ()
    trial = tried(f"ws://localhost:{plain.url.rpartition(':')[2]}")
    assert names(trial) == [("dns", False)]
    assert "not public" in trial.problem
    assert trial.steps[0].facts == {"addresses": ["127.0.0.1"]}
    with token_server() as server:
        security = {"type": "oauth2", "token_url": server.url, "client_id": "us", "client_secret": "hush"}
        assert names(tried("wss://example.com", security=security)) == [("token", False)]
        assert server.asked == []
    with connect_proxy() as proxy:
        assert names(tried(plain.url, proxy={"url": proxy.url})) == [("proxy", False)]
        assert proxy.asked == []
    assert plain.requests == []


def test_a_resolver_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: over.wait(30) and [])
    began = time.monotonic()
    try:
        trial = tried("ws://slow.example", timeouts={"connect_ms": 200})
        assert names(trial) == [("dns", False)]
        assert "the connect timeout is 0.2 s" in trial.problem
        assert time.monotonic() - began < 15
    finally:
        over.set()


def test_all_urls_are_tried_at_once_dynamic_targets_too(plain: Backend) -> None:
    with says(None) as one, says(None) as two, says(None) as three, says(None) as four:
        full, _ = endpoint_config(
            {
                "urls": [{"url": one}, {"url": plain.url}, {"url": two}],
                "timeouts": {"handshake_ms": 1500},
                "dynamic": {"by": "header", "name": "X-Region", "targets": {"eu": three, "us": four, "uk": one}},
            },
            lambda url: "",
        )
        began = time.monotonic()
        trials = trial_runs.run(full)
        seconds = time.monotonic() - began
    assert [trial.url for trial in trials] == [one, plain.url, two, three, four]
    assert [trial.ok for trial in trials] == [False, True, False, False, False]
    assert seconds < 5.5  # one after the other would take six


def test_the_loop_that_others_live_on_is_not_kept_waiting() -> None:
    """A trial in a thread, as a view runs it, while this loop goes on."""

    async def go() -> int:
        ticks = 0
        with says(None) as url:
            full, _ = endpoint_config({"urls": [{"url": url}], "timeouts": {"handshake_ms": 500}}, lambda url: "")
            running = asyncio.ensure_future(asyncio.to_thread(trial_runs.run, full))
            while not running.done():
                ticks += 1
                await asyncio.sleep(0.005)
        return ticks

    assert asyncio.run(go()) > 5
