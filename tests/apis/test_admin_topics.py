"""Topics, scopes and the default version in the administration."""

from __future__ import annotations

import pytest

from apis.models import Api, Person, Scope
from apis.permissions import Actor
from apis.services import scopes, topics
from apis.shapes_topics import topic_of
from tests.apis.browsing import words
from tests.apis.office import at, desk


def test_adam_edits_the_topics_of_an_api_as_a_table(adam: Person, chat: Api) -> None:
    scopes.scope_create(actor=Actor.of(adam), name="rooms:read")
    office = desk(adam)
    said = office.done(
        office.press(
            at(chat, "topics"),
            **{
                "topics-0-name": "/news", "topics-0-ways": "subscribe",
                "topics-1-name": "/rooms/{id}", "topics-1-ways": "both", "topics-1-url_mapping": "/r?id={uri.var.id}",
                "topics-1-scopes": "rooms:read", "topics-1-security": "oauth",
                "topics-1-subscribe_scopes": "", "topics-1-publish_scopes": "rooms:read,",
            },
        )
    )  # fmt: skip
    assert "The topics of Chat 1.0.0 were saved." in said
    assert "/rooms/{id} receive and send /r?id={uri.var.id} rooms:read rooms:read to send" in said
    room = {"name": "/rooms/{id}", "url_mapping": "/r?id={uri.var.id}", "scopes": ["rooms:read"]}
    assert [topic.design for topic in chat.topics.all()] == [
        topic_of({"name": "/news", "publish": False}),
        topic_of({**room, "publish_scopes": ["rooms:read"]}),
    ]
    office.done(office.press(at(chat, "topics")))  # what was shown is what there is
    assert chat.topics.count() == 2


def test_what_is_wrong_is_said_beside_the_row(carol: Person, chat: Api) -> None:
    office = desk(carol)
    answer = office.press(at(chat, "topics"), **{"topics-1-name": "/a/{b", "topics-1-scopes": "gone"})
    sentences = office.refused(answer)["topics"]
    assert sentences[0].startswith("Row 2, name: A parameter is")
    assert sentences[1] == "Row 2, scopes: There is no scope named gone for this API."
    assert office.refused(office.press(at(chat, "topics"), **{"topics-0-name": ""})).keys() == {"topics"}
    assert [topic.name for topic in chat.topics.all()] == ["/*"]


@pytest.mark.parametrize(("name", "status"), [("pia", 403), ("carol", 200)])
def test_topics_are_the_creators(people: dict[str, Person], chat: Api, name: str, status: int) -> None:
    desk(people[name]).open(at(chat, "topics"), status)


@pytest.mark.parametrize("name", ["carol", "pia", "adam"])
def test_the_default_version_is_switched(people: dict[str, Person], chat: Api, name: str) -> None:
    office = desk(people[name])
    assert "No version answers where the path names none." in words(office.open(at(chat)))
    said = office.done(office.press(at(chat, "default_version")))
    assert "Chat 1.0.0 is now the default version." in said
    assert "This version answers where the path names none." in said
    assert "no longer the default version" in office.done(office.press(at(chat, "default_version")))


def test_a_version_that_nobody_can_reach_does_not_become_the_default_one(carol: Person, draft: Api) -> None:
    office = desk(carol)
    assert office.refused(office.press(at(draft, "default_version")), 409).keys() == {""}


def test_carol_names_scopes_and_deletes_those_that_are_not_in_use(carol: Person, chat: Api) -> None:
    office = desk(carol)
    office.done(office.press(at(Scope, "add"), name="rooms:read", description="Read", roles=["creator"]))
    office.done(office.press(at(Scope, "add"), name="rooms:write", api=str(chat.pk)))
    page = words(office.open(at(Scope, "changelist")))
    for fact in ("rooms:read", "every API", "creator", "rooms:write", "Chat"):
        assert fact in page
    read, write = Scope.objects.order_by("name")
    assert (read.version_set, write.version_set) == (None, chat.version_set)
    office.done(office.press(at(read), display_name="Read rooms", roles=None))
    read.refresh_from_db()
    assert (read.name, read.title, read.roles) == ("rooms:read", "Read rooms", [])
    topics.topics_replace(actor=Actor.of(carol), api=chat, topics=[{"name": "/*", "scopes": ["rooms:write"]}])
    assert "Chat 1.0.0, topic /*" in words(office.open(at(write)))
    assert "in use" in office.done(office.client.post(at(write, "delete"), {"post": "yes"}))
    assert "deleted" in office.done(office.client.post(at(read, "delete"), {"post": "yes"}))
    assert list(Scope.objects.all()) == [write]


def test_what_is_no_scope_is_refused_beside_its_field(carol: Person) -> None:
    office = desk(carol)
    assert office.refused(office.press(at(Scope, "add"), name="a b", description="\x01")).keys() == {
        "name",
        "description",
    }
    scopes.scope_create(actor=Actor.of(carol), name="taken")
    assert office.refused(office.press(at(Scope, "add"), name="taken"), 409).keys() == {"name"}
