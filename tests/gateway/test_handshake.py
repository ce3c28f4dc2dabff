"""The handshake as a client sees it: who comes in, and with what real status everybody else is refused."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken
from websockets.sync.client import connect

from apis.services import people
from tests.gateway.backends import Backend, says, until
from tests.gateway.world import Answer, Deal, GatewayProcess, World, knock
from wsportal.certificates import KeyPairFiles


def bearer_protocol(token: str) -> str:
    return "base64url.bearer.authorization." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def deal(world: World, backend: Backend) -> Deal:
    """An API that works, for tests that change nothing about it."""
    return world.deal(backend.url)


# Coming in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
def test_sam_connects_and_gets_his_echo(deal: Deal, secure: bool) -> None:
    with deal.connect(secure=secure) as client:
        client.send("hello")
        assert client.recv(5) == "hello"


@pytest.mark.parametrize("secure", [False, True])
def test_a_browser_shows_its_token_as_a_subprotocol(deal: Deal, backend: Backend, secure: bool) -> None:
    url = deal.gateway.url(deal.path, secure)
    options: dict[str, Any] = {"ssl": deal.gateway.tls()} if secure else {}
    offered = ["wsportal", bearer_protocol(deal.token)]
    with connect(url, subprotocols=offered, proxy=None, **options) as client:  # type: ignore[arg-type]
        assert client.subprotocol == "wsportal"
        client.send("hello")
        assert client.recv(5) == "hello"
    sent = backend.requests[-1].headers
    assert "Sec-WebSocket-Protocol" not in sent
    assert "Authorization" not in sent


def test_real_subprotocols_reach_the_backend_and_its_choice_the_client(world: World) -> None:
    backend = Backend(subprotocols=["mqtt", "graphql-transport-ws"])
    try:
        deal = world.deal(backend.url)
        offered = ["graphql-transport-ws", "wsportal", bearer_protocol(deal.token), "mqtt"]
        with connect(deal.gateway.url(deal.path), subprotocols=offered, proxy=None) as client:  # type: ignore[arg-type]
            assert client.subprotocol == "mqtt"
        assert backend.requests[-1].headers["Sec-WebSocket-Protocol"] == "graphql-transport-ws, mqtt"
    finally:
        backend.stop()


def test_the_backend_learns_who_asks_and_no_secret(deal: Deal, backend: Backend) -> None:
    sent = {
        "Cookie": "theme=dark; wsportal_session=secret",
        "X-Tenant": "7",
        "X-Forwarded-For": "6.6.6.6",
        "X-JWT-Assertion": "eve",
        "X_Forwarded_For": "6.6.6.6",
        "Origin": "https://app.example",
    }
    with deal.connect("/rooms/7?x=1&y=%20", additional_headers=sent) as client:
        client.send("hello")
        client.recv(5)
    request = backend.requests[-1]
    headers = request.headers
    assert request.path == "/rooms/7?x=1&y=%20"
    assert headers["Host"] == backend.url.removeprefix("ws://")
    assert (headers["Cookie"], headers["X-Tenant"], headers["Origin"]) == ("theme=dark", "7", "https://app.example")
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Host"] == f"localhost:{deal.gateway.ws_port}"
    assert headers["Forwarded"].startswith("for=127.0.0.1;host=")
    assert headers["X-Request-ID"]
    assert not {"Authorization", "X-JWT-Assertion", "X_Forwarded_For"} & set(headers)
    assert deal.token not in str(headers)


def test_the_client_learns_what_the_backend_answered_and_the_id_of_its_request(deal: Deal, backend: Backend) -> None:
    with deal.connect() as client:
        assert client.response is not None
        headers = client.response.headers
        assert headers.get_all("Set-Cookie") == ["sticky=7; Path=/"]
        assert headers["X-Request-ID"] == backend.requests[-1].headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("own", "rest", "expected"),
    [
        ("", "", "/"),
        ("/base", "", "/base"),
        ("/base/", "/a%20b/", "/base/a%20b/"),
        ("/base?key=1", "/x?y=2", "/base/x?key=1&y=2"),
    ],
)
def test_what_follows_the_version_is_appended_to_the_endpoints_own_path(
    world: World, backend: Backend, own: str, rest: str, expected: str
) -> None:
    deal = world.deal(backend.url + own)
    with deal.connect(rest):
        pass
    assert backend.requests[-1].path == expected


def test_a_sandbox_token_reaches_the_sandbox(world: World, backend: Backend) -> None:
    other = Backend()
    try:
        deal = world.deal(backend.url, key_type="sandbox")
        world.configure(deal.api, {"urls": [{"url": other.url}]}, "sandbox")
        until(lambda: deal.knock("/sand").status == 101 and other.requests)
        assert {request.path for request in other.requests} == {"/sand"}
    finally:
        other.stop()


# Being refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer a b", "Basic c2FtOnNhbQ==", "Bearer schl\xc3\xbcssel"])
def test_no_or_a_malformed_credential_is_401(deal: Deal, header: str) -> None:
    answer = knock(deal.gateway, deal.path, **({"Authorization": header} if header else {}))
    assert (answer.status, answer.code) == (401, "missing_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_two_tokens_in_two_headers_are_none(deal: Deal) -> None:
    answer = knock(deal.gateway, deal.path, Authorization=f"Bearer {deal.token}", authorization=f"Bearer {deal.token}")
    assert (answer.status, answer.code) == (401, "missing_credentials")


def test_a_token_in_the_query_is_no_credential(deal: Deal) -> None:
    assert knock(deal.gateway, f"{deal.path}?access_token={deal.token}").code == "missing_credentials"


def expired(world: World, deal: Deal) -> str:
    token = world.token(deal)
    AccessToken.objects.filter(pk=AccessToken.objects.latest("pk").pk).update(expires=timezone.now() - timedelta(1))
    return token


def revoked(world: World, deal: Deal) -> str:
    token = world.token(deal)
    AccessToken.objects.latest("pk").revoke()
    return token


def personal(world: World, deal: Deal) -> str:
    _, token = people.personal_token_mint(person=world.people["sam"], name="mine")
    return token


@pytest.mark.parametrize("make", [expired, revoked, personal, lambda world, deal: "never-issued"])
def test_an_unknown_expired_revoked_or_personal_token_is_401(
    world: World, deal: Deal, make: Callable[[World, Deal], str]
) -> None:
    answer = deal.knock(token=make(world, deal))
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_of_another_application_needs_its_own_subscription(world: World, backend: Backend, deal: Deal) -> None:
    other = world.deal(backend.url)
    answer = deal.knock(token=other.token)
    assert (answer.status, answer.code) == (403, "subscription_required")


def test_an_api_without_an_endpoint_for_the_key_type_is_403(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, sandbox=False)
    answer = deal.knock(token=world.token(deal, "sandbox"))
    assert (answer.status, answer.code) == (403, "wrong_key_type")


@pytest.mark.parametrize("path", ["/", "/nowhere/1.0.0", "{context}", "{context}/2.0.0", "{context}/1.0.00"])
def test_what_is_not_there_is_404_whoever_asks(deal: Deal, path: str) -> None:
    answer = knock(deal.gateway, path.format(context=deal.api.context))
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("climb", ["/../x", "/%2e%2e/x", "/a/..%2fb", "/..%5cx"])
def test_eve_cannot_climb_out_of_the_endpoints_path(deal: Deal, backend: Backend, climb: str) -> None:
    before = len(backend.requests)
    assert deal.knock(climb).status in {400, 404}
    assert len(backend.requests) == before


def test_a_request_that_is_no_upgrade_is_426(deal: Deal) -> None:
    answer = knock(deal.gateway, deal.path, **{"Upgrade": "", "Sec-WebSocket-Key": ""})
    assert answer.status in {400, 426}
    assert knock(deal.gateway, deal.path, **{"Sec-WebSocket-Version": "8"}).code == "upgrade_required"
    assert knock(deal.gateway, deal.path, **{"Sec-WebSocket-Key": "short"}).code == "bad_request"


def test_a_head_that_is_too_large_is_431(deal: Deal) -> None:
    answer = deal.knock(**{"X-Long": "x" * 20_000})
    assert (answer.status, answer.code) == (431, "header_too_large")


# The backend says no --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (401, 401, "upstream_refused"),
        (403, 403, "upstream_refused"),
        (404, 404, "upstream_refused"),
        (429, 429, "upstream_refused"),
        (200, 502, "upstream_refused"),
        (302, 502, "upstream_refused"),
        (500, 502, "upstream_refused"),
        (503, 502, "upstream_refused"),
    ],
)
def test_a_backends_own_no_is_passed_on_and_nothing_else(
    world: World, backend: Backend, said: int, status: int, code: str
) -> None:
    answer = world.deal(backend.url).knock(f"?refuse={said}")
    assert (answer.status, answer.code) == (status, code)
    assert str(said) in answer.problem["detail"]


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 101 Up\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Up\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
)
def test_nonsense_from_the_backend_is_502(world: World, answer: bytes) -> None:
    with says(answer) as url:
        refused = world.deal(url).knock()
    assert (refused.status, refused.code) == (502, "upstream_bad_response")


def test_a_redirect_is_not_followed(world: World, backend: Backend) -> None:
    before = len(backend.requests)
    location = backend.url.replace("ws:", "http:").encode()
    with says(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n") as url:
        assert world.deal(url).knock().status == 502
    assert len(backend.requests) == before


def test_nobody_behind_the_endpoint_is_502(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    answer = world.deal(f"ws://127.0.0.1:{port}").knock()
    assert (answer.status, answer.code) == (502, "upstream_unreachable")
    unresolved = world.deal("ws://nobody.invalid").knock()
    assert (unresolved.status, unresolved.code) == (502, "upstream_unreachable")


def test_a_backend_that_does_not_answer_in_time_is_504(world: World) -> None:
    with says(None) as url:
        deal = world.deal(url, timeouts={"connect_ms": 2000, "handshake_ms": 150, "idle_s": 0})
        answer = deal.knock()
    assert (answer.status, answer.code) == (504, "upstream_timeout")


def test_an_address_that_may_not_be_dialled_is_502_and_told_to_the_operator(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    deal = world.deal(backend.url.replace("127.0.0.1", "localhost"))
    strict = GatewayProcess(database, certificate, tmp_path, ALLOWED_UPSTREAM_NETWORKS="192.0.2.0/24")
    try:
        before = len(backend.requests)
        answer = knock(strict, deal.path, Authorization=f"Bearer {deal.token}")
        assert (answer.status, answer.code) == (502, "upstream_unreachable")
        assert "upstream_address_forbidden" in strict.log.read_text()
        assert len(backend.requests) == before
    finally:
        strict.stop()


def test_a_handshake_under_way_at_a_stop_is_answered(
    world: World, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    asked: list[bytes] = []
    with says(None, asked) as url, ThreadPoolExecutor() as pool:
        deal = world.deal(url)
        stopping = GatewayProcess(database, certificate, tmp_path)
        answer = pool.submit(knock, stopping, deal.path, Authorization=f"Bearer {deal.token}")
        until(lambda: asked)
        assert stopping.stop() == 0
        assert (answer.result(10).status, answer.result().code) == (503, "draining")


# Suspension and several backends --------------------------------------------------------------------------------


def suspension(**changes: Any) -> dict[str, Any]:
    errors = ["connect_failed", "connect_timeout", "handshake_timeout", "bad_response", "server_error"]
    return {"errors": errors, "initial_ms": 400, "max_ms": 60_000, "factor": 100.0, **changes}


def test_a_failing_backend_is_left_alone_and_probed_back_to_life(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    deal = world.deal(f"ws://127.0.0.1:{port}", suspension=suspension())
    assert deal.knock().code == "upstream_unreachable"
    answer = deal.knock()
    assert (answer.status, answer.code) == (503, "upstream_suspended")
    assert answer.headers["retry-after"] == "1"
    backend = Backend(port=port)
    try:
        until(lambda: deal.knock().status == 101, what="the backend is back, the pause is over")
        assert deal.knock().status == 101
    finally:
        backend.stop()


def test_what_a_backend_refuses_itself_suspends_nothing(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, suspension=suspension())
    assert deal.knock("?refuse=403").status == 403
    assert deal.knock().status == 101


def test_a_suspension_of_0_ms_means_never(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    deal = world.deal(f"ws://127.0.0.1:{port}", suspension=suspension(initial_ms=0))
    assert [deal.knock().code for _ in range(3)] == ["upstream_unreachable"] * 3


def test_failover_goes_on_to_the_next_url(world: World, backend: Backend) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        dead = f"ws://127.0.0.1:{held.getsockname()[1]}"
    deal = world.deal([dead, backend.url], strategy="failover")
    for _ in range(3):
        with deal.connect() as client:
            client.send("hello")
            assert client.recv(5) == "hello"


@pytest.mark.parametrize(
    ("strategy", "expected"), [("round_robin", [2, 2]), ("least_sessions", [2, 2]), ("failover", [4, 0])]
)
def test_sessions_spread_over_the_urls_as_the_strategy_says(world: World, strategy: str, expected: list[int]) -> None:
    two = [Backend(), Backend()]
    try:
        deal = world.deal([one.url for one in two], strategy=strategy)
        with ExitStack() as clients:
            for _ in range(4):
                clients.enter_context(deal.connect())
        assert [len(one.requests) for one in two] == expected
    finally:
        for one in two:
            one.stop()


# Secrets --------------------------------------------------------------------------------------------------------


def test_no_token_reaches_the_log(world: World, deal: Deal) -> None:
    deal.knock()
    deal.knock(token=deal.token + "x")
    knock(deal.gateway, f"{deal.path}?access_token={deal.token}")
    knock(deal.gateway, deal.path, **{"Sec-WebSocket-Protocol": bearer_protocol(deal.token) + ", x"})
    log = deal.gateway.log.read_text()
    assert "handshake_refused" in log
    assert deal.token not in log
    assert bearer_protocol(deal.token) not in log


def test_every_answer_says_its_request_id(deal: Deal) -> None:
    answer: Answer = deal.knock(token="never-issued")
    assert answer.headers["x-request-id"] in deal.gateway.log.read_text()
