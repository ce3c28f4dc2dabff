"""A person is asked whether a program may act for them, and sent nowhere but where it is registered."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant

from apis.services import clients
from tests.apis.conftest import Rest
from tests.apis.programs import BACK, Program, answer_of, refused, signed_in


def test_consumers_get_no_management_scope(program, manager, sam):
    refused(program.post("token", grant_type="client_credentials", scope="admin"), 400, "invalid_scope")
    assert answer_of(signed_in(sam).get(program.question(scope="app:manage")))["error"] == "invalid_scope"
    assert program.post("token", grant_type="client_credentials", scope="default").status_code == 200


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
    code = program.code(eve, nonce="n" * 1000, claims="[", prompt="none", approval_prompt="auto")
    grant = Grant.objects.get()
    assert (grant.nonce, grant.claims, grant.resource) == ("", "{}", [])
    assert program.redeem(code).status_code == 200


def test_a_query_that_cannot_be_read_is_a_clear_page(program, eve):
    for query in ("a=%zz", "client_id=%ff", "client_id=a&client_id=b", ""):
        assert signed_in(eve).get(f"/oauth2/authorize?{query}").status_code == 400


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
