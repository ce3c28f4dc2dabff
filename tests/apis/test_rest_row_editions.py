"""ETag and If-Match of everything that is no API: plans, roles, environments, applications, keys, people ..."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis.models import Application, Environment, Person, Subscription
from apis.permissions import Actor
from apis.services import keys, scopes
from tests.apis.world import everything

pytestmark = pytest.mark.django_db

# name -> the body that makes one (None: there is one), where, the first and the second change, the word of what changed
MADE: dict[str, tuple[str, dict[str, Any] | None, dict[str, Any], dict[str, Any], str]] = {
    "business plan": (
        "/business-plans", {"name": "Trial"}, {"description": "First"}, {"description": "Second"}, "description"
    ),
    "application plan": (
        "/application-plans", {"name": "Trial"}, {"description": "First"}, {"name": "Second"}, "description"
    ),
    "API plan": ("/api-plans", {"name": "Trial"}, {"description": "First"}, {"description": "Second"}, "description"),
    "custom plan": (
        "/custom-plans", {"name": "Trial", "key": "{user}", "limits": [{"kind": "events", "amount": 5, "per": "day"}]},
        {"enabled": False}, {"description": "Second"}, "enabled",
    ),
    "category": ("/api-categories", {"name": "Live"}, {"name": "First"}, {"name": "Second"}, "name"),
    "role": ("/roles", {"name": "partners"}, {"alias_of": "creator"}, {"description": "Second"}, "alias_of"),
    "environment": (
        "/environments", {"name": "Europe", "host": "eu.example.com", "wss_port": 443}, {"host": "europe.example.com"},
        {"description": "Second"}, "host",
    ),
    "key manager": (
        "/key-managers", {"name": "Corporate", "issuer": "https://login.example.com",
                          "jwks_url": "https://login.example.com/jwks"},
        {"client_claim": "client"}, {"description": "Second"}, "client_claim",
    ),
    "deny policy": ("/deny-policies", {"ip": "192.0.2.1"}, {"enabled": False}, {"description": "Second"}, "enabled"),
    "person": (
        "/people", {"username": "nina"}, {"email": "first@example.com"}, {"email": "second@example.com"}, "email"
    ),
    "shared scope": (
        "/scopes", {"name": "rooms:write"}, {"description": "First"}, {"description": "Second"}, "description"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MADE)
def test_who_is_slower_gets_412_with_what_was_changed_by_whom(rest: Any, adam: Person, kind: str) -> None:
    where, body, first, second, word = MADE[kind]
    caller = rest(adam)
    where = f"{where}/{caller.post(where, body).ok(201)['id']}"
    tag = caller.get(where).headers["ETag"]
    assert caller.get(where).headers["ETag"] == tag
    caller.patch(where, first, **{"If-Match": tag}).ok()
    before = everything()
    answer = caller.patch(where, second, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert [one["field"] for one in answer.body["changes"]] == [word]
    assert {one["who"] for one in answer.body["changes"]} == {"adam"}
    if kind != "person":
        caller.send("delete", where, **{"If-Match": tag}).refused(412, "changed_meanwhile")
    assert everything() == before
    caller.patch(where, second, **{"If-Match": caller.get(where).headers["ETag"]}).ok()
    caller.patch(where, first).ok()
    caller.patch(where, second, **{"If-Match": "*"}).ok()


def test_the_approval_rules_have_a_tag(rest: Any, adam: Person) -> None:
    caller = rest(adam)
    tag = caller.get("/approval-rules").headers["ETag"]
    caller.patch("/approval-rules", {"applications": True}, **{"If-Match": tag}).ok()
    answer = caller.patch("/approval-rules", {"transitions": ["retire"]}, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert [one["field"] for one in answer.body["changes"]] == ["applications"]


def test_applications_and_their_keys_are_told_to_their_owner(rest: Any, sam: Person, phone: Application) -> None:
    keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    caller, where = rest(sam), f"/applications/{phone.pk}"
    tag = caller.get(where).headers["ETag"]
    caller.patch(where, {"description": "First"}, **{"If-Match": tag}).ok()
    answer = caller.patch(where, {"description": "Second"}, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert [one["after"] for one in answer.body["changes"]] == ["First"]
    where = f"{where}/keys/production"
    tag = caller.get(where).headers["ETag"]
    both = ["client_credentials", "authorization_code"]
    change = {"grant_types": both, "redirect_uris": ["https://a.example/back"]}
    caller.patch(where, change, **{"If-Match": tag}).ok()
    answer = caller.patch(where, {"redirect_uris": ["https://b.example/back"]}, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert {one["field"] for one in answer.body["changes"]} == {"grant_types", "redirect_uris"}


def test_a_subscription_does_not_change_by_being_used_and_an_application_not_by_subscribing(
    rest: Any, sam: Person, pia: Person, phone: Application, subscription: Subscription
) -> None:
    caller, where = rest(sam), f"/subscriptions/{subscription.pk}"
    tag = caller.get(where).headers["ETag"]
    Subscription.objects.filter(pk=subscription.pk).update(last_used_at="2026-11-24T12:00:00Z")
    assert caller.get(where).headers["ETag"].split("-", 1)[1] == tag.split("-", 1)[1]
    rest(pia).patch(where, {"business_plan": "Unlimited"}, **{"If-Match": tag}).ok()
    answer = caller.patch(where, {"business_plan": "Bronze"}, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert [(one["who"], one["after"]) for one in answer.body["changes"]] == [("pia", "Unlimited")]


@pytest.mark.parametrize("who", ["sam", "eve", "vic"])
def test_who_may_only_read_is_told_that_it_changed_and_not_by_whom(
    rest: Any, people: dict[str, Person], who: str
) -> None:
    row = Environment.objects.get()
    where = f"/environments/{row.pk}"
    tag = rest(people[who]).get(where).headers["ETag"]
    rest(people["adam"]).patch(where, {"description": "First"}).ok()
    answer = rest(people[who]).patch(where, {"description": "x"}, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert answer.body["changes"] == []
    now = {"If-Match": rest(people[who]).get(where).headers["ETag"]}
    rest(people[who]).patch(where, {"description": "x"}, **now).refused(403)


def test_what_is_not_yours_to_see_is_not_there_whatever_the_tag(rest: Any, eve: Person, phone: Application) -> None:
    tag = {"If-Match": '"1-000000000000000000000000"'}
    rest(eve).patch(f"/applications/{phone.pk}", {"description": "x"}, **tag).refused(404)
    rest(eve).patch(f"/deny-policies/{phone.pk}", {"description": "x"}, **tag).refused(404)
    rest().patch(f"/applications/{phone.pk}", {"description": "x"}, **tag).refused(401)


def test_a_shared_scope_tells_creators_who_changed_it(rest: Any, carol: Person, paul: Person) -> None:
    row = scopes.scope_create(actor=Actor.of(carol), name="rooms:write")
    where = f"/scopes/{row.pk}"
    tag = rest(carol).get(where).headers["ETag"]
    rest(paul).patch(where, {"description": "First"}).ok()
    answer = rest(carol).patch(where, {"description": "Second"}, **{"If-Match": tag})
    answer.refused(412, "changed_meanwhile")
    assert [one["who"] for one in answer.body["changes"]] == ["paul"]


PLACES = (
    "business-plans/{plan_id}", "custom-plans/{plan_id}", "approval-rules", "applications/{application_id}",
    "people/{person_id}", "scopes/{scope_id}", "deny-policies/{policy_id}", "subscriptions/{subscription_id}",
    "applications/{application_id}/keys/{key_type}",
)  # fmt: skip


def test_the_schema_tells_of_tags_where_there_are_any(rest: Callable[..., Any]) -> None:
    paths = rest().get("/schema?format=json").body["paths"]
    for place in PLACES:
        found = paths[f"/api/v1/{place}"]
        assert "ETag" in found["get"]["responses"]["200"]["headers"], place
        assert "412" in found["patch"]["responses"], place
    assert "412" not in paths["/api/v1/business-plans"]["post"]["responses"]
    assert "headers" not in paths["/api/v1/business-plans"]["get"]["responses"]["200"]
