"""The authorization server: sam's application gets tokens, and nobody gets what is not theirs."""

from __future__ import annotations

import base64
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from apis.models import Person
from apis.services import clients, keys, people
from tests.apis.conftest import Rest

BACK = "https://phone.example.com/back"


@dataclass
class Program:
    """An OAuth client as its own code sees it."""

    key: str
    secret: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    def post(self, where: str, how: str = "basic", **form: str) -> Any:
        headers = {}
        if how == "basic":
            headers["Authorization"] = "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        elif how == "post":
            form |= {"client_id": self.key, "client_secret": self.secret}
        elif how == "public":
            form |= {"client_id": self.key}
        return Client().post(
            f"/oauth2/{where}", urlencode(form), content_type="application/x-www-form-urlencoded", headers=headers
        )

    def question(self, **changes: str | None) -> str:
        """The address to send a person to."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code", "client_id": self.key, "redirect_uri": BACK, "state": "st&1",
            "code_challenge": challenge, "code_challenge_method": "S256", **changes,
        }  # fmt: skip
        return "/oauth2/authorize?" + urlencode({name: value for name, value in query.items() if value is not None})

    def code(self, person: Person, **changes: str | None) -> str:
        """What comes back when the person allows it."""
        response = signed_in(person).post(self.question(**changes), {"allow": "yes"})
        return answer_of(response)["code"]

    def redeem(self, code: str, how: str = "basic", **changes: str) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": self.verifier}
        return self.post("token", how, **{**form, **changes})

    def refresh(self, token: str, how: str = "basic") -> Any:
        return self.post("token", how, grant_type="refresh_token", refresh_token=token)


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def answer_of(response: Any) -> dict[str, str]:
    """The parameters of a redirect to the program."""
    assert response.status_code == 302, response.content
    assert response.headers["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def refused(response: Any, status: int, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.headers["Cache-Control"] == "no-store"


@pytest.fixture
def program(sam, phone, actor) -> Program:
    """The code of sam's application, with both grants."""
    pair, secret = keys.keys_generate(
        actor=actor(sam), application=phone, key_type="production",
        grant_types=["client_credentials", "authorization_code"], redirect_uris=[BACK],
    )  # fmt: skip
    return Program(pair.client.client_id, secret)


@pytest.fixture
def manager(adam, actor) -> Program:
    """A confidential management client."""
    client, secret = clients.client_register(actor=actor(adam), name="Deployer", redirect_uris=[BACK])
    return Program(client.client_id, secret)


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


def test_consumers_get_no_management_scope(program, manager, sam):
    refused(program.post("token", grant_type="client_credentials", scope="admin"), 400, "invalid_scope")
    assert answer_of(signed_in(sam).get(program.question(scope="app:manage")))["error"] == "invalid_scope"
    assert program.post("token", grant_type="client_credentials", scope="default").status_code == 200


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


def test_eve_allows_sams_application_and_it_acts_for_her(program, eve):
    page = signed_in(eve).get(program.question())
    text = page.content.decode()
    assert "Allow Phone to act for you?" in text
    assert "an application of sam" in text
    assert "phone.example.com" in text
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";") if " " in part.strip()
    )
    assert policy["form-action"] == "'self' https://phone.example.com"
    answer = answer_of(signed_in(eve).post(program.question(), {"allow": "yes"}))
    assert answer["state"] == "st&1"
    assert answer["iss"] == "http://testserver"
    token = program.redeem(answer["code"]).json()
    assert token["scope"] == "default"
    assert AccessToken.objects.get().user == eve
    Rest({"Authorization": f"Bearer {token['access_token']}"}).get("/apis").refused(403, "insufficient_scope")


def test_eve_denies_and_the_application_is_told(program, eve):
    for form in ({"allow": "no"}, {}):
        answer = answer_of(signed_in(eve).post(program.question(), form))
        assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "st&1", "http://testserver")
    assert not Grant.objects.exists()


