"""Topics, scopes and the default version in the publisher portal."""

from __future__ import annotations

from typing import Any

import pytest

from apis.models import Api, Person, Scope
from apis.permissions import Actor
from apis.services import designs, publishing, scopes
from apis.shapes_topics import topic_of
from tests.apis.browsing import YES, Visit, at

ROOM: dict[str, Any] = {
    "name": "/rooms/{roomID}",
    "subscribe": "yes",
    "url_mapping": "/rooms?room={uri.var.roomID}",
    "security": "oauth",
    "scopes": ["rooms:read"],
}
SHARED = "/publisher/scopes/"


def edit(api: Api, name: str = "") -> str:
    return at(api, "topics/edit") + (f"?name={name}" if name else "")


@pytest.fixture
def read(paul: Person) -> Scope:
    return scopes.scope_create(actor=Actor.of(paul), name="rooms:read", description="Read rooms")


def test_paul_adds_edits_and_removes_a_topic(paul: Person, chat: Api, read: Scope) -> None:
    visit = Visit(paul)
    assert "Add a topic" in visit.see(at(chat, "topics/")).buttons
    shown = visit.do(edit(chat), **ROOM)
    assert "The topic /rooms/{roomID} is saved." in shown.words
    assert "/rooms?room={uri.var.roomID}" in shown.words
    assert "rooms:read to connect" in shown.words
    assert chat.topics.get(name="/rooms/{roomID}").design == topic_of({**ROOM, "subscribe": True, "publish": False})
    form = visit.see(edit(chat, "/rooms/{roomID}"))
    assert (form.value("name"), form.value("url_mapping")) == ("/rooms/{roomID}", ROOM["url_mapping"])
    assert form.is_checked("subscribe", "yes")
    assert not form.is_checked("publish", "yes")
    assert form.is_checked("scopes", "rooms:read")
    visit.do(edit(chat, "/rooms/{roomID}"), name="/news", publish="yes", security="none")
    assert chat.topics.get(name="/news").design == topic_of({"name": "/news", "subscribe": False, "security": "none"})
    assert "open to anybody" in visit.see(at(chat, "topics/")).words
    asked = visit.send(at(chat, "topics/"), remove="/*")
    assert "Remove the topic /*?" in asked.words
    assert chat.topics.count() == 2
    shown = visit.do(at(chat, "topics/"), remove="/*", **YES)
    assert "/* is removed." in shown.words
    assert "Remove" not in shown.buttons  # the last one stays
    assert visit.send(at(chat, "topics/"), remove="/news", **YES).status == 409


@pytest.mark.parametrize("script", [False, True])
def test_every_problem_stands_beside_its_field_and_what_was_typed_is_kept(
    paul: Person, chat: Api, read: Scope, script: bool
) -> None:
    typed = {"name": "/a/{b", "url_mapping": "/a b", "scopes": ["rooms:read", "gone"], "security": "odd"}
    shown = Visit(paul).send(edit(chat), script=script, **typed)
    assert shown.status == 400
    assert "{name}" in shown.beside("name")
    assert "receive" in shown.beside("subscribe")
    assert "no scope named gone" in shown.beside("scopes")
    assert "one of" in shown.beside("security")
    assert shown.value("name") == "/a/{b"
    assert shown.value("url_mapping") == "/a b"
    assert shown.is_checked("scopes", "rooms:read")
    shown = Visit(paul).send(edit(chat), script=script, **ROOM | {"url_mapping": "/{uri.var.x}"})
    assert "no parameter" in shown.beside("url_mapping")
    shown = Visit(paul).send(edit(chat), script=script, **ROOM | {"name": "/*", "url_mapping": ""})
    assert "same paths as /*" in shown.beside("name")
    assert [topic.name for topic in chat.topics.all()] == ["/*"]


def test_a_script_is_sent_back_to_the_page(paul: Person, chat: Api, read: Scope) -> None:
    answer = Visit(paul).send(edit(chat), script=True, **ROOM)
    assert (answer.status, answer.response.headers["HX-Redirect"]) == (204, at(chat, "topics/"))


def test_the_page_says_when_clients_meet_other_topics(paul: Person, chat: Api, read: Scope) -> None:
    visit, words = Visit(paul), "differ from these"
    assert words not in visit.see(at(chat, "topics/")).words
    visit.do(edit(chat), **ROOM)
    assert words in visit.see(at(chat, "topics/")).words
    revision = publishing.revision_create(actor=Actor.of(paul), api=chat)
    publishing.revision_deploy(actor=Actor.of(paul), revision=revision)
    assert words not in visit.see(at(chat, "topics/")).words


def test_pia_looks_at_topics_and_scopes_and_changes_nothing(pia: Person, chat: Api, read: Scope) -> None:
    visit = Visit(pia)
    for path in (at(chat, "topics/"), at(chat, "scopes/"), SHARED):
        shown = visit.see(path)
        assert shown.status == 200
        assert not {"Add a topic", "Remove", "Add a scope", "Add a shared scope", "Edit"} & set(shown.buttons)
    for path in (
        edit(chat),
        at(chat, "scopes/new"),
        at(chat, f"scopes/{read.pk}"),
        f"{SHARED}new",
        f"{SHARED}{read.pk}",
    ):
        assert visit.see(path).status in {403, 404}, path
        assert visit.send(path, name="/x", subscribe="yes").status in {403, 404}, path
    assert visit.send(at(chat, "topics/"), remove="/*", **YES).status == 403
    assert visit.send(at(chat, "scopes/"), delete=read.pk, **YES).status == 403
    assert visit.send(SHARED, delete=read.pk, **YES).status == 403
    assert (chat.topics.count(), Scope.objects.count()) == (1, 1)


