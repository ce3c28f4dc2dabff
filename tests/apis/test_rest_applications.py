"""sam's applications, keys, tokens and subscriptions through REST; eve gets at none of them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from oauth2_provider.models import AccessToken
from oauth2_provider.models import Application as OAuthClient

from apis.models import Application, Subscription
from apis.services import designs, publishing
from tests.conftest import CHAT


def stored(text: str) -> list[str]:
    """The tables of the database in which `text` stands."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            if text in repr(cursor.fetchall()):
                found.append(table)
    return found


def test_sam_makes_changes_and_deletes_an_application(rest, sam):
    caller = rest(sam)
    answer = caller.post("/applications", {"name": "Phone", "plan": "50PerMin", "description": "Mine."})
    made = answer.ok(201)
    where = f"/applications/{made['id']}"
    assert answer.headers["Location"] == "/api/v1" + where
    assert (made["name"], made["plan"], made["owner"], made["subscriptions"]) == ("Phone", "50PerMin", "sam", 0)
    assert caller.patch(where, {"name": "Tablet"}).ok()["name"] == "Tablet"
    assert caller.get("/applications?search=tab").ok()["count"] == 1
    assert caller.get("/applications?search=phone").ok()["count"] == 0
    caller.delete(where).ok(204)
    caller.get(where).refused(404)


def test_bad_applications_are_refused(rest, sam):
    caller = rest(sam)
    assert caller.post("/applications", {"name": " Phone"}).refused(400).keys() == {"#/name"}
    assert caller.post("/applications", {"name": "Phone", "plan": "Lead"}).refused(400).keys() == {"#/plan"}
    caller.post("/applications", {"name": "Phone"}).ok(201)
    assert caller.post("/applications", {"name": "Phone"}).refused(409).keys() == {"#/name"}


@pytest.mark.parametrize("name", ["carol", "pia", "vic"])
def test_applications_need_the_subscriber_role(rest, people, name):
    rest(people[name]).post("/applications", {"name": "Phone"}).refused(403)
    assert rest(people[name]).get("/applications").ok()["count"] == 0


def test_eve_sees_nothing_of_sams(rest, eve, phone, subscription):
    caller, where = rest(eve), f"/applications/{phone.pk}"
    assert caller.get("/applications").ok()["count"] == caller.get("/subscriptions").ok()["count"] == 0
    for method, path, body in (
        ("get", where, None), ("patch", where, {"name": "x"}), ("delete", where, None),
        ("get", where + "/keys", None), ("post", where + "/keys", {"key_type": "production"}),
        ("post", where + "/generate-token", {"key_type": "production"}),
        ("post", where + "/keys/production/regenerate-secret", None),
        ("get", f"/subscriptions/{subscription.pk}", None), ("delete", f"/subscriptions/{subscription.pk}", None),
        ("patch", f"/subscriptions/{subscription.pk}", {"business_plan": "Unlimited"}),
        ("post", f"/subscriptions/{subscription.pk}/block", {"what": "all"}),
    ):  # fmt: skip
        caller.send(method, path, body).refused(404)
    assert Application.objects.get() == phone
    assert Subscription.objects.get().state == "unblocked"


def test_keys_show_their_secret_once_and_keep_a_hash(rest, sam, phone):
    caller, where = rest(sam), f"/applications/{phone.pk}/keys"
    keys = caller.post(where, {"key_type": "production"}).ok(201)
    assert OAuthClient.objects.get(client_id=keys["consumer_key"]).client_type == "confidential"
    assert stored(keys["consumer_secret"]) == []
    listed = caller.get(where).ok()["results"]
    assert listed[0]["grant_types"] == ["client_credentials"]
    assert "consumer_secret" not in listed[0]
    caller.post(where, {"key_type": "production"}).refused(409, "keys_exist")
    fresh = caller.post(where + "/production/regenerate-secret").ok()
    assert fresh["consumer_key"] == keys["consumer_key"]
    assert fresh["consumer_secret"] != keys["consumer_secret"]
    assert stored(fresh["consumer_secret"]) == []
    caller.post(where + "/sandbox/regenerate-secret").refused(404)


