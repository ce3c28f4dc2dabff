"""The gateway shows an upstream who it is: TLS both ways, by a proxy, by digest, by a token that it fetches."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from gateway import upstream_auth
from gateway.core.digest import _challenges as challenges_of
from gateway.core.extras import ClientCertificate, Digest, Extras, OAuth2, Proxy, Tls
from gateway.upstream_auth import dial_secured
from gateway.upstream_tokens import Source, Tokens, fetch
from gateway.upstreams import DialError, Target, Upstream
from tests.gateway.outside import Authority, ConnectProxy, TokenServer, connect_proxy, token_server

Judge = Callable[[Request], tuple[int, dict[str, str]] | None]


@asynccontextmanager
async def backend(tls: ssl.SSLContext | None = None, judge: Judge = lambda request: None) -> AsyncIterator[Any]:
    """A backend that takes a handshake unless `judge` says (status, headers). Yields (port, requests)."""
    requests: list[Request] = []

    async def look(connection: ServerConnection, request: Request) -> Response | None:
        requests.append(request)
        refusal = judge(request)
        if refusal is None:
            return None
        answer = connection.respond(refusal[0], "no\n")
        for name, value in refusal[1].items():
            answer.headers[name] = value
        return answer

    async with serve(lambda connection: connection.wait_closed(), "127.0.0.1", 0, ssl=tls, process_request=look) as it:
        yield next(iter(it.sockets)).getsockname()[1], requests


async def dialled(url: str, extras: Extras, **facts: Any) -> Upstream:
    upstream = await dial_secured(Target(url=url, path_and_query=b"/chat?x=1", headers=[], **facts), extras)
    upstream.close()
    return upstream


async def refused(url: str, extras: Extras, kind: str, **facts: Any) -> DialError:
    with pytest.raises(DialError) as caught:
        await dialled(url, extras, **facts)
    assert caught.value.kind == kind, caught.value
    return caught.value


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


# -- TLS ----------------------------------------------------------------------------------------------------------


async def test_an_authority_of_the_customers_own_is_trusted_where_the_endpoint_says_so(
    authority: Authority, tmp_path: Path
) -> None:
    async with backend(authority.server(tmp_path, "localhost")) as (port, requests):
        url = f"wss://localhost:{port}"
        await refused(url, Extras(), "unreachable")
        await refused(url, Extras(tls=Tls(ca=Authority("Somebody else").pem)), "unreachable")
        assert requests == []
        await dialled(url, Extras(tls=Tls(ca=authority.pem)))
        assert len(requests) == 1


async def test_the_name_in_the_certificate_must_be_the_urls_or_the_one_that_the_endpoint_names(
    authority: Authority, tmp_path: Path
) -> None:
    asked: list[str | None] = []
    context = authority.server(tmp_path, "backend.example.com")
    context.sni_callback = lambda sock, name, ctx: asked.append(name)
    async with backend(context) as (port, _):
        url = f"wss://localhost:{port}"
        await refused(url, Extras(tls=Tls(ca=authority.pem)), "unreachable")
        await refused(url, Extras(tls=Tls(ca=authority.pem, server_name="other.example.com")), "unreachable")
        await dialled(url, Extras(tls=Tls(ca=authority.pem, server_name="backend.example.com")))
    assert asked == ["localhost", "other.example.com", "backend.example.com"]


async def test_only_an_endpoint_that_says_so_is_not_verified(authority: Authority, tmp_path: Path) -> None:
    async with backend(authority.server(tmp_path, "backend.example.com")) as (port, requests):
        await dialled(f"wss://localhost:{port}", Extras(tls=Tls(verify=False)))
        await refused(f"wss://localhost:{port}", Extras(tls=Tls(server_name="localhost")), "unreachable")
        assert len(requests) == 1


async def test_a_backend_that_wants_a_certificate_gets_the_endpoints_and_no_other_will_do(
    authority: Authority, tmp_path: Path
) -> None:
    trust = Tls(ca=authority.pem)
    async with backend(authority.server(tmp_path, "localhost", ask_client=True)) as (port, requests):
        url = f"wss://localhost:{port}"
        with pytest.raises(DialError):
            await dialled(url, Extras(tls=trust))
        with pytest.raises(DialError):
            await dialled(url, Extras(ClientCertificate(*Authority().issue("gateway")), tls=trust))
        assert requests == []
        shown = Extras(ClientCertificate(*authority.issue("gateway")), tls=trust)
        await dialled(url, shown)
        await dialled(url, shown)
        assert len(requests) == 2


async def test_a_certificate_that_cannot_be_used_is_a_clear_refusal_and_nothing_is_dialled() -> None:
    certificate, _ = Authority().issue("gateway")
    _, other_key = Authority().issue("gateway")
    error = await refused(
        "wss://localhost:1", Extras(ClientCertificate(certificate, other_key), tls=Tls()), "no_credentials"
    )
    assert "PRIVATE" not in str(error)


# -- by a proxy ---------------------------------------------------------------------------------------------------


def by(proxy: ConnectProxy, *exceptions: str, authorization: bytes = b"") -> Proxy:
    return Proxy("127.0.0.1", proxy.port, authorization, exceptions)


@pytest.mark.parametrize("secure", [False, True])
async def test_an_endpoint_is_reached_by_a_proxy_and_its_exceptions_are_not(
    authority: Authority, tmp_path: Path, secure: bool
) -> None:
    tls = authority.server(tmp_path, "localhost") if secure else None
    trust = Tls(ca=authority.pem) if secure else Tls()
    with connect_proxy("gate:way") as proxy:
        async with backend(tls) as (port, requests):
            url = f"{'wss' if secure else 'ws'}://localhost:{port}"
            login = b"Basic Z2F0ZTp3YXk="
            upstream = await dialled(url, Extras(tls=trust, proxy=by(proxy, authorization=login)))
            assert upstream.address == "127.0.0.1"
            assert proxy.asked == [(f"localhost:{port}", login.decode())]
            await dialled(url, Extras(tls=trust, proxy=by(proxy, "localhost")))
            assert len(proxy.asked) == 1
            assert len(requests) == 2
            assert all("proxy-authorization" not in request.headers for request in requests)


async def test_a_proxy_that_refuses_or_is_away_is_an_unreachable_upstream() -> None:
    with connect_proxy("gate:way") as proxy:
        wrong = Extras(proxy=by(proxy, authorization=b"Basic bm86cGU="))
        error = await refused("ws://localhost:9", wrong, "unreachable")
        assert "407" in str(error)
        assert "bm86cGU" not in str(error)
    with connect_proxy() as proxy:
        assert "502" in str(await refused("ws://localhost:9", Extras(proxy=by(proxy)), "unreachable"))
        port = proxy.port
    await refused("ws://localhost:9", Extras(proxy=Proxy("127.0.0.1", port)), "unreachable")


async def test_a_name_that_only_the_proxy_knows_is_the_proxys_to_resolve() -> None:
    async with backend() as (port, requests):
        with connect_proxy(names={"backend.invalid": "127.0.0.1"}) as proxy:
            await dialled(f"ws://backend.invalid:{port}", Extras(proxy=by(proxy)))
            assert requests[0].headers["Host"] == f"backend.invalid:{port}"


async def test_neither_the_proxy_nor_what_is_known_behind_it_may_be_a_forbidden_address() -> None:
    with connect_proxy() as proxy:
        extras = Extras(proxy=by(proxy))
        await refused("ws://8.8.8.8:80", extras, "forbidden_address", allowed=lambda address: address == "8.8.8.8")
        for inside in ("ws://169.254.169.254/latest", "ws://[::ffff:169.254.169.254]:80", "ws://[fd00:ec2::254]:80"):
            await refused(inside, extras, "forbidden_address", allowed=lambda address: address == "127.0.0.1")
        assert proxy.asked == []


# -- by digest ----------------------------------------------------------------------------------------------------


class DigestBackend:
    """Judges handshakes by RFC 7616 with SHA-256, and takes each nonce `uses` times."""

    def __init__(self, uses: int = 1000) -> None:
        self.uses = uses
        self.nonces = 0
        self.counts: list[int] = []
        self.proofs: list[str] = []

    def __call__(self, request: Request) -> tuple[int, dict[str, str]] | None:
        value = request.headers.get("Authorization", "")
        if value:
            _, facts = challenges_of([value.encode()])[0]
            count, fresh = int(facts["nc"], 16), facts["nonce"] == f"n{self.nonces}"
            self.counts.append(count)
            self.proofs.append(facts["response"])
            secret, what = _hash("gate:Chat:pass"), _hash("GET:/chat?x=1")
            wanted = _hash(f"{secret}:{facts['nonce']}:{facts['nc']}:{facts['cnonce']}:auth:{what}")
            if fresh and count <= self.uses and facts["response"] == wanted:
                return None
        self.nonces += 1
        challenge = f'Digest realm="Chat", nonce="n{self.nonces}", qop="auth", algorithm=SHA-256'
        return 401, {"WWW-Authenticate": challenge}


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


async def test_a_challenge_is_answered_once_and_then_its_nonce_is_counted_up() -> None:
    judge = DigestBackend()
    async with backend(judge=judge) as (port, requests):
        extras, url = Extras(Digest("gate", "pass")), f"ws://localhost:{port}"
        for _ in range(3):
            await dialled(url, extras)
        assert judge.counts == [1, 2, 3]
        assert len(set(judge.proofs)) == 3
        assert len(requests) == 4  # the first one had nothing to answer yet


async def test_a_stale_nonce_gets_one_new_answer() -> None:
    judge = DigestBackend(uses=2)
    async with backend(judge=judge) as (port, requests):
        for _ in range(4):
            await dialled(f"ws://localhost:{port}", Extras(Digest("gate", "pass")))
        assert judge.counts == [1, 2, 3, 1, 2]
        assert len(requests) == 6


async def test_a_wrong_password_is_tried_once_and_not_for_ever() -> None:
    judge = DigestBackend()
    async with backend(judge=judge) as (port, requests):
        error = await refused(f"ws://localhost:{port}", Extras(Digest("gate", "wrong")), "refused")
        assert error.status == 401
        assert len(requests) == 2


# -- by a token ---------------------------------------------------------------------------------------------------


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
    authority: Authority, tmp_path: Path
) -> None:
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
