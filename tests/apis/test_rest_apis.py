"""Designing APIs through REST: carol creates, others look, and nobody does what is not theirs."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import shapes
from apis.models import Api, VersionSet
from apis.services import designs, publishing
from apis.shapes_topics import topic_of
from tests.conftest import CHAT


def test_carol_creates_an_api_and_gets_the_whole_object(rest, carol):
    answer = rest(carol).post("/apis", {**CHAT, "tags": ["talk"], "description": "Rooms."})
    api = answer.ok(201)
    assert api["state"] == "created"
    assert api["provider"] == "carol"
    assert api["path"] == "/chat/1.0.0"
    assert api["endpoint"] == CHAT["endpoint"]
    assert api["business_plans"] == ["Bronze", "Unlimited"]
    assert api["gateway_urls"] == ["ws://localhost:9099/chat/1.0.0", "wss://localhost:8099/chat/1.0.0"]
    assert api["deployments"] == []
    assert answer.headers["Location"] == f"/api/v1/apis/{api['id']}"
    assert rest(carol).get(f"/apis/{api['id']}").ok() == api


def test_a_name_a_context_and_a_version_are_enough(rest, carol):
    api = rest(carol).post("/apis", {"name": "Bare", "context": "bare", "version": "v1"}).ok(201)
    assert (api["context"], api["endpoint"], api["business_plans"]) == ("/bare", None, [])
    topics = rest(carol).get(f"/apis/{api['id']}/topics").ok()["results"]
    assert topics == [topic_of({"name": "/*"})]


@pytest.mark.parametrize("name", ["pia", "sam", "vic"])
def test_only_creators_create(rest, people, name):
    rest(people[name]).post("/apis", CHAT).refused(403, "forbidden")
    assert not Api.objects.exists()


def test_paul_creates_and_publishes_in_one_step(rest, paul):
    api = rest(paul).post("/apis?publish=true", CHAT).ok(201)
    assert api["state"] == "published"
    assert [(one["environment"], one["revision"]) for one in api["deployments"]] == [("Default", 1)]


@pytest.mark.parametrize("name", ["carol", "pia", "sam"])
def test_create_and_publish_needs_both_roles(rest, people, name):
    rest(people[name]).post("/apis?publish=true", CHAT).refused(403)
    assert not VersionSet.objects.exists()


def test_create_and_publish_does_nothing_when_something_is_missing(rest, paul):
    body = {key: value for key, value in CHAT.items() if key not in {"endpoint", "business_plans"}}
    errors = rest(paul).post("/apis?publish=true", body).refused(400, "invalid")
    assert errors.keys() == {"#/endpoint", "#/business_plans"}
    assert not VersionSet.objects.exists()


def test_publish_is_true_or_false(rest, paul):
    assert rest(paul).post("/apis?publish=perhaps", CHAT).refused(400).keys() == {"publish"}
    assert rest(paul).post("/apis?publish=false", CHAT).ok(201)["state"] == "created"


def test_a_taken_name_and_context_are_a_conflict_that_names_them(rest, carol):
    rest(carol).post("/apis", CHAT).ok(201)
    errors = rest(carol).post("/apis", {**CHAT, "version": "2.0.0"}).refused(409, "already_exists")
    assert errors.keys() == {"#/name", "#/context"}
    assert Api.objects.count() == 1


def test_every_wrong_field_is_named_at_once(rest, carol):
    body = {
        "name": " Chat", "context": "/a b", "version": "", "endpoint": "http://x",
        "tags": ["<b>"], "description": "\x07", "display_name": "a/b",
    }  # fmt: skip
    assert rest(carol).post("/apis", body).refused(400).keys() == {f"#/{name}" for name in body}


def test_an_unknown_plan_and_an_unknown_field_are_named(rest, carol):
    assert rest(carol).post("/apis", {**CHAT, "business_plans": ["Lead"]}).refused(400).keys() == {"#/business_plans"}
    assert rest(carol).post("/apis", {**CHAT, "colour": 1, "a/b~": 2}).refused(400).keys() == {"#/colour", "#/a~1b~0"}
    assert not Api.objects.exists()


def test_an_endpoint_that_must_not_be_dialled_is_refused_where_it_is_entered(rest, carol, settings):
    settings.ALLOWED_UPSTREAM_NETWORKS = ()
    for url in ("ws://127.0.0.1:9998", "ws://169.254.169.254/", "ws://user:pw@chat.example.com", "wss://x.example/#a"):
        assert "#/endpoint" in rest(carol).post("/apis", {**CHAT, "endpoint": url}).refused(400)
    rest(carol).post("/apis", {**CHAT, "endpoint": "wss://does-not-resolve.example"}).ok(201)


def test_everybody_who_designs_or_publishes_sees_every_api(rest, people, actor):
    api = designs.api_create(actor=actor(people["carol"]), **CHAT)
    for name in ("carol", "pia", "paul", "adam"):
        assert rest(people[name]).get("/apis").ok()["count"] == 1
        assert rest(people[name]).get(f"/apis/{api.pk}").ok()["endpoint"] == CHAT["endpoint"]


def test_sam_sees_what_is_on_offer_and_no_upstream_address(rest, people, actor, chat):
    designs.api_create(actor=actor(people["carol"]), name="Draft", context="/draft", version="1")
    for name in ("sam", "vic"):
        listed = rest(people[name]).get("/apis").ok()["results"]
        assert [api["name"] for api in listed] == ["Chat"]
        assert listed[0]["endpoint"] is None
    sam = rest(people["sam"])
    draft = Api.objects.get(version="1")
    sam.get(f"/apis/{draft.pk}").refused(404, "not_found")
    for below in ("endpoints/production", "revisions", "history", "transitions"):
        sam.get(f"/apis/{draft.pk}/{below}").refused(404)
        sam.get(f"/apis/{chat.pk}/{below}").refused(403)
    sam.patch(f"/apis/{chat.pk}", {"description": "mine"}).refused(403)
    sam.delete(f"/apis/{chat.pk}").refused(403)
    assert sam.get(f"/apis/{chat.pk}/versions").ok()["count"] == 1
    assert sam.get(f"/apis/{chat.pk}/topics").ok()["count"] == 1


def test_lists_are_searched_filtered_and_paged(rest, paul, actor):
    for number in range(1, 8):
        api = designs.api_create(
            actor=actor(paul), name=f"Feed {number}", context=f"/feed{number}", version="1.0.0",
            tags=["news", "Ünï"] if number % 2 else ["newsletter"], description="even" if number % 2 == 0 else "",
        )  # fmt: skip
    publishing_ready = {"endpoint": "wss://feed.example.com", "business_plans": ["Bronze"]}
    designs.api_update(actor=actor(paul), api=api, **publishing_ready)
    publishing.api_transition(actor=actor(paul), api=api, action="publish")
    get = rest(paul).get
    first = get("/apis?page_size=3").ok()
    assert (first["count"], len(first["results"]), first["previous"]) == (7, 3, None)
    last = get("/apis?page=3&page_size=3").ok()
    assert (len(last["results"]), last["next"]) == (1, None)
    assert get(first["next"].split("/api/v1")[1]).ok()["results"][0]["name"] == "Feed 4"
    assert get("/apis?tag=news").ok()["count"] == 4
    assert get("/apis?tag=%C3%9Cn%C3%AF").ok()["count"] == 4
    assert get("/apis?tag=new").ok()["count"] == 0
    assert get("/apis?search=EVEN").ok()["count"] == 3
    assert get("/apis?search=feed%202").ok()["count"] == 1
    assert get("/apis?state=published").ok()["count"] == 1
    assert get("/apis?state=created&tag=news&search=feed").ok()["count"] == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"), ("page=-1", "page"), ("page=x", "page"), ("page=1.5", "page"), ("page=", "page"),
        ("page=99999999999999999999", "page"), ("page=%D9%A1", "page"), ("page_size=0", "page_size"),
        ("page_size=101", "page_size"), ("state=gone", "state"), ("search=a%00b", "search"),
        ("tag=" + "x" * 300, "tag"),
    ],
)  # fmt: skip
def test_a_bad_query_is_named(rest, paul, query, field):
    assert rest(paul).get(f"/apis?{query}").refused(400).keys() == {field}


def test_a_page_behind_the_last_is_not_found(rest, paul):
    rest(paul).get("/apis?page=2").refused(404)


def test_a_long_list_takes_few_queries(rest, paul, actor):
    for number in range(1, 4):
        designs.api_create(actor=actor(paul), **{**CHAT, "name": f"C{number}", "context": f"/c{number}"})
    caller = rest(paul)
    with CaptureQueriesContext(
        connection,
    ) as few:
        caller.get("/apis").ok()
    for number in range(4, 20):
        publishing.api_create_and_publish(actor=actor(paul), **{**CHAT, "name": f"C{number}", "context": f"/c{number}"})
    with CaptureQueriesContext(connection) as many:
        assert len(caller.get("/apis").ok()["results"]) == 19
    assert len(many) == len(few) <= 10


def test_carol_changes_a_design_and_history_tells(rest, carol, actor):
    api = designs.api_create(actor=actor(carol), **CHAT)
    path = f"/apis/{api.pk}"
    changed = rest(carol).patch(path, {"description": "New.", "tags": ["a"], "version": "1.1.0"}).ok()
    assert (changed["description"], changed["tags"], changed["path"]) == ("New.", ["a"], "/chat/1.1.0")
    assert rest(carol).patch(path, {"endpoint": "ws://other.example.com"}).ok()["endpoint"] == "ws://other.example.com"
    entries = rest(carol).get(f"{path}/history").ok()["results"]
    assert [(one["actor"], one["action"]) for one in entries][-2:] == [("carol", "update"), ("carol", "create")]


def test_pia_changes_plans_of_an_api_but_not_its_design(rest, people, actor):
    api = designs.api_create(actor=actor(people["carol"]), **CHAT)
    pia = rest(people["pia"])
    assert pia.patch(f"/apis/{api.pk}", {"business_plans": ["Gold"]}).ok()["business_plans"] == ["Gold"]
    pia.patch(f"/apis/{api.pk}", {"description": "x"}).refused(403)
    pia.put(f"/apis/{api.pk}/endpoints/production", {"urls": [{"url": "ws://x.example"}]}).refused(403)
    pia.post(f"/apis/{api.pk}/versions", {"version": "2"}).refused(403)
    pia.delete(f"/apis/{api.pk}").refused(403)


def test_an_endpoint_is_configured_in_full_and_each_problem_is_pointed_at(rest, carol, actor):
    api = designs.api_create(actor=actor(carol), **CHAT)
    where = f"/apis/{api.pk}/endpoints/production"
    done = rest(carol).put(where, {"urls": [{"url": "ws://a.example"}], "timeouts": {"connect_ms": 50}}).ok()
    assert done["timeouts"] == {"connect_ms": 50, "handshake_ms": 10000, "idle_s": 0, "action": "next"}
    assert done["urls"] == [{"url": "ws://a.example", "weight": 1}]
    assert rest(carol).get(where).ok() == done
    assert rest(carol).get(f"/apis/{api.pk}/endpoints/sandbox").ok()["urls"][0]["url"] == CHAT["endpoint"]
    bad = {
        "urls": [{"url": "http://a"}, {"url": "ws://b.example", "weight": 0}], "strategy": "luck",
        "timeouts": {"connect_ms": 0, "naps": 1}, "suspension": {"factor": 1e400, "errors": ["rain"]}, "extra": 1,
    }  # fmt: skip
    assert rest(carol).put(where, raw=_json(bad)).refused(400).keys() >= {
        "#/urls/0/url", "#/urls/1/weight", "#/strategy", "#/timeouts/connect_ms", "#/timeouts/naps",
        "#/suspension/factor", "#/suspension/errors", "#/extra",
    }  # fmt: skip
    assert rest(carol).get(where).ok() == done
    rest(carol).get(f"/apis/{api.pk}/endpoints/staging").refused(404)
    rest(carol).put(f"/apis/{api.pk}/endpoints/staging", {"urls": [{"url": "ws://a.example"}]}).refused(404)


def test_runtime_limits_are_replaced_as_a_whole_and_each_problem_is_pointed_at(rest, carol, draft):
    where = f"/apis/{draft.pk}/runtime"
    assert rest(carol).get(where).ok() == {
        "max_message_bytes": None, "max_session_s": None, "idle_s": 0, "keepalive_s": 0, "slow_consumer_s": 60,
        "max_sessions": None, "max_sessions_per_application": None, "max_sessions_per_ip": None,
    }  # fmt: skip
    rest(carol).put(where, {"max_sessions": 7}).ok()
    done = rest(carol).put(where, {"max_message_bytes": 200, "idle_s": 30}).ok()
    assert (done["max_message_bytes"], done["idle_s"], done["max_sessions"]) == (200, 30, None)
    assert rest(carol).get(where).ok() == done
    bad = {"max_message_bytes": 124, "idle_s": None, "keepalive_s": 4, "max_sessions": "1", "naps": 1}
    assert rest(carol).put(where, bad).refused(400, "invalid").keys() == {f"#/{name}" for name in bad}
    assert rest(carol).put(where, [1]).refused(400).keys() == {"#"}
    rest(carol).put(where).refused(400)
    assert rest(carol).get(where).ok() == done


def test_creators_set_runtime_limits_and_those_who_see_designs_read_them(rest, people, chat):
    where = f"/apis/{chat.pk}/runtime"
    for name, (read, written) in {
        "carol": (200, 200),
        "adam": (200, 200),
        "pia": (200, 403),
        "sam": (403, 403),
    }.items():
        assert rest(people[name]).get(where).status == read, name
        assert rest(people[name]).put(where, {"idle_s": 9}).status == written, name
    rest(people["paul"], ["api:read"]).put(where, {"idle_s": 9}).refused(403, "insufficient_scope")
    rest().get(where).refused(401)


def test_the_bounds_in_the_schema_are_those_that_hold(rest, carol, draft):
    schema = rest().get("/schema").ok()["components"]["schemas"]["RuntimeLimits"]["properties"]
    assert schema.keys() == shapes.RUNTIME_CHECKS.keys()
    for name, described in schema.items():
        for value, status in ((described["maximum"], 200), (described["maximum"] + 1, 400), (described["minimum"], 200),
                              (described["minimum"] - 1, 400), (described.get("default"), 200)):  # fmt: skip
            assert rest(carol).put(f"/apis/{draft.pk}/runtime", {name: value}).status == status, (name, value)


def _json(value: object) -> bytes:
    import json

    return json.dumps(value).replace("Infinity", "1e400").encode()


def test_a_further_version_copies_the_design(rest, carol, actor):
    api = designs.api_create(actor=actor(carol), **CHAT)
    copy = rest(carol).post(f"/apis/{api.pk}/versions", {"version": "2.0.0"}).ok(201)
    assert (copy["path"], copy["state"], copy["endpoint"]) == ("/chat/2.0.0", "created", CHAT["endpoint"])
    rest(carol).post(f"/apis/{api.pk}/versions", {"version": "2.0.0"}).refused(409)
    rest(carol).post(f"/apis/{api.pk}/versions", {"version": "2 0"}).refused(400)
    assert rest(carol).get(f"/apis/{copy['id']}/versions").ok()["count"] == 2


def test_an_api_with_subscriptions_stays(rest, paul, chat, subscription):
    rest(paul).delete(f"/apis/{chat.pk}").refused(409, "has_subscriptions")
    subscription.delete()
    rest(paul).delete(f"/apis/{chat.pk}").ok(204)
    rest(paul).get(f"/apis/{chat.pk}").refused(404)
    assert not VersionSet.objects.exists()


@pytest.mark.parametrize("where", ["/apis/{}", "/apis/{}/topics", "/apis/{}/history", "/apis/{}/revisions/1/deploy"])
def test_what_is_not_there_is_not_found(rest, paul, where):
    method = "post" if where.endswith("deploy") else "get"
    for name in (uuid4(), "nonsense", "1", "%00", "..%2f"):
        rest(paul).send(method, where.format(name)).refused(404)
