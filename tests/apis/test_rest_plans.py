"""Plans over REST: adam writes them, those who make APIs read the plans of APIs, and everybody what is on offer."""

from __future__ import annotations

from typing import Any

import pytest

EVENTS = {"kind": "events", "amount": 10, "per": "minute"}
FULL_EVENTS = {**EVENTS, "direction": "both"}
API_PLAN = {
    "name": "Office first",
    "limits": [EVENTS],
    "groups": [{"name": "office", "conditions": [{"type": "ip", "value": "10.0.0.0/8"}], "limits": []}],
}
CUSTOM = {"name": "Each", "key": "{user}:{api}", "limits": [EVENTS]}
BUSINESS: dict[str, Any] = {
    "name": "Pro",
    "description": "",
    "limits": [FULL_EVENTS],
    "burst": {"amount": 3, "per": "second"},
    "max_sessions": 2,
    "max_session_s": 60,
    "max_message_bytes": 125,
    "on_spent": "drop",
    "notice": True,
    "warn_at": 80,
    "stop_on_quota": False,
    "subscriptionless": False,
    "billing": "commercial",
    "price": "9.90",
    "currency": "EUR",
    "cycle": "month",
    "unit_price": "0.500000",
    "unit_events": 1000,
    "attributes": {"tier": "pro"},
    "permission": {"mode": "allow", "roles": ["subscriber"]},
}


def test_a_business_plan_answers_all_that_it_was_given(rest, adam, sam):
    made = rest(adam).post("/business-plans", BUSINESS)
    assert made.status == 201
    assert {name: made.body[name] for name in BUSINESS} == BUSINESS
    assert rest(sam).get(f"/business-plans/{made.body['id']}").body == made.body
    changed = rest(adam).patch(f"/business-plans/{made.body['id']}", {"price": 12, "unit_price": None})
    assert (changed.body["price"], changed.body["unit_price"]) == ("12.00", None)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"warn_at": 0}, "#/warn_at"),
        ({"price": "1.234"}, "#/price"),
        ({"currency": "Euro"}, "#/currency"),
        ({"cycle": "day"}, "#/cycle"),
        ({"billing": "paid"}, "#/billing"),
        ({"price": None, "unit_price": None}, "#/price"),
        ({"attributes": {"iss": "x"}}, "#/attributes/iss"),
        ({"permission": {"mode": "allow", "roles": ["king"]}}, "#/permission/roles"),
        ({"limits": [{**EVENTS, "kind": "seconds", "direction": "in"}]}, "#/limits/0/direction"),
    ],
)
def test_a_bad_business_plan_names_the_field(rest, adam, change, pointer):
    answer = rest(adam).post("/business-plans", {**BUSINESS, **change})
    assert (answer.status, [row["pointer"] for row in answer.body["errors"]]) == (400, [pointer])


def test_an_api_plan_is_made_read_changed_and_deleted(rest, adam, paul, carol, sam, chat):
    made = rest(adam).post("/api-plans", API_PLAN)
    assert (made.status, made.headers["Location"]) == (201, f"/api/v1/api-plans/{made.body['id']}")
    path = f"/api-plans/{made.body['id']}"
    assert made.body["groups"][0]["conditions"] == [
        {"type": "ip", "name": "", "value": "10.0.0.0/8", "invert": False},
    ]
    assert rest(carol).get(path).body == made.body
    assert [row["name"] for row in rest(paul).get("/api-plans").body["results"]] == ["Office first"]
    assert rest(sam).get("/api-plans").status == rest(sam).get(path).status == 403
    assert rest(paul).patch(path, {"limits": []}).status == rest(paul).delete(path).status == 403
    assert rest(adam).patch(path, {"limits": []}).body["limits"] == []
    assert rest(adam).patch(path, {"name": "New"}).body["errors"][0]["pointer"] == "#/name"
    wrong = rest(adam).patch(path, {"groups": [{"name": "x", "conditions": [{"type": "ip", "value": "x"}]}]})
    assert wrong.body["errors"][0]["pointer"] == "#/groups/0/conditions/0/value"
    assert rest(paul).patch(f"/apis/{chat.pk}", {"api_plan": "Office first"}).body["api_plan"] == "Office first"
    refused = rest(adam).delete(path)
    assert (refused.status, refused.body["code"]) == (409, "in_use")
    assert rest(sam).get(f"/apis/{chat.pk}").body["api_plan"] is None  # not theirs to see
    assert rest(paul).patch(f"/apis/{chat.pk}", {"api_plan": "Loud"}).body["errors"][0]["pointer"] == "#/api_plan"
    assert rest(paul).patch(f"/apis/{chat.pk}", {"api_plan": None}).body["api_plan"] is None
    assert rest(adam).delete(path).status == 204
    assert rest(adam).get(path).status == 404


def test_a_topic_takes_an_api_plan(rest, adam, carol, chat):
    rest(adam).post("/api-plans", API_PLAN)
    answer = rest(carol).put(f"/apis/{chat.pk}/topics", {"topics": [{"name": "/a", "api_plan": "Office first"}]})
    assert answer.status == 200, answer.body
    assert rest(carol).get(f"/apis/{chat.pk}/topics").body["results"][0]["api_plan"] == "Office first"
    wrong = rest(carol).put(f"/apis/{chat.pk}/topics", {"topics": [{"name": "/a", "api_plan": "Loud"}]})
    assert wrong.body["errors"][0]["pointer"] == "#/topics/0/api_plan"


def test_custom_plans_are_for_administrators_only(rest, adam, paul, sam):
    made = rest(adam).post("/custom-plans", CUSTOM)
    assert (made.status, made.body["enabled"]) == (201, True)
    path = f"/custom-plans/{made.body['id']}"
    for person in (paul, sam):
        assert rest(person).get("/custom-plans").status == rest(person).get(path).status == 403
        assert rest(person).post("/custom-plans", {**CUSTOM, "name": "Mine"}).status == 403
        assert rest(person).patch(path, {"enabled": False}).status == rest(person).delete(path).status == 403
    assert rest(adam).patch(path, {"enabled": False, "key": "{ip}"}).body["key"] == "{ip}"
    assert rest(adam).patch(path, {"key": "user"}).body["errors"][0]["pointer"] == "#/key"
    assert [row["name"] for row in rest(adam).get("/custom-plans").body["results"]] == ["Each"]
    assert rest(adam).post("/custom-plans", CUSTOM).status == 409
    assert rest(adam).delete(path).status == 204


def test_who_may_not_have_a_plan_is_told_so(rest, adam, sam, chat, phone):
    bronze = next(row for row in rest(adam).get("/business-plans").body["results"] if row["name"] == "Bronze")
    rest(adam).patch(f"/business-plans/{bronze['id']}", {"permission": {"mode": "deny", "roles": ["subscriber"]}})
    body = {"api": str(chat.pk), "application": str(phone.pk), "business_plan": "Bronze"}
    refused = rest(sam).post("/subscriptions", body)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (400, "#/business_plan")
    made = rest(sam).post("/subscriptions", {**body, "business_plan": "Unlimited"})
    assert made.status == 201
    assert rest(sam).patch(f"/subscriptions/{made.body['id']}", {"business_plan": "Bronze"}).status == 400
