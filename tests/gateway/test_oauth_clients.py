"""Real OAuth clients (authlib, requests-oauthlib) at the authorization server of a running process, and what their
tokens open at the gateway."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import requests
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from apis.models import Person
from apis.selectors import gateway_urls
from apis.services import keys
from tests.conftest import PASSWORD
from tests.gateway.backends import Backend
from tests.gateway.world import Deal, World, closed

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the portal's port is on loopback
BACK = "https://phone.example.com/back"


@dataclass
class Site:
    """A deal of sam's whose keys have every grant, and the addresses of the authorization server."""

    deal: Deal
    key: str
    secret: str
    base: str

    def at(self, name: str) -> str:
        return f"{self.base}/oauth2/{name}"

    def opens(self, token: str) -> bool:
        return self.deal.knock(token=token).status == 101


@pytest.fixture
def site(world: World, backend: Backend) -> Site:
    deal = world.deal(backend.url)
    pair, secret = keys.keys_generate(
        actor=world.actors["sam"], application=deal.application, key_type="production",
        grant_types=["client_credentials", "authorization_code"], redirect_uris=[BACK],
    )  # fmt: skip
    return Site(deal, pair.client.client_id, secret, f"http://127.0.0.1:{world.gateway.portal}")


@pytest.fixture
def browser(site: Site, world: World) -> Iterator[httpx.Client]:
    """eve's browser, signed in."""
    person: Person = world.people["eve"]
    with httpx.Client(base_url=site.base, timeout=20) as client:
        client.get("/login")
        form = {"username": person.get_username(), "password": PASSWORD}
        answer = client.post("/login", data={**form, "csrfmiddlewaretoken": _csrf(client)})
        assert answer.status_code == 302, answer.text
        yield client


def _csrf(client: httpx.Client) -> str:
    return next(value for name, value in client.cookies.items() if name.startswith("wsportal_csrf"))


def allow(browser: httpx.Client, question: str) -> str:
    """eve reads the question and allows it; where her browser is sent."""
    page = browser.get(question)
    assert "to act for you?" in page.text
    answer = browser.post(question, data={"allow": "yes", "csrfmiddlewaretoken": _csrf(browser)})
    location: str = answer.headers["Location"]
    assert location.startswith(BACK)
    return location


def test_authlib_finds_everything_in_the_metadata(site):
    document = httpx.get(f"{site.base}/.well-known/oauth-authorization-server").json()
    metadata = AuthorizationServerMetadata(document)
    metadata.validate_response_types_supported()
    metadata.validate_grant_types_supported()
    metadata.validate_token_endpoint_auth_methods_supported()
    metadata.validate_code_challenge_methods_supported()
    metadata.validate_revocation_endpoint_auth_methods_supported()
    metadata.validate_introspection_endpoint_auth_methods_supported()
    assert document["issuer"] == site.base
    for name in ("token", "revocation", "introspection"):
        answer = httpx.post(document[f"{name}_endpoint"], data={"token": "x", "grant_type": "client_credentials"})
        assert answer.status_code == 401, name
    assert httpx.get(document["authorization_endpoint"]).status_code in {302, 400}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_gets_a_token_by_client_credentials(site, method):
    with OAuth2Client(site.key, site.secret, token_endpoint_auth_method=method) as client:
        token = client.fetch_token(site.at("token"), grant_type="client_credentials")
        assert (token["token_type"], token["scope"]) == ("Bearer", "default")
        assert site.opens(token["access_token"])
        facts = client.introspect_token(site.at("introspect"), token["access_token"]).json()
        assert (facts["active"], facts["client_id"]) == (True, site.key)
        with site.deal.connect(token=token["access_token"]) as session:
            assert client.revoke_token(site.at("revoke"), token["access_token"]).status_code == 200
            assert closed(session)[0] == 4401
        assert client.introspect_token(site.at("introspect"), token["access_token"]).json() == {"active": False}
        assert not site.opens(token["access_token"])


def test_authlib_asks_a_person_and_renews(site, browser):
    verifier = "v" * 50
    with OAuth2Client(site.key, site.secret, redirect_uri=BACK, code_challenge_method="S256") as client:
        question, state = client.create_authorization_url(site.at("authorize"), code_verifier=verifier)
        assert create_s256_code_challenge(verifier) in question
        location = allow(browser, question)
        token = client.fetch_token(
            site.at("token"), authorization_response=location, code_verifier=verifier, state=state
        )
        assert site.opens(token["access_token"])
        fresh = client.refresh_token(site.at("token"), token["refresh_token"])
        assert fresh["refresh_token"] != token["refresh_token"]
        assert not site.opens(token["access_token"])
        with site.deal.connect(token=fresh["access_token"]) as session:
            replay = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
            assert httpx.post(site.at("token"), data=replay, auth=(site.key, site.secret)).status_code == 400
            assert closed(session)[0] == 4401  # somebody has both: the whole family ends


def test_a_code_used_twice_ends_the_sessions_of_what_it_brought(site, browser):
    verifier = "v" * 50
    with OAuth2Client(site.key, site.secret, redirect_uri=BACK, code_challenge_method="S256") as client:
        question, _ = client.create_authorization_url(site.at("authorize"), code_verifier=verifier)
        location = allow(browser, question)
        token = client.fetch_token(site.at("token"), authorization_response=location, code_verifier=verifier)
    code = parse_qs(urlsplit(location).query)["code"][0]
    with site.deal.connect(token=token["access_token"]) as session:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}
        assert httpx.post(site.at("token"), data=form, auth=(site.key, site.secret)).status_code == 400
        assert closed(session)[0] == 4401


def test_requests_oauthlib_gets_a_token_by_client_credentials(site):
    session = OAuth2Session(client=BackendApplicationClient(client_id=site.key))
    token = session.fetch_token(site.at("token"), auth=requests.auth.HTTPBasicAuth(site.key, site.secret))
    assert site.opens(token["access_token"])


def test_requests_oauthlib_asks_a_person_and_renews(site, browser):
    session = OAuth2Session(site.key, redirect_uri=BACK, pkce="S256")
    question, _ = session.authorization_url(site.at("authorize"))
    location = allow(browser, question)
    token = session.fetch_token(site.at("token"), authorization_response=location, client_secret=site.secret)
    assert site.opens(token["access_token"])
    auth = requests.auth.HTTPBasicAuth(site.key, site.secret)
    fresh = session.refresh_token(site.at("token"), token["refresh_token"], auth=auth)
    assert site.opens(fresh["access_token"])
    answer = requests.post(site.at("revoke"), {"token": fresh["refresh_token"]}, auth=auth, timeout=20)
    assert answer.status_code == 200
    assert not site.opens(fresh["access_token"])


def test_a_token_for_one_api_does_not_open_another(site, world, backend):
    url = gateway_urls(site.deal.api)[0]
    other: Any = world.deal(backend.url)
    world.subscribe(other.api, site.deal.application, "Unlimited")
    with OAuth2Client(site.key, site.secret) as client:
        free = client.fetch_token(site.at("token"), grant_type="client_credentials")["access_token"]
        bound = client.fetch_token(site.at("token"), grant_type="client_credentials", resource=url)["access_token"]
    assert site.opens(free)
    assert other.knock(token=free).status == 101
    assert site.opens(bound)
    answer = other.knock(token=bound)
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
