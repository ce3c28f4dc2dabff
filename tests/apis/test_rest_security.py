"""/apis/{id}/security and /test-key, /applications/{id}/api-keys: who may, and what is answered."""

from __future__ import annotations

from typing import Any

import pytest

from apis.models import Api, Application, Person
from apis.shapes_security import DEFAULT_SECURITY

SETTINGS = {"schemes": ["api_key"], "origins": ["https://app.example.com"], "query_credentials": True}


def test_security_is_read_by_who_sees_the_design_and_written_by_who_makes_it(
    rest: Any, people: dict[str, Person], chat: Api
) -> None:
    where = f"/apis/{chat.pk}/security"
    for name in ("carol", "pia", "paul", "adam"):
        assert rest(people[name]).get(where).ok() == DEFAULT_SECURITY
    for name in ("carol", "paul", "adam"):
        assert rest(people[name]).put(where, SETTINGS).ok() == {**DEFAULT_SECURITY, **SETTINGS}
    assert rest(people["paul"]).put(where, {}).ok() == DEFAULT_SECURITY
    rest(people["pia"]).put(where, SETTINGS).refused(403)
    for name in ("sam", "vic"):
        rest(people[name]).get(where).refused(403)
        rest(people[name]).put(where, SETTINGS).refused(403)
    rest().get(where).refused(401)


def test_each_bad_setting_is_named(rest: Any, paul: Person, chat: Api) -> None:
    bad = {"schemes": [], "origins": ["*"], "mask": ["x"], "backend_jwt": "yes", "extra": 1}
    refused = rest(paul).put(f"/apis/{chat.pk}/security", bad).refused(400)
    assert refused.keys() == {f"#/{name}" for name in bad}
    unknown = rest(paul).put(f"/apis/{chat.pk}/security", {"key_managers": ["Nowhere"]}).refused(400)
    assert unknown == {"#/key_managers": "There is no key manager named 'Nowhere'."}


@pytest.mark.parametrize("name", ["carol", "pia", "paul", "adam"])
def test_who_makes_apis_gets_a_test_key(rest: Any, people: dict[str, Person], chat: Api, name: str) -> None:
    made = rest(people[name]).post(f"/apis/{chat.pk}/test-key", {"key_type": "sandbox"}).ok(201)
    assert (made.pop("api_key")[:4], made) == ("wst_", {"key_type": "sandbox", "expires_in": 3600})


@pytest.mark.parametrize("name", ["sam", "vic"])
def test_nobody_else_gets_one(rest: Any, people: dict[str, Person], chat: Api, name: str) -> None:
    rest(people[name]).post(f"/apis/{chat.pk}/test-key", {}).refused(403)


def test_a_token_that_only_reads_makes_no_test_key(rest: Any, paul: Person, chat: Api) -> None:
    rest(paul, scopes=["api:read"]).post(f"/apis/{chat.pk}/test-key", {}).refused(403)


def test_sam_makes_lists_and_revokes_api_keys(rest: Any, sam: Person, phone: Application) -> None:
    where = f"/applications/{phone.pk}/api-keys"
    wish = {"key_type": "production", "expires_in": 60, "permitted_ips": ["192.0.2.1"], "permitted_referers": []}
    made = rest(sam).post(where, wish).ok(201)
    key = made.pop("api_key")
    assert key.startswith("wsk_")
    listed = rest(sam).get(where).ok()
    assert listed["results"] == [made]
    assert (made["state"], made["hint"], made["last_used_at"]) == ("active", key[-4:], None)
    assert key not in str(listed)
    rest(sam).delete(f"{where}/{made['id']}").ok(204)
    assert rest(sam).get(where).ok()["results"][0]["state"] == "revoked"
    rest(sam).delete(f"{where}/{made['id']}").refused(409)


def test_keys_of_somebody_elses_application_are_not_there(
    rest: Any, people: dict[str, Person], phone: Application
) -> None:
    where = f"/applications/{phone.pk}/api-keys"
    made = rest(people["sam"]).post(where, {"key_type": "sandbox"}).ok(201)
    for name in ("eve", "paul"):
        caller = rest(people[name])
        for answer in (
            caller.get(where),
            caller.post(where, {"key_type": "sandbox"}),
            caller.delete(f"{where}/{made['id']}"),
        ):
            assert answer.status in {403, 404}, name
    assert rest(people["adam"]).get(where).ok()["count"] == 1


def test_each_bad_wish_is_named(rest: Any, sam: Person, phone: Application) -> None:
    wish = {"key_type": "staging", "expires_in": 0, "permitted_ips": ["home"], "permitted_referers": ["a b"]}
    refused = rest(sam).post(f"/applications/{phone.pk}/api-keys", wish).refused(400)
    assert refused.keys() == {"#/key_type", "#/expires_in", "#/permitted_ips/0", "#/permitted_referers/0"}
