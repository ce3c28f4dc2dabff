"""Samples and checks over REST."""

from __future__ import annotations

from collections.abc import Callable

from apis.checking.words import RULES
from apis.models import Api, Person
from apis.services import samples
from tests.apis.conftest import Rest
from tests.apis.world import everything

Caller = Callable[..., Rest]


def test_carol_sees_what_each_sample_holds_and_under_which_name_it_is_free(rest: Caller, carol: Person) -> None:
    rows = {row["name"]: row for row in rest(carol).get("/samples").ok()["results"]}
    assert list(rows) == ["echo", "ticker", "chat", "feed"]
    chat = rows["chat"]
    assert chat["topics"] == ["/rooms/{roomID}", "/lobby"]
    assert chat["scopes"] == ["read", "write"]
    assert chat["endpoints"]["production"] == "ws://localhost:9998"
    assert chat["proposal"] == {"name": "Chat rooms", "context": "/chat", "version": "1.0.0"}


def test_carol_makes_the_api_of_a_sample_twice(rest: Caller, carol: Person) -> None:
    api = rest(carol).post("/samples/feed").ok(201)
    assert (api["name"], api["state"], api["business_plans"]) == ("Feed", "created", ["AsyncBronze", "AsyncUnlimited"])
    again = rest(carol).post("/samples/feed", {"version": "2.0.0"}).ok(201)
    assert (again["name"], again["context"], again["version"]) == ("Feed 2", "/feed-2", "2.0.0")
    topics = rest(carol).get(f"/apis/{again['id']}/topics").ok()["results"]
    assert [(topic["name"], topic["publish"]) for topic in topics] == [("/*", False)]


def test_a_name_that_is_taken_is_named(rest: Caller, carol: Person, chat: Api) -> None:
    caller = rest(carol)
    before = everything()
    refused = caller.post("/samples/feed", {"name": "Chat", "context": "/chat"})
    assert refused.refused(409, "already_exists") == {
        "#/name": "Name Chat already exists.", "#/context": "/chat context already exists."
    }  # fmt: skip
    assert everything() == before


def test_who_may_not_design_makes_none_and_who_sees_no_designs_sees_none(
    rest: Caller, pia: Person, sam: Person, vic: Person
) -> None:
    assert rest(pia).get("/samples").ok()["count"] == len(samples.SAMPLES)
    rest(pia).post("/samples/echo").refused(403, "forbidden")
    for person in (sam, vic):
        rest(person).get("/samples").refused(403, "forbidden")
        rest(person).post("/samples/echo").refused(403, "forbidden")
    rest().get("/samples").refused(401)
    rest(pia, ["api:read"]).post("/samples/echo").refused(403)


def test_there_is_no_sample_of_another_name(rest: Caller, carol: Person) -> None:
    rest(carol).post("/samples/nothing").refused(404, "not_found")


def test_checks_say_what_is_missing_and_transitions_name_its_fields(rest: Caller, paul: Person, draft: Api) -> None:
    rows = rest(paul).get(f"/apis/{draft.pk}/checks").ok()["results"]
    errors = [(row["code"], row["field"]) for row in rows if row["level"] == "error"]
    assert errors == [("endpoint_missing", "endpoint"), ("business_plans_missing", "business_plans")]
    assert all(row["code"] in RULES for row in rows)
    ways = {row["action"]: row for row in rest(paul).get(f"/apis/{draft.pk}/transitions").ok()}
    assert ways["publish"]["missing"] == ["endpoint", "business_plans"]
    assert ways["prerelease"]["missing"] == ["endpoint"]
    refused = rest(paul).post(f"/apis/{draft.pk}/transitions", {"action": "publish"})
    refused.refused(409, "requirements_missing")
    assert refused.body["detail"] == "publish needs what is missing: endpoint, business_plans."


def test_warnings_never_stop_a_program(rest: Caller, paul: Person) -> None:
    api = rest(paul).post("/samples/echo").ok(201)
    rest(paul).patch(f"/apis/{api['id']}", {"business_plans": ["Unlimited"]}).ok()
    levels = [row["level"] for row in rest(paul).get(f"/apis/{api['id']}/checks").ok()["results"]]
    assert "warning" in levels
    assert rest(paul).post(f"/apis/{api['id']}/transitions", {"action": "publish"}).ok()["state"] == "published"


def test_checks_are_for_those_who_see_the_design(rest: Caller, sam: Person, pia: Person, chat: Api) -> None:
    rest(sam).get(f"/apis/{chat.pk}/checks").refused(403)
    rest().get(f"/apis/{chat.pk}/checks").refused(401)
    rest(pia).get(f"/apis/{chat.pk}/checks").ok()
    rest(pia).get("/apis/00000000-0000-0000-0000-000000000000/checks").refused(404)


def test_a_revision_says_where_it_is_deployed_since_when_and_by_whom(
    rest: Caller, paul: Person, sam: Person, chat: Api
) -> None:
    (place,) = rest(paul).get(f"/apis/{chat.pk}/revisions/1").ok()["deployments"]
    assert (place["environment"], place["revision"], place["deployed_by"]) == ("Default", 1, "paul")
    assert place["deployed_at"]
    (seen,) = rest(sam).get(f"/apis/{chat.pk}").ok()["deployments"]
    assert "deployed_by" not in seen