def test_keys_for_authorization_code_need_good_redirect_uris(rest, sam, phone):
    caller, where = rest(sam), f"/applications/{phone.pk}/keys"
    body = {"key_type": "production", "grant_types": ["authorization_code"]}
    assert caller.post(where, body).refused(400).keys() == {"#/redirect_uris"}
    for uri in (
        "http://evil.example",
        "javascript:alert(1)",
        "https://x#a",
        "x",
        "https://a b",
        "https://",
        "https://x;y",
    ):
        refused = caller.post(where, {**body, "redirect_uris": [uri]}).refused(400)
        assert refused.keys() == {"#/redirect_uris/0"}, uri
    assert caller.post(where, {**body, "grant_types": ["password"]}).refused(400).keys() >= {"#/grant_types"}
    assert caller.post(where, {**body, "key_type": "both"}).refused(400).keys() >= {"#/key_type"}
    caller.post(where, {**body, "redirect_uris": ["https://phone.example.com/back"]}).ok(201)
    changed = caller.patch(where + "/production", {"redirect_uris": ["http://localhost:5000/back"]}).ok()
    assert changed["redirect_uris"] == ["http://localhost:5000/back"]
    assert changed["grant_types"] == ["authorization_code"]


def test_sam_generates_a_token_that_rest_does_not_take(rest, sam, phone):
    token = rest(sam).post(f"/applications/{phone.pk}/generate-token", {"key_type": "sandbox"}).ok(201)
    assert token["expires_in"] == 3600
    assert stored(token["access_token"]) == []
    caller = rest()
    caller.headers["Authorization"] = f"Bearer {token['access_token']}"
    caller.get("/apis").refused(403, "insufficient_scope")
    AccessToken.objects.all().delete()
    caller.get("/apis").refused(401, "invalid_token")


def test_sam_subscribes_by_id(rest, sam, phone, chat):
    caller = rest(sam)
    body = {"api": str(chat.pk), "application": str(phone.pk), "business_plan": "Bronze"}
    answer = caller.post("/subscriptions", body)
    made = answer.ok(201)
    where = f"/subscriptions/{made['id']}"
    assert answer.headers["Location"] == "/api/v1" + where
    assert made["state"] == "unblocked"
    assert {key: made[key] for key in body} == body
    assert caller.post("/subscriptions", body).refused(409).keys() == {"#/application"}
    assert caller.patch(where, {"business_plan": "Unlimited"}).ok()["business_plan"] == "Unlimited"
    assert caller.patch(where, {"business_plan": "Gold"}).refused(400).keys() == {"#/business_plan"}
    assert caller.get(f"/subscriptions?api={chat.pk}&application={phone.pk}&state=unblocked").ok()["count"] == 1
    assert caller.get(f"/subscriptions?api={uuid4()}").ok()["count"] == 0
    assert caller.get("/subscriptions?api=x&state=odd").refused(400)
    caller.delete(where).ok(204)
    assert caller.get("/subscriptions").ok()["count"] == 0


def test_what_cannot_be_subscribed_to_is_told(rest, people, actor, phone, chat):
    draft = designs.api_create(actor=actor(people["carol"]), name="Draft", context="/draft", version="1")
    caller = rest(people["sam"])
    body = {"api": str(chat.pk), "application": str(phone.pk), "business_plan": "Bronze"}
    for wrong in (str(draft.pk), str(uuid4()), "x", 7, None, [str(chat.pk)]):
        assert caller.post("/subscriptions", {**body, "api": wrong}).refused(400).keys() == {"#/api"}
    assert rest(people["eve"]).post("/subscriptions", body).refused(400).keys() == {"#/application"}
    rest(people["carol"]).post("/subscriptions", body).refused(403)
    assert caller.post("/subscriptions", {**body, "business_plan": "Gold"}).refused(400).keys() == {"#/business_plan"}
    publishing.api_transition(actor=actor(people["paul"]), api=chat, action="deprecate")
    caller.post("/subscriptions", body).refused(409, "not_subscribable")
    assert not Subscription.objects.exists()


def test_pia_blocks_unblocks_moves_and_removes(rest, people, subscription):
    pia, where = rest(people["pia"]), f"/subscriptions/{subscription.pk}"
    assert pia.post(where + "/block", {"what": "production"}).ok()["state"] == "production_blocked"
    assert pia.post(where + "/block").ok()["state"] == "blocked"
    assert pia.post(where + "/unblock").ok()["state"] == "unblocked"
    assert pia.post(where + "/block", {"what": "half"}).refused(400).keys() == {"#/what"}
    assert pia.patch(where, {"business_plan": "Unlimited"}).ok()["business_plan"] == "Unlimited"
    for name in ("sam", "carol"):
        rest(people[name]).post(where + "/block").refused(403)
    rest(people["carol"]).patch(where, {"business_plan": "Bronze"}).refused(403)
    rest(people["carol"]).delete(where).refused(403)
    assert rest(people["pia"], ["api:publish"]).post(where + "/block").refused(403) == {}
    assert rest(people["pia"], ["subscription:manage"]).post(where + "/block").ok()["state"] == "blocked"
    pia.delete(where).ok(204)


