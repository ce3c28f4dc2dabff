"""The authorization server: sam's application gets tokens, and nobody gets what is not theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from apis.services import keys, people
from tests.apis.programs import Program, refused


@pytest.mark.parametrize("how", ["basic", "post"])
def test_client_credentials_give_a_token_for_an_hour(program, how):
    response = program.post("token", how, grant_type="client_credentials")
    token = response.json()
    assert response.status_code == 200
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "default")
    assert "refresh_token" not in token
    assert response.headers["Cache-Control"] == "no-store"
    row = AccessToken.objects.get()
    assert (row.user, row.application.key_pair.key_type) == (None, "production")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            assert token["access_token"] not in repr(cursor.fetchall()), table


def test_wrong_clients_get_nothing(program, db):
    for wrong in (
        Program(program.key, "guess"),
        Program("nobody", program.secret),
        Program("", ""),
        Program("\0", "x"),
    ):
        for how in ("basic", "post", "public", "none"):
            response = wrong.post("token", how, grant_type="client_credentials")
            assert response.status_code in {400, 401}, (wrong, how)
            if response.status_code == 401:
                assert response.headers["WWW-Authenticate"] == 'Basic realm="wsportal"'
    program.secret = "guess"
    refused(program.post("token", grant_type="client_credentials"), 401, "invalid_client")
    assert not AccessToken.objects.exists()


def test_only_granted_grant_types_work(sam, phone, actor, program):
    pair, secret = keys.keys_generate(actor=actor(sam), application=phone, key_type="sandbox")
    plain = Program(pair.client.client_id, secret)
    assert plain.post("token", grant_type="client_credentials").status_code == 200
    refused(plain.post("token", grant_type="authorization_code", code="x"), 400, "unauthorized_client")
    for grant_type in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "x"):
        refused(
            program.post("token", grant_type=grant_type, username="sam", password="x"), 400, "unsupported_grant_type"
        )
    refused(program.post("token"), 400, "invalid_request")


@pytest.mark.parametrize(
    "body", ["grant_type=%zz", "%", "grant_type=client_credentials&grant_type=x", "\0", "a" * 10_000]
)
def test_nonsense_is_a_bad_request(program, body):
    response = Client().post(f"/oauth2/token?x={body[:20]}", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code in {400, 401}
    headers = {"Authorization": "Basic \xfc\xfc"}
    assert Client().post("/oauth2/token", {"grant_type": "client_credentials"}, headers=headers).status_code in {
        400,
        401,
    }
    assert Client().post("/oauth2/token", {"a": 1}, content_type="application/json").status_code == 400
    assert Client().get("/oauth2/token").status_code == 405
    for name in ("code", "client_id", "refresh_token", "token"):
        refused(program.post(f"token?{name}=%00", grant_type="client_credentials"), 400, "invalid_request")


def test_failures_are_limited_per_client_and_success_is_not(program):
    for _ in range(25):
        assert program.post("token", grant_type="client_credentials").status_code == 200
    wrong = Program(program.key, "guess")
    statuses = [wrong.post("token", grant_type="client_credentials").status_code for _ in range(21)]
    assert statuses == [401] * 20 + [429]
    response = wrong.post("token", grant_type="client_credentials")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert Program("another", "x").post("token", grant_type="client_credentials").status_code == 401


def test_a_disabled_owner_gets_no_token(program, adam, sam, actor):
    people.person_update(actor=actor(adam), person=sam, disabled=True)
    refused(program.post("token", grant_type="client_credentials"), 401, "invalid_client")
    people.person_update(actor=actor(adam), person=sam, disabled=False)
    assert program.post("token", grant_type="client_credentials").status_code == 200


def test_a_code_needs_its_verifier_its_client_and_its_address(program, manager, eve):
    code = program.code(eve)
    for changes in ({"code_verifier": "x" * 43}, {"code_verifier": ""}, {"redirect_uri": "https://other.example"}):
        assert program.redeem(code, **changes).status_code == 400
    refused(manager.redeem(code), 400, "invalid_grant")
    assert program.redeem(code).status_code == 200


def test_a_code_used_twice_voids_what_it_brought(program, eve):
    code = program.code(eve)
    token = program.redeem(code).json()
    fresh = program.refresh(token["refresh_token"]).json()
    refused(program.redeem(code), 400, "invalid_grant")
    assert not AccessToken.objects.exists()
    refused(program.refresh(fresh["refresh_token"]), 400, "invalid_grant")


def test_an_old_code_is_no_code(program, eve):
    code = program.code(eve)
    Grant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    refused(program.redeem(code), 400, "invalid_grant")


def test_refresh_tokens_rotate_and_a_replay_voids_the_family(program, eve):
    first = program.redeem(program.code(eve)).json()
    second = program.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert AccessToken.objects.count() == 1
    refused(program.refresh(first["refresh_token"]), 400, "invalid_grant")
    refused(program.refresh(second["refresh_token"]), 400, "invalid_grant")
    assert not AccessToken.objects.exists()


def test_a_disabled_person_is_not_acted_for(program, adam, eve, actor):
    code, token = program.code(eve), program.redeem(program.code(eve)).json()
    people.person_update(actor=actor(adam), person=eve, disabled=True)
    refused(program.redeem(code), 400, "invalid_grant")
    refused(program.refresh(token["refresh_token"]), 400, "invalid_grant")
    assert program.post("introspect", token=token["access_token"]).json() == {"active": False}


def test_a_client_revokes_its_own_tokens_only(program, manager):
    token = program.post("token", grant_type="client_credentials").json()["access_token"]
    assert manager.post("revoke", token=token).status_code == 200
    assert AccessToken.objects.exists()
    assert Program(program.key, "guess").post("revoke", token=token).status_code == 401
    assert program.post("revoke", token="unknown").status_code == 200
    assert program.post("revoke").status_code == 400
    assert program.post("revoke", token=token).status_code == 200
    assert not AccessToken.objects.exists()


def test_revoking_a_refresh_token_ends_its_access_token(program, eve):
    token = program.redeem(program.code(eve)).json()
    assert program.post("revoke", token=token["refresh_token"], token_type_hint="refresh_token").status_code == 200
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()


def test_a_client_learns_about_its_own_tokens_only(program, manager, eve):
    token = program.redeem(program.code(eve)).json()["access_token"]
    facts = program.post("introspect", token=token).json()
    assert (facts["active"], facts["scope"], facts["client_id"], facts["username"]) == (
        True,
        "default",
        program.key,
        "eve",
    )
    assert facts["exp"] - facts["iat"] == pytest.approx(3600, abs=2)
    assert manager.post("introspect", token=token).json() == {"active": False}
    assert program.post("introspect", token="unknown").json() == {"active": False}
    refused(program.post("introspect"), 400, "invalid_request")
    refused(Program(program.key, "guess").post("introspect", token=token), 401, "invalid_client")
    AccessToken.objects.update(expires=timezone.now())
    assert program.post("introspect", token=token).json() == {"active": False}


def test_the_server_describes_itself(db):
    response = Client().get("/.well-known/oauth-authorization-server", secure=True)
    document = response.json()
    assert document["issuer"] == "https://testserver"
    assert document["token_endpoint"] == "https://testserver/oauth2/token"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "implicit" not in document["grant_types_supported"]
    assert "default" in document["scopes_supported"]
    for name in ("authorization_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert Client().get(urlsplit(document[name]).path).status_code != 404


@pytest.mark.django_db(transaction=True)
def test_one_code_from_two_sides_at_once_gives_one_token_or_none(program, eve):
    code = program.code(eve)

    def redeem(_: int) -> int:
        try:
            return program.redeem(code).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(redeem, range(4)))
    assert statuses.count(200) <= 1
    assert set(statuses) <= {200, 400}
    assert not AccessToken.objects.exists()
