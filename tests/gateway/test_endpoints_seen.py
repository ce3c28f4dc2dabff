"""What a backend behind a running gateway gets to see: the endpoint's proof, its headers, and who comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from apis.services.securing import security_configure
from gateway.assertions import key_rotate
from tests.gateway.backends import Backend
from tests.gateway.judging import echoed, health, put
from tests.gateway.outside import Authority, token_server
from tests.gateway.world import World

pytestmark = pytest.mark.usefixtures("django_db_blocker_off")


@pytest.fixture(scope="module")
def django_db_blocker_off(django_db_blocker: Any) -> Iterator[None]:
    """Tests here read and write the database that the gateway uses."""
    with django_db_blocker.unblock():
        yield


# -- what the backend sees ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("security", "path", "name", "value"),
    [
        ({"type": "basic", "username": "gate", "password": "way"}, "/x?a=1", "Authorization", "Basic Z2F0ZTp3YXk="),
        ({"type": "bearer", "token": "tok.en"}, "/x?a=1", "Authorization", "Bearer tok.en"),
        ({"type": "api_key", "in": "header", "name": "X-Key", "value": "k"}, "/x?a=1", "X-Key", "k"),
        ({"type": "api_key", "in": "query", "name": "key", "value": "k&v"}, "/x?a=1&key=k%26v", "X-Api", "own"),
    ],
)
def test_the_backend_gets_the_endpoints_own_proof_and_headers_and_the_clients_not(
    world: World, backend: Backend, security: dict[str, Any], path: str, name: str, value: str
) -> None:
    deal = world.deal(backend.url, security=security, headers={"X-Api": "own", "X-Other": "2"})
    asked = "/x?a=1&key=mine" if "key" in path else "/x?a=1"
    echoed(deal, asked, **{"X-Api": "mine", "X-Key": "mine", "X-Client": "yes"})
    request = backend.requests[-1]
    assert request.path == path
    assert request.headers.get_all(name) == [value]
    assert request.headers.get_all("X-Api") == ["own"]
    assert request.headers["X-Client"] == "yes"
    assert deal.token not in str(request.headers)


def test_a_backend_behind_a_private_authority_with_mutual_tls(world: World, tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue("gateway")
    backend = Backend(tls=authority.server(tmp_path, "backend.example.com", ask_client=True))
    try:
        deal = world.deal(
            backend.url,
            security={"type": "mtls", "certificate": certificate, "key": key},
            tls={"ca": authority.pem, "server_name": "backend.example.com"},
        )
        echoed(deal)
        put(world, deal, {"urls": [{"url": backend.url}], "tls": {"ca": authority.pem}})
        assert deal.knock().code == "upstream_unreachable"
    finally:
        backend.stop()


def test_a_token_is_fetched_for_the_backend_and_without_one_it_is_unreachable(world: World, backend: Backend) -> None:
    with token_server() as server:
        security = {"type": "oauth2", "grant": "client_credentials", "token_url": server.url, "client_id": "gate",
                    "client_secret": "hush-hush"}  # fmt: skip
        deal = world.deal(backend.url, security=security)
        echoed(deal)
        echoed(deal)
        assert backend.requests[-1].headers["Authorization"] == "Bearer token-1"
        assert len(server.asked) == 1
        server.status = 400
        put(world, deal, {"urls": [{"url": backend.url}], "security": {**security, "client_id": "other"}})
        answer = deal.knock()
        assert (answer.status, answer.code) == (502, "upstream_unreachable")
        (url,) = health(world, deal)
        assert url["state"] != "suspended"  # the token server is what failed
    log = world.gateway.log.read_text()
    assert "upstream_credentials_unavailable" in log
    assert "hush-hush" not in log
    assert "token-1" not in log


# -- X-JWT-Assertion ----------------------------------------------------------------------------------------------


def key_set(world: World) -> KeySet:
    answer = httpx.get(f"http://127.0.0.1:{world.gateway.portal}/.well-known/jwks.json")
    assert answer.headers["content-type"].startswith("application/jwk-set+json")
    assert not any("d" in key for key in answer.json()["keys"])
    return KeySet.import_key_set(answer.json())


def test_a_backend_can_check_who_comes_by_the_published_keys(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    echoed(deal, **{"X-JWT-Assertion": "forged"})
    assert "X-JWT-Assertion" not in backend.requests[-1].headers
    security_configure(actor=world.actors["paul"], api=deal.api, settings={"backend_jwt": True})
    put(world, deal, {"urls": [{"url": backend.url}]})
    echoed(deal, **{"X-JWT-Assertion": "forged"})
    (said,) = backend.requests[-1].headers.get_all("X-JWT-Assertion")
    token = jwt.decode(said, key_set(world), algorithms=["ES256"])
    claims = token.claims
    jwt.JWTClaimsRegistry(aud={"essential": True, "value": deal.path}).validate(claims)
    assert claims["end_user"] == "sam"
    assert claims["application_id"] == str(deal.application.pk)
    assert (claims["subscription_plan"], claims["key_type"]) == ("Unlimited", "production")
    assert (claims["api_name"], claims["api_version"]) == (deal.api.name, "1.0.0")
    assert 0 < claims["exp"] - time.time() <= 300
    echoed(deal)
    assert backend.requests[-1].headers["X-JWT-Assertion"] == said  # not signed anew for every handshake
    new = key_rotate()
    keys = key_set(world)
    assert {key.kid for key in keys.keys} >= {new.kid, token.header["kid"]}
    jwt.decode(said, keys, algorithms=["ES256"])