def test_adam_sees_everybodys(rest, adam, phone, subscription):
    assert rest(adam).get("/applications").ok()["results"][0]["owner"] == "sam"
    assert rest(adam).get(f"/subscriptions/{subscription.pk}").ok()["owner"] == "sam"
    rest(adam).delete(f"/applications/{phone.pk}").ok(204)
    assert not Subscription.objects.exists()


def test_plans_are_read_by_all_and_written_by_adam(rest, people, chat):
    for name in people:
        assert rest(people[name]).get("/business-plans").ok()["count"] == 9
        assert rest(people[name]).get("/application-plans").ok()["count"] == 4
        assert rest(people[name]).get("/environments").ok()["results"][0]["urls"] == [
            "ws://localhost:9099", "wss://localhost:8099",
        ]  # fmt: skip
    plan = {
        "name": "Copper", "limits": [{"kind": "events", "amount": 5, "per": "minute"}], "max_sessions": 2,
        "burst": {"amount": 1, "per": "second"}, "on_spent": "hold", "stop_on_quota": False, "description": "Cheap.",
    }  # fmt: skip
    for name in people.keys() - {"adam"}:
        rest(people[name]).post("/business-plans", plan).refused(403)
        rest(people[name]).post("/application-plans", {"name": "x"}).refused(403)
    caller = rest(people["adam"])
    answer = caller.post("/business-plans", plan)
    made = answer.ok(201)
    where = f"/business-plans/{made['id']}"
    assert answer.headers["Location"] == "/api/v1" + where
    assert made == {
        **plan, "id": made["id"], "max_session_s": None, "max_message_bytes": None, "subscriptionless": False,
        "approval": False,
        "limits": [{"kind": "events", "amount": 5, "per": "minute", "direction": "both"}],
        "notice": False, "warn_at": None, "attributes": {}, "permission": {"mode": "none", "roles": []},
        "billing": "free", "price": None, "currency": "EUR", "cycle": "month", "unit_price": None, "unit_events": 1000,
    }  # fmt: skip
    assert caller.post("/business-plans", plan).refused(409).keys() == {"#/name"}
    assert caller.patch(where, {"limits": [], "burst": None}).ok()["limits"] == []
    caller.delete(where).ok(204)
    caller.get(where).refused(404)
    bronze = chat.business_plans.get(name="Bronze")
    caller.delete(f"/business-plans/{bronze.pk}").refused(409, "in_use")
    rest(people["sam"]).patch(f"/business-plans/{bronze.pk}", {"limits": []}).refused(403)
    rest(people["sam"]).delete(f"/business-plans/{bronze.pk}").refused(403)
    small = caller.post("/application-plans", {"name": "5PerMin", "limits": plan["limits"]}).ok(201)
    assert caller.patch(f"/application-plans/{small['id']}", {"description": "Few."}).ok()["description"] == "Few."
    caller.delete(f"/application-plans/{small['id']}").ok(204)


def test_every_problem_of_a_plan_is_pointed_at(rest, adam):
    bad = {
        "name": "", "limits": [{"kind": "smiles", "amount": 0, "per": "blink", "x": 1}, 7], "burst": {"amount": 1},
        "max_sessions": "2", "max_session_s": True, "max_message_bytes": 10**30, "on_spent": [], "stop_on_quota": 1,
    }  # fmt: skip
    assert rest(adam).post("/business-plans", bad).refused(400).keys() == {
        "#/name", "#/limits/0/kind", "#/limits/0/amount", "#/limits/0/per", "#/limits/0/x", "#/limits/1", "#/burst",
        "#/max_sessions", "#/max_session_s", "#/max_message_bytes", "#/on_spent", "#/stop_on_quota",
    }  # fmt: skip


def test_a_published_api_from_nothing_to_token(rest, people):
    """What automation does: publish, subscribe by id, get keys, get a token."""
    api = rest(people["paul"]).post("/apis?publish=true", CHAT).ok(201)
    sam = rest(people["sam"])
    found = sam.get("/apis?search=chat").ok()["results"][0]
    assert found["id"] == api["id"]
    application = sam.post("/applications", {"name": "Phone"}).ok(201)
    body = {"api": found["id"], "application": application["id"], "business_plan": found["business_plans"][0]}
    sam.post("/subscriptions", body).ok(201)
    where = f"/applications/{application['id']}"
    assert sam.get(where).ok()["subscriptions"] == 1
    sam.post(where + "/keys", {"key_type": "production"}).ok(201)
    sam.post(where + "/generate-token", {"key_type": "production"}).ok(201)
