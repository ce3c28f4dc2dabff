"""The gateway shows an upstream who it is: TLS both ways, by a proxy, by digest."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from websockets.http11 import Request

from gateway.core.digest import _challenges as challenges_of
from gateway.core.extras import ClientCertificate, Digest, Extras, Proxy, Tls
from gateway.upstreams import DialError
from tests.gateway.judging import backend, by, dialled, refused
from tests.gateway.outside import Authority, connect_proxy


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
