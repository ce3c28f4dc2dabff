"""What a token is for (RFC 8707), and how often somebody may ask: nobody gets more by trying harder."""

from __future__ import annotations

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken

from apis import selectors
from tests.apis.programs import BACK, Program, answer_of, refused, signed_in
from tests.conftest import PASSWORD


@pytest.fixture
def url(chat) -> str:
    """Where the chat API answers."""
    return selectors.gateway_urls(chat)[0]


def test_a_token_is_for_the_api_that_was_named(program, url):
    token = program.post("token", grant_type="client_credentials", resource=url).json()["access_token"]
    assert AccessToken.objects.get().resource == [url]
    assert program.post("introspect", token=token).json()["aud"] == [url]
    free = program.post("token", grant_type="client_credentials").json()["access_token"]
    assert "aud" not in program.post("introspect", token=free).json()


@pytest.mark.parametrize("wrong", ["x", "https://evil.example", "wss://evil.example/chat/1.0.0", "ws:///", "\u20ac"])
def test_a_token_is_for_no_other_place(program, url, wrong):
    refused(program.post("token", grant_type="client_credentials", resource=wrong), 400, "invalid_target")
    refused(program.post("token", grant_type="client_credentials", resource=url + "/x"), 400, "invalid_target")
    assert not AccessToken.objects.exists()


def test_what_the_person_allowed_is_not_widened_later(program, eve, url, chat):
    second = selectors.gateway_urls(chat)[1]
    token = program.redeem(program.code(eve, resource=url)).json()
    assert AccessToken.objects.get().resource == [url]
    refused(program.redeem(program.code(eve, resource=url), resource=second), 400, "invalid_target")
    fresh = program.refresh(token["refresh_token"]).json()
    assert program.post("introspect", token=fresh["access_token"]).json()["aud"] == [url]
    wider = {"grant_type": "refresh_token", "refresh_token": fresh["refresh_token"], "resource": second}
    refused(program.post("token", **wider), 400, "invalid_target")


def test_the_person_reads_what_it_is_for(program, eve, url):
    assert url in signed_in(eve).get(program.question(resource=url)).content.decode()
    answer = answer_of(signed_in(eve).get(program.question(resource="https://evil.example")))
    assert (answer["error"], answer["state"]) == ("invalid_target", "st&1")


def test_a_management_token_is_for_rest(manager, paul):
    assert manager.redeem(manager.code(paul, resource="http://testserver/api/v1", scope="api:read")).status_code == 200
    answer = answer_of(signed_in(paul).get(manager.question(resource="https://evil.example", scope="api:read")))
    assert answer["error"] == "invalid_target"


def test_a_redirect_goes_exactly_where_it_is_registered(program, eve):
    for other in (f"{BACK}?x=1", f"{BACK}/", BACK.upper(), BACK.replace("https", "http"), f"{BACK}%2f"):
        assert signed_in(eve).get(program.question(redirect_uri=other)).status_code == 400, other


def test_even_right_requests_are_limited_per_client(program):
    statuses = [program.post("token", grant_type="client_credentials").status_code for _ in range(305)]
    assert statuses == [200] * 300 + [429] * 5
    answer = program.post("token", grant_type="client_credentials")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert program.post("introspect", token="x").status_code == 200


def test_guessing_with_ever_new_clients_is_limited_per_address(db):
    statuses = [
        Program(f"guess-{n}", "x").post("token", grant_type="client_credentials").status_code for n in range(205)
    ]
    assert 429 in statuses
    other = Client(REMOTE_ADDR="192.0.2.7").post("/oauth2/token", {"grant_type": "client_credentials"})
    assert other.status_code == 401


def test_one_password_for_all_names_is_limited_per_address(sam):
    answers = [Client().post("/login", {"username": f"name{n}", "password": "summer"}) for n in range(125)]
    locked = [answer for answer in answers if answer.status_code == 429]
    assert locked
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in locked)
    elsewhere = Client(REMOTE_ADDR="192.0.2.7").post("/login", {"username": "sam", "password": PASSWORD})
    assert elsewhere.status_code == 302


def test_one_name_from_one_address_is_locked_for_a_while(sam):
    answers = [Client().post("/login", {"username": "sam", "password": "guess"}) for _ in range(11)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "300"