def test_a_stranger_signs_in_first(program):
    response = Client().get(program.question())
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login?next=/oauth2/authorize")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"}, {"client_id": None}, {"redirect_uri": "https://evil.example/back"},
        {"redirect_uri": BACK + "/../other"}, {"redirect_uri": "https://phone.example.com.evil.example/back"},
        {"redirect_uri": BACK + "#a"}, {"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": "\0"},
        {"client_id": "\0"},
        {"redirect_uri": BACK + "?x=1"}, {"redirect_uri": "http://phone.example.com/back"}, {"redirect_uri": "//"},
    ],
)  # fmt: skip
def test_nobody_is_sent_to_an_unknown_address(program, eve, changes):
    for response in (
        signed_in(eve).get(program.question(**changes)),
        signed_in(eve).post(program.question(**changes), {"allow": "yes"}),
        signed_in(eve).post(program.question(**changes), {"allow": "no"}),
    ):
        assert response.status_code == 400
        assert "This request cannot be used" in response.content.decode()
        assert "Location" not in response.headers


def test_the_form_cannot_change_what_was_asked(program, eve):
    form = {"allow": "no", "redirect_uri": "https://evil.example", "client_id": "x", "state": "other", "scope": "admin"}
    response = signed_in(eve).post(program.question(), form)
    assert response.status_code in {302, 400}
    assert not response.headers.get("Location", BACK).startswith("https://evil.example")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"), ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"), ({"code_challenge": "x" * 300}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"response_type": "x"}, "unsupported_response_type"), ({"scope": "everything"}, "invalid_scope"),
    ],
)  # fmt: skip
def test_other_mistakes_are_told_to_the_application(program, eve, changes, error):
    answer = answer_of(signed_in(eve).get(program.question(**changes)))
    assert answer["error"] in {error, "unsupported_response_type"}
    assert answer["state"] == "st&1"


def test_what_other_standards_add_is_ignored(program, eve):
    code = program.code(eve, nonce="n" * 1000, claims="[", resource="x", prompt="none", approval_prompt="auto")
    grant = Grant.objects.get()
    assert (grant.nonce, grant.claims, grant.resource) == ("", "{}", [])
    assert program.redeem(code).status_code == 200


def test_a_query_that_cannot_be_read_is_a_clear_page(program, eve):
    for query in ("a=%zz", "client_id=%ff", "client_id=a&client_id=b", ""):
        assert signed_in(eve).get(f"/oauth2/authorize?{query}").status_code == 400


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


def test_a_management_token_does_in_rest_what_person_and_scopes_allow(manager, paul, chat):
    text = signed_in(paul).get(manager.question(scope="api:read api:create admin")).content.decode()
    assert "Deployer asks you, paul" in text
    assert "api:create" in text
    assert "admin" not in text.split("asks you, paul")[1].split("</form>")[0]
    token = manager.redeem(manager.code(paul, scope="api:read api:create admin")).json()
    assert token["scope"] == "api:read api:create"
    caller = Rest({"Authorization": f"Bearer {token['access_token']}"})
    assert caller.get("/me").ok()["scopes"] == ["api:read", "api:create"]
    caller.patch(f"/apis/{chat.pk}", {"description": "x"}).ok()
    caller.post(f"/apis/{chat.pk}/transitions", {"action": "block"}).refused(403, "insufficient_scope")
    AccessToken.objects.update(expires=timezone.now())
    caller.get("/me").refused(401, "invalid_token")


def test_management_scopes_need_a_person_with_the_roles(manager, vic):
    refused(manager.post("token", grant_type="client_credentials", scope="admin"), 400, "unauthorized_client")
    answer = answer_of(signed_in(vic).get(manager.question(scope="admin")))
    assert answer["error"] == "invalid_scope"


def test_a_public_client_has_no_secret(adam, paul, actor):
    client, _ = clients.client_register(actor=actor(adam), name="Tool", redirect_uris=[BACK], confidential=False)
    tool = Program(client.client_id, "")
    token = tool.redeem(tool.code(paul, scope="api:read"), how="public").json()
    assert Rest({"Authorization": f"Bearer {token['access_token']}"}).get("/apis").ok()["count"] == 0
    assert tool.refresh(token["refresh_token"], how="public").status_code == 200


def test_the_server_describes_itself(db):
    response = Client().get("/.well-known/oauth-authorization-server", secure=True)
    document = response.json()
    assert document["issuer"] == "https://testserver"
    assert document["token_endpoint"] == "https://testserver/oauth2/token"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "implicit" not in document["grant_types_supported"]
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
