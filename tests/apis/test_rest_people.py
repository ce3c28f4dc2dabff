"""Tokens, people and who one is, through REST."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apis.models import PersonalToken
from apis.services.people import digest_of
from tests.apis.conftest import Rest
from tests.conftest import PASSWORD


def basic(name: str, password: str = PASSWORD) -> Rest:
    """A caller with user name and password."""
    return Rest({"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()})


def test_carol_mints_a_token_with_her_password_and_uses_it(carol):
    minted = basic("carol").post("/tokens", {"name": "script"}).ok(201)
    assert minted["scopes"] == ["api:read", "api:create"]
    assert "expires_at" in minted
    me = Rest({"Authorization": f"Bearer {minted['token']}"}).get("/me").ok()
    assert (me["username"], me["roles"], me["scopes"]) == ("carol", ["creator"], minted["scopes"])


def test_a_token_is_shown_once_and_kept_as_a_digest_only(carol):
    token = basic("carol").post("/tokens", {"name": "script"}).ok(201)["token"]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            assert token not in repr(cursor.fetchall()), table
    assert PersonalToken.objects.get().digest == digest_of(token)
    listed = Rest({"Authorization": f"Bearer {token}"}).get("/tokens").ok()["results"]
    assert listed[0].keys() == {"id", "name", "scopes", "created_at", "expires_at"}


def test_vic_has_no_role_so_a_token_allows_nothing(rest, vic):
    minted = basic("vic").post("/tokens", {"name": "x", "scopes": []}).ok(201)
    assert minted["scopes"] == []
    caller = Rest({"Authorization": f"Bearer {minted['token']}"})
    assert caller.get("/me").ok()["scopes"] == []
    caller.post("/applications", {"name": "Phone"}).refused(403)


def test_a_scope_beyond_the_roles_is_refused(people):
    for scopes in (["admin"], ["api:publish"], ["nonsense"]):
        assert basic("carol").post("/tokens", {"name": "x", "scopes": scopes}).refused(400).keys() == {"#/scopes"}
    assert not PersonalToken.objects.exists()


@pytest.mark.parametrize("life", [0, -1, 10**30, 366 * 86400 + 1])
def test_the_life_of_a_token_is_bounded(carol, life):
    assert basic("carol").post("/tokens", {"name": "x", "expires_in": life}).refused(400).keys() == {"#/expires_in"}


@pytest.mark.parametrize(
    "header",
    [
        "Basic", "Basic !!!", "Basic " + base64.b64encode(b"carol").decode(), "Bearer x",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Basic " + base64.b64encode(b"ca\0rol:x").decode(),
        "Basic " + base64.b64encode(b"nobody:x").decode(), "Basic " + base64.b64encode(b"carol:wrong").decode(),
        "Basic " + base64.b64encode(b"c" * 5000 + b":x").decode(), "",
    ],
)  # fmt: skip
def test_a_wrong_password_mints_nothing(carol, header):
    answer = Rest({"Authorization": header} if header else {}).post("/tokens", {"name": "x"})
    answer.refused(401)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert not PersonalToken.objects.exists()


def test_guessing_one_password_is_stopped(carol):
    statuses = [basic("carol", f"guess{number}").post("/tokens", {"name": "x"}).status for number in range(10)]
    assert statuses[:9] == [401] * 9
    answer = basic("carol").post("/tokens", {"name": "x"})  # even the right one, for now
    answer.refused(429, "throttled")
    assert int(answer.headers["Retry-After"]) == 300


def test_guessing_many_names_is_stopped_but_right_ones_cost_nothing(people):
    for _ in range(25):
        basic("carol").post("/tokens", {"name": "x"}).ok(201)
    answers = [basic(f"nobody{number}", "x").post("/tokens", {"name": "x"}) for number in range(21)]
    assert [answer.status for answer in answers] == [401] * 20 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_no_and_bad_credentials_are_told_apart(carol):
    answer = Rest().get("/apis")
    answer.refused(401, "missing_credentials")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wsportal"'
    for header in ("Bearer", "Bearer nonsense", "Bearer a b", "Basic eDp5", "Bearer " + "x" * 10_000, "Bearer \xe4"):
        answer = Rest({"Authorization": header}).get("/apis")
        answer.refused(401, "invalid_token")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_expired_tokens_and_disabled_people_are_out(rest, adam, carol):
    caller = rest(carol)
    caller.get("/me").ok()
    assert rest(adam).patch(f"/people/{carol.pk}", {"disabled": True}).ok()["disabled"] is True
    caller.get("/me").refused(401, "invalid_token")
    basic("carol").post("/tokens", {"name": "x"}).refused(401)
    rest(adam).patch(f"/people/{carol.pk}", {"disabled": False}).ok()
    caller.get("/me").ok()
    PersonalToken.objects.filter(person=carol).update(expires_at=timezone.now() - timedelta(seconds=1))
    caller.get("/me").refused(401, "invalid_token")


def test_a_token_revokes_itself_and_what_allows_no_more(rest, carol, sam):
    narrow, wide = rest(carol, ["api:read"]), rest(carol)
    ids = {tuple(row["scopes"]): row["id"] for row in wide.get("/tokens").ok()["results"]}
    answer = narrow.delete(f"/tokens/{ids['api:read', 'api:create']}")
    answer.refused(403, "insufficient_scope")
    rest(sam).delete(f"/tokens/{ids[('api:read',)]}").refused(404)
    narrow.delete(f"/tokens/{ids[('api:read',)]}").ok(204)
    narrow.get("/me").refused(401)
    wide.delete(f"/tokens/{ids['api:read', 'api:create']}").ok(204)
    wide.get("/me").refused(401)


def test_scopes_narrow_what_roles_allow(rest, adam, paul, chat):
    reader = rest(paul, ["api:read"])
    reader.get("/apis").ok()
    answer = reader.patch(f"/apis/{chat.pk}", {"description": "x"})
    answer.refused(403, "insufficient_scope")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wsportal", error="insufficient_scope"'
    reader.post(f"/apis/{chat.pk}/transitions", {"action": "block"}).refused(403, "insufficient_scope")
    creator = rest(paul, ["api:create"])
    creator.patch(f"/apis/{chat.pk}", {"description": "x"}).ok()
    creator.post(f"/apis/{chat.pk}/transitions", {"action": "block"}).refused(403, "insufficient_scope")
    rest(paul, ["api:publish"]).post(f"/apis/{chat.pk}/transitions", {"action": "block"}).ok()
    rest(adam, ["api:read"]).get("/people").refused(403, "insufficient_scope")
    rest(adam, ["admin"]).get("/people").ok()


def test_a_token_that_is_too_narrow_is_told_so(rest, sam, pia, phone, subscription):
    narrow = rest(sam, ["app:manage"])
    assert narrow.get("/applications").ok()["count"] == narrow.get("/subscriptions").ok()["count"] == 1
    assert rest(pia).get("/applications").ok()["count"] == 0
    sam.roles = ["subscriber", "creator"]
    sam.save()
    reader = rest(sam, ["api:read"])
    for path in ("/applications", f"/applications/{phone.pk}", f"/applications/{phone.pk}/keys"):
        reader.get(path).refused(403, "insufficient_scope")
    reader.get("/subscriptions").ok()


def test_a_role_taken_away_is_taken_from_tokens_too(rest, adam, carol):
    caller = rest(carol)
    rest(adam).patch(f"/people/{carol.pk}", {"roles": ["subscriber"]}).ok()
    caller.post("/apis", {"name": "a", "context": "a", "version": "1"}).refused(403)
    assert caller.get("/me").ok()["scopes"] == []


def test_adam_makes_and_changes_people(rest, adam):
    caller = rest(adam)
    body = {"username": "nina", "password": "plays the oboe", "email": "nina@example.com", "roles": ["creator"]}
    answer = caller.post("/people", body)
    nina = answer.ok(201)
    assert (nina["username"], nina["roles"], nina["disabled"]) == ("nina", ["creator"], False)
    assert "password" not in nina
    basic("nina", "plays the oboe").post("/tokens", {"name": "x"}).ok(201)
    where = f"/people/{nina['id']}"
    assert answer.headers["Location"] == "/api/v1" + where
    assert caller.patch(where, {"roles": ["publisher", "creator"]}).ok()["roles"] == ["creator", "publisher"]
    caller.post(where + "/set-password", {"password": "plays the harp"}).ok(204)
    basic("nina", "plays the oboe").post("/tokens", {"name": "x"}).refused(401)
    basic("nina", "plays the harp").post("/tokens", {"name": "x"}).ok(201)
    assert caller.get("/people?search=NIN").ok()["count"] == 1
    assert caller.get(where).ok()["email"] == "nina@example.com"


def test_bad_people_are_refused_field_by_field(rest, adam):
    caller = rest(adam)
    body = {"username": "a b", "password": "1234", "email": "not one", "roles": ["king"]}
    assert caller.post("/people", body).refused(400).keys() == {f"#/{name}" for name in body}
    assert caller.post("/people", {"username": "x" * 151}).refused(400).keys() == {"#/username"}
    assert caller.post("/people", {"username": "x", "email": "x@" + "y" * 250 + ".org"}).refused(400).keys() == {
        "#/email"
    }
    assert caller.post("/people", {"username": "ADAM"}).refused(409).keys() == {"#/username"}
    assert caller.get("/people").ok()["count"] == 7


def test_adam_cannot_lock_himself_out(rest, adam):
    for change in ({"roles": []}, {"disabled": True}):
        rest(adam).patch(f"/people/{adam.pk}", change).refused(409, "own_access")
    rest(adam).get("/people").ok()


@pytest.mark.parametrize("name", ["carol", "pia", "sam", "vic"])
def test_nobody_else_sees_or_makes_people(rest, people, name):
    caller, where = rest(people[name]), f"/people/{people['adam'].pk}"
    caller.get("/people").refused(403)
    caller.post("/people", {}).refused(403)
    caller.get(where).refused(403)
    caller.patch(where, {"roles": []}).refused(403)
    caller.post(where + "/set-password", {"password": "plays the oboe"}).refused(403)
    own = f"/people/{people[name].pk}"
    caller.post(own + "/set-password", {"password": "plays the oboe"}).refused(403)
    assert caller.get("/me").ok()["username"] == name


def test_a_session_works_with_the_csrf_token_and_not_without(carol):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(carol, "django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/me").json()["username"] == "carol"
    body = {"name": "A", "context": "/a", "version": "1"}
    refused = client.post("/api/v1/apis", body, content_type="application/json")
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")
    client.get("/login")  # sets no cookie for somebody signed in; the token comes from a page with a form
    token = "a" * 32
    client.cookies["wsportal_csrf"] = token
    accepted = client.post("/api/v1/apis", body, content_type="application/json", headers={"X-CSRFToken": token})
    assert accepted.status_code == 201
    carol.is_active = False
    carol.save()
    assert client.get("/api/v1/me").status_code == 401