def test_a_topic_that_is_gone_is_not_there(paul: Person, chat: Api) -> None:
    for name in ("/gone", "%00", "%F0%9F%92%A9"):
        assert Visit(paul).see(edit(chat, name)).status == 404
        assert Visit(paul).send(edit(chat, name), name="/x", subscribe="yes", security="oauth").status == 404


# Scopes -----------------------------------------------------------------------------------------------------------


def test_carol_names_a_scope_of_her_api_changes_it_and_deletes_it(carol: Person, draft: Api) -> None:
    visit = Visit(carol)
    new = {"name": "draft:write", "display_name": "Write", "description": "Write drafts", "roles": ["subscriber"]}
    shown = visit.do(at(draft, "scopes/new"), **new)
    assert "draft:write is saved." in shown.words
    assert "Write drafts subscriber nowhere" in shown.words
    scope = draft.version_set.local_scopes.get()
    form = visit.see(at(draft, f"scopes/{scope.pk}"))
    assert form.value("display_name") == "Write"
    assert form.is_checked("roles", "subscriber")
    visit.do(at(draft, f"scopes/{scope.pk}"), display_name="", description="x", name="other")
    scope.refresh_from_db()
    assert (scope.name, scope.description, scope.roles) == ("draft:write", "x", [])
    visit.do(edit(draft, "/*"), name="/*", subscribe="yes", security="oauth", scopes="draft:write")
    shown = visit.see(at(draft, "scopes/"))
    assert "Draft 1.0.0, topic /*" in shown.words
    assert 'aria-label="Delete draft:write"' not in shown.html
    refused = visit.send(at(draft, "scopes/"), delete=scope.pk, **YES)
    assert refused.status == 409
    assert "in use" in refused.words
    visit.do(edit(draft, "/*"), name="/*", subscribe="yes", security="oauth")
    assert "Delete the scope draft:write?" in visit.send(at(draft, "scopes/"), delete=scope.pk).words
    assert "draft:write is deleted." in visit.do(at(draft, "scopes/"), delete=scope.pk, **YES).words


def test_problems_of_a_scope_stand_beside_its_fields(carol: Person, draft: Api, read: Scope) -> None:
    visit = Visit(carol)
    shown = visit.send(at(draft, "scopes/new"), name="a b", description="\x0b")
    assert shown.status == 400
    assert "no spaces" in shown.beside("name")
    assert "control" in shown.beside("description")
    for path in (at(draft, "scopes/new"), f"{SHARED}new"):
        taken = visit.send(path, name="rooms:read")
        assert (taken.status, taken.beside("name")) == (409, "A scope named rooms:read already exists.")


def test_shared_scopes_have_a_page_of_their_own(carol: Person, draft: Api) -> None:
    visit = Visit(carol)
    assert "Shared scopes" in visit.see("/publisher/").buttons
    assert "no shared scopes yet" in visit.see(SHARED).words
    assert visit.see(f"{SHARED}new").status == 200
    assert "all is saved." in visit.do(f"{SHARED}new", name="all", description="Everything").words
    scope = Scope.objects.get()
    visit.do(f"{SHARED}{scope.pk}", description="Nearly everything")
    assert "Nearly everything" in visit.see(SHARED).words
    assert "all" in visit.see(at(draft, "scopes/")).words
    assert visit.see(at(draft, f"scopes/{scope.pk}")).status == 404
    assert "Delete the scope all?" in visit.send(SHARED, delete=scope.pk).words
    visit.do(SHARED, delete=scope.pk, **YES)
    assert visit.send(SHARED, delete=scope.pk, **YES).status == 404
    assert visit.send(SHARED, delete="nonsense", **YES).status == 404


# The default version ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["paul", "pia", "carol"])
def test_the_default_version_is_moved_on_the_page_of_basic_info(
    people: dict[str, Person], paul: Person, chat: Api, name: str
) -> None:
    visit = Visit(people[name])
    copy = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
    assert "No version answers" in visit.see(at(chat, "info/")).words
    assert "Make 2.0.0 the default version" not in visit.see(at(copy, "info/")).buttons
    shown = visit.do(at(chat, "default-version/"), default="yes")
    assert "ws://localhost:9099/chat " in shown.words
    assert "1.0.0 answers" in visit.see(at(copy, "info/")).words
    assert "cannot be the default version" in visit.do(at(copy, "default-version/"), default="yes").words
    publishing.api_transition(actor=Actor.of(paul), api=copy, action="publish")
    visit.do(at(copy, "default-version/"), default="yes")
    for action in ("deprecate", "retire"):
        publishing.api_transition(actor=Actor.of(paul), api=copy, action=action)
    assert "nobody answers there (404)" in visit.see(at(copy, "info/")).words
    visit.do(at(copy, "default-version/"), default="no")
    chat.version_set.refresh_from_db()
    assert chat.version_set.default_api is None
