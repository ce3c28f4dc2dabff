"""The gateway shows an upstream a token that it fetches: once for all, again when it must, never in the clear."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.http11 import Request

from gateway import upstream_auth
from gateway.core.extras import Extras, OAuth2, Tls
from gateway.upstream_tokens import Source, Tokens, fetch
from tests.gateway.judging import Judge, backend, by, dialled, refused
from tests.gateway.outside import Authority, TokenServer, connect_proxy, token_server


def grant(server: TokenServer, **facts: Any) -> OAuth2:
    return OAuth2("client_credentials", server.url, "gate way", "hush/+", **facts)


def takes(server: TokenServer) -> Judge:
    """A backend that takes the tokens that this server holds valid."""

    def judge(request: Request) -> tuple[int, dict[str, str]] | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return None if token in server.valid else (401, {})

    return judge


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> Tokens:
    """Nobody's tokens are known at the start of a test; the loopback may be dialled."""
    made = Tokens(fetch, lambda: asyncio.get_running_loop().time())
    monkeypatch.setattr(upstream_auth, "tokens", made)
    return made


async def test_a_token_is_fetched_once_for_a_crowd_and_used_again() -> None:
    with token_server() as server:
        async with backend(judge=takes(server)) as (port, requests):
            extras, url = Extras(grant(server, scopes=("a", "b"))), f"ws://localhost:{port}"
            await asyncio.gather(*[dialled(url, extras) for _ in range(20)])
            await dialled(url, extras)
            assert len(requests) == 21
            ((authorization, form),) = server.asked
            assert form == {"grant_type": "client_credentials", "scope": "a b"}
            assert authorization == "Basic Z2F0ZSt3YXk6aHVzaCUyRiUyQg=="  # both halves form-encoded, RFC 6749 2.3.1


async def test_the_password_grant_sends_a_persons_name() -> None:
    with token_server() as server:
        proof = OAuth2("password", server.url, "id", "secret", "sam", "pass word")
        async with backend(judge=takes(server)) as (port, _):
            await dialled(f"ws://localhost:{port}", Extras(proof))
        assert server.asked[0][1] == {"grant_type": "password", "username": "sam", "password": "pass word"}


async def test_a_token_that_the_upstream_does_not_take_any_more_is_fetched_anew_once() -> None:
    with token_server() as server:
        async with backend(judge=takes(server)) as (port, _):
            extras, url = Extras(grant(server)), f"ws://localhost:{port}"
            await dialled(url, extras)
            server.valid.clear()
            await asyncio.gather(*[dialled(url, extras) for _ in range(10)])
            assert len(server.asked) == 2


async def test_an_upstream_that_takes_no_token_at_all_does_not_drive_us_to_the_token_server_each_time() -> None:
    with token_server() as server:
        async with backend(judge=lambda request: (401, {})) as (port, _):
            for _ in range(5):
                error = await refused(f"ws://localhost:{port}", Extras(grant(server)), "refused")
                assert error.status == 401
        assert len(server.asked) == 2


async def test_a_token_server_that_fails_is_told_without_a_secret_and_left_alone_for_a_moment() -> None:
    with token_server() as server:
        server.status = 401
        async with backend() as (port, requests):
            extras, url = Extras(grant(server)), f"ws://localhost:{port}"
            error = await refused(url, extras, "no_credentials")
            assert "answered 401 (invalid_client)" in str(error)
            assert "hush" not in str(error)
            await refused(url, extras, "no_credentials")
            assert len(server.asked) == 1
            assert requests == []


async def test_a_token_server_by_tls_is_verified_with_the_endpoints_authority_besides_the_systems(
    tmp_path: Path,
) -> None:
    authority = Authority()
    with token_server(authority.server(tmp_path, "127.0.0.1")) as server:
        async with backend(judge=takes(server)) as (port, _):
            url = f"ws://localhost:{port}"
            await refused(url, Extras(grant(server), tls=Tls(verify=False)), "no_credentials")
            assert server.asked == []
            await dialled(url, Extras(grant(server), tls=Tls(ca=authority.pem)))


async def test_a_token_server_is_reached_by_the_endpoints_proxy() -> None:
    with token_server() as server, connect_proxy() as proxy:
        async with backend(judge=takes(server)) as (port, _):
            await dialled(f"ws://localhost:{port}", Extras(grant(server), proxy=by(proxy)))
            asked = [authority for authority, _ in proxy.asked]
            assert asked == [server.url.split("/")[2], f"localhost:{port}"]


@pytest.mark.parametrize("url", ["http://169.254.169.254/token", "http://[fe80::1]/token", "http://0.0.0.0:1/token"])
async def test_a_token_is_never_fetched_from_a_forbidden_address(url: str) -> None:
    proof = OAuth2("client_credentials", url, "id", "secret")
    error = await refused("ws://localhost:9", Extras(proof), "no_credentials")
    assert "may not be dialled" in str(error)


async def test_a_secret_goes_in_the_clear_only_where_the_operator_allows_it(settings: Any) -> None:
    settings.ALLOWED_UPSTREAM_NETWORKS = ()
    proof = OAuth2("client_credentials", "http://192.88.99.1:1/token", "id", "secret")  # an address that is global
    error = await refused("ws://localhost:9", Extras(proof), "no_credentials")
    assert "in the clear" in str(error)


async def test_a_token_is_renewed_shortly_before_it_expires() -> None:
    now = 0.0
    asked = []

    async def ask(source: Source) -> tuple[str, float]:
        asked.append(now)
        return f"t{len(asked)}", 100.0

    tokens = Tokens(ask, lambda: now)
    source = Source(OAuth2("client_credentials", "https://t", "id", "s"))
    assert await tokens.get(source) == ("t1", True)
    now = 89.0
    assert await tokens.get(source) == ("t1", False)
    now = 90.0
    assert await tokens.get(source) == ("t2", True)


async def test_who_gives_up_waiting_for_a_token_does_not_take_it_from_the_others() -> None:
    with token_server() as server:
        server.late.clear()
        async with backend(judge=takes(server)) as (port, _):
            extras, url = Extras(grant(server)), f"ws://localhost:{port}"
            first, second = (asyncio.create_task(dialled(url, extras)) for _ in range(2))
            while not server.asked:
                await asyncio.sleep(0.01)
            first.cancel()
            server.late.set()
            await second
            assert first.cancelled()
            assert len(server.asked) == 1
