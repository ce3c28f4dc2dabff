"""Topics, scopes and the default version through REST."""

from __future__ import annotations

import pytest

from apis.models import Topic
from apis.services import designs
from apis.shapes_topics import topic_of

ROOM = {"name": "/rooms/{roomID}", "url_mapping": "/rooms?room={uri.var.roomID}", "publish_scopes": ["rooms:write"]}


def test_carol_sets_the_topics_and_gets_them_whole(rest, carol, draft):
    carols = rest(carol)
    carols.post("/scopes", {"name": "rooms:write"}).ok(201)
    done = carols.put(f"/apis/{draft.pk}/topics", {"topics": [ROOM, {"name": "news", "publish": False}]}).ok()
    assert done["results"] == [topic_of({"name": "/news", "publish": False}), topic_of(ROOM)]
    assert carols.get(f"/apis/{draft.pk}/topics").ok() == done


def test_every_problem_has_its_place(rest, carol, draft):
    body = {"topics": [{"name": "/a/{x}"}, {"name": "/a/{y}", "scopes": ["b"]}, {"publish": 7, "name": "/c"}, "d"]}
    errors = rest(carol).put(f"/apis/{draft.pk}/topics", body).refused(400, "invalid")
    assert errors.keys() == {"#/topics/1/name", "#/topics/1/scopes", "#/topics/2/publish", "#/topics/3"}
    assert rest(carol).put(f"/apis/{draft.pk}/topics", {"topics": []}).refused(400).keys() == {"#/topics"}
    assert [topic.name for topic in Topic.objects.all()] == ["/*"]


@pytest.mark.parametrize(("name", "status"), [("pia", 403), ("sam", 404), ("vic", 404)])
def test_topics_are_the_creators(rest, people, draft, name, status):
    rest(people[name]).put(f"/apis/{draft.pk}/topics", {"topics": [{"name": "/a"}]}).refused(status)


def test_sam_reads_the_topics_that_clients_meet_and_does_not_write_them(rest, sam, paul, chat):
    mapped = {"name": "/a", "url_mapping": "/secret/path"}
    rest(paul).put(f"/apis/{chat.pk}/topics", {"topics": [mapped]}).ok()
    seen = {key: value for key, value in topic_of({"name": "/*"}).items() if key != "url_mapping"}
    assert rest(sam).get(f"/apis/{chat.pk}/topics").ok()["results"] == [seen]
    number = rest(paul).post(f"/apis/{chat.pk}/revisions", {}).ok(201)["number"]
    rest(paul).post(f"/apis/{chat.pk}/revisions/{number}/deploy", {}).ok()
    assert rest(sam).get(f"/apis/{chat.pk}/topics").ok()["results"] == [{**seen, "name": "/a"}]
    assert rest(paul).get(f"/apis/{chat.pk}/topics").ok()["results"] == [topic_of(mapped)]
    rest(sam).put(f"/apis/{chat.pk}/topics", {"topics": [{"name": "/a"}]}).refused(403)


def test_shared_scopes_come_are_changed_and_go(rest, carol, sam):
    carols = rest(carol)
    answer = carols.post("/scopes", {"name": "a:b", "description": "x", "roles": ["subscriber"]})
    scope = answer.ok(201)
    where = f"/scopes/{scope['id']}"
    assert answer.headers["Location"] == "/api/v1" + where
    assert scope == {
        "id": scope["id"], "name": "a:b", "display_name": "", "description": "x", "roles": ["subscriber"],
        "shared": True,
    }  # fmt: skip
    assert rest(sam).get("/scopes").ok()["results"] == [scope]
    assert carols.patch(where, {"roles": []}).ok()["roles"] == []
    assert carols.patch(where, {"name": "c"}).refused(400).keys() == {"#/name"}
    assert carols.post("/scopes", {"name": "a:b"}).refused(409, "already_exists").keys() == {"#/name"}
    rest(sam).patch(where, {"roles": []}).refused(403)
    rest(sam).delete(where).refused(403)
    carols.delete(where).ok(204)
    carols.get(where).refused(404)


def test_local_scopes_belong_to_their_api(rest, carol, draft, chat, sam):
    carols = rest(carol)
    scope = carols.post(f"/apis/{chat.pk}/scopes", {"name": "chat:write"}).ok(201)
    assert scope["shared"] is False
    assert carols.get(f"/apis/{chat.pk}/scopes").ok()["results"] == [scope]
    assert rest(sam).get(f"/apis/{chat.pk}/scopes").ok()["results"] == [scope]
    assert carols.get("/scopes").ok()["results"] == []
    for where in (f"/apis/{draft.pk}/scopes/{scope['id']}", f"/scopes/{scope['id']}"):
        carols.get(where).refused(404)
        carols.patch(where, {"roles": []}).refused(404)
        carols.delete(where).refused(404)
    where = f"/apis/{chat.pk}/scopes/{scope['id']}"
    assert carols.patch(where, {"display_name": "Write"}).ok()["display_name"] == "Write"
    carols.delete(where).ok(204)


def test_a_scope_in_use_is_a_conflict_that_says_where(rest, carol, chat):
    carols = rest(carol)
    scope = carols.post(f"/apis/{chat.pk}/scopes", {"name": "chat:write"}).ok(201)
    carols.put(f"/apis/{chat.pk}/topics", {"topics": [{"name": "/*", "scopes": ["chat:write"]}]}).ok()
    answer = carols.delete(f"/apis/{chat.pk}/scopes/{scope['id']}")
    answer.refused(409, "in_use")
    assert "Chat 1.0.0, topic /*" in answer.body["detail"]


def test_the_default_version_is_a_field_of_the_api(rest, paul, chat, actor):
    pauls = rest(paul)
    assert pauls.get(f"/apis/{chat.pk}").ok()["is_default_version"] is False
    assert pauls.patch(f"/apis/{chat.pk}", {"is_default_version": True}).ok()["is_default_version"] is True
    copy = designs.api_version_create(actor=actor(paul), api=chat, version="2")
    pauls.patch(f"/apis/{copy.pk}", {"is_default_version": True}).refused(409, "not_deployed")
    pauls.post(f"/apis/{copy.pk}/transitions", {"action": "publish"}).ok()
    assert pauls.patch(f"/apis/{copy.pk}", {"is_default_version": True}).ok()["is_default_version"] is True
    assert pauls.get(f"/apis/{chat.pk}").ok()["is_default_version"] is False


def test_a_refused_default_version_changes_nothing_else(rest, paul, draft):
    before = rest(paul).get(f"/apis/{draft.pk}").ok()
    rest(paul).patch(f"/apis/{draft.pk}", {"description": "x", "is_default_version": True}).refused(409)
    assert rest(paul).get(f"/apis/{draft.pk}").ok() == before


def test_pia_moves_the_default_version_without_touching_the_design(rest, pia, chat):
    assert rest(pia).patch(f"/apis/{chat.pk}", {"is_default_version": True}).ok()["is_default_version"] is True
    rest(pia).patch(f"/apis/{chat.pk}", {"description": "x", "is_default_version": False}).refused(403)
    assert rest(pia).get(f"/apis/{chat.pk}").ok()["is_default_version"] is True
