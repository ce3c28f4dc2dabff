"""carol designs the topics of an API, and one version of it answers where the path names none."""

from __future__ import annotations

from typing import Any

import pytest

from apis import selectors
from apis.errors import Conflict, Forbidden, Invalid, Missing
from apis.models import Api, Change, Person
from apis.permissions import Actor
from apis.services import designs, publishing, topics, versions
from apis.shapes_topics import topic_of
from tests.apis.world import everything, last_entry
from tests.conftest import CHAT

ROOM = {"name": "/rooms/{roomID}", "url_mapping": "/rooms?room={uri.var.roomID}", "publish": False}


def names(api: Api) -> list[str]:
    return [topic.name for topic in api.topics.all()]


def test_carol_sets_all_topics_at_once(draft: Api, carol: Person) -> None:
    done = topics.topics_replace(actor=Actor.of(carol), api=draft, topics=[ROOM, {"name": "news"}])
    assert [topic.design for topic in done] == [topic_of({"name": "/news"}), topic_of(ROOM)]
    entry = last_entry()
    assert (entry.action, entry.detail["before"]) == ("update_topics", {"topics": [topic_of({"name": "/*"})]})
    assert entry.detail["after"] == {"topics": [topic_of({"name": "/news"}), topic_of(ROOM)]}
    assert Change.objects.filter(kind="api", subject=str(draft.pk)).exists()


def test_what_is_wrong_is_named_and_changes_nothing(draft: Api, carol: Person) -> None:
    before = everything()
    for value, places in (
        ([], {"topics"}),
        ([{"name": "/a"}, {"name": "/a"}], {"topics/1/name"}),
        ([{"name": "/a", "scopes": ["nobody:knows"]}], {"topics/0/scopes"}),
    ):
        with pytest.raises(Invalid) as refused:
            topics.topics_replace(actor=Actor.of(carol), api=draft, topics=value)
        assert refused.value.fields.keys() == places
    assert everything() == before


@pytest.mark.parametrize("name", ["pia", "sam", "vic"])
def test_only_creators_design_topics(draft: Api, people: dict[str, Person], name: str) -> None:
    actor = Actor.of(people[name])
    before = everything()
    acts: list[Any] = [
        lambda: topics.topics_replace(actor=actor, api=draft, topics=[{"name": "/a"}]),
        lambda: topics.topic_save(actor=actor, api=draft, topic={"name": "/a"}),
        lambda: topics.topic_remove(actor=actor, api=draft, name="/*"),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert everything() == before


def test_carol_adds_changes_and_removes_one_topic(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    topics.topic_save(actor=actor, api=draft, topic={"name": "/news"})
    topics.topic_save(actor=actor, api=draft, topic=ROOM, was="/*")
    assert names(draft) == ["/news", "/rooms/{roomID}"]
    topics.topic_remove(actor=actor, api=draft, name="/news")
    assert names(draft) == ["/rooms/{roomID}"]
    with pytest.raises(Conflict) as refused:
        topics.topic_remove(actor=actor, api=draft, name="/rooms/{roomID}")
    assert refused.value.code == "last_one"
    for gone in (
        lambda: topics.topic_remove(actor=actor, api=draft, name="/news"),
        lambda: topics.topic_save(actor=actor, api=draft, topic={"name": "/x"}, was="/news"),
    ):
        with pytest.raises(Missing):
            gone()


def test_problems_of_one_topic_have_the_names_of_its_fields(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    topics.topics_replace(actor=actor, api=draft, topics=[{"name": "/a/{x}"}, {"name": "/z"}])
    bad = {"name": "/a/{y}", "subscribe": False, "publish": False, "url_mapping": "/{uri.var.z}"}
    with pytest.raises(Invalid) as refused:
        topics.topic_save(actor=actor, api=draft, topic=bad)
    assert refused.value.fields.keys() == {"name", "subscribe", "url_mapping"}
    with pytest.raises(Invalid) as refused:  # it stands before the one whose paths it takes
        topics.topic_save(actor=actor, api=draft, topic={"name": "/z"}, was="/a/{x}")
    assert refused.value.fields == {"name": ["This takes the same paths as /z."]}


def test_topics_are_design_and_take_effect_with_a_revision(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    topics.topics_replace(actor=actor, api=chat, topics=[ROOM])
    assert [row["name"] for row in selectors.topics_served(chat)] == ["/*"]
    revision = publishing.revision_create(actor=actor, api=chat)
    assert revision.design["topics"] == [topic_of(ROOM)]
    publishing.revision_deploy(actor=actor, revision=revision)
    assert selectors.topics_served(chat) == [topic_of(ROOM)]
    publishing.revision_restore(actor=actor, revision=chat.revisions.get(number=1))
    assert names(chat) == ["/*"]
    publishing.revision_restore(actor=actor, revision=revision)
    assert [topic.design for topic in chat.topics.all()] == [topic_of(ROOM)]


def test_a_new_version_takes_the_topics_with_it(chat: Api, paul: Person) -> None:
    topics.topics_replace(actor=Actor.of(paul), api=chat, topics=[ROOM])
    copy = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2")
    assert [topic.design for topic in copy.topics.all()] == [topic_of(ROOM)]


# The default version ----------------------------------------------------------------------------------------------


@pytest.fixture
def second(chat: Api, paul: Person) -> Api:
    """Version 2.0.0 of Chat, published."""
    copy = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
    return publishing.api_transition(actor=Actor.of(paul), api=copy, action="publish")


def default_of(api: Api) -> str | None:
    api.version_set.refresh_from_db()
    found = api.version_set.default_api
    return found.version if found else None


@pytest.mark.parametrize("name", ["carol", "pia", "adam"])
def test_the_default_version_moves_and_there_are_never_two(
    chat: Api, second: Api, people: dict[str, Person], name: str
) -> None:
    actor = Actor.of(people[name])
    versions.default_version_set(actor=actor, api=chat, is_default=True)
    assert default_of(chat) == "1.0.0"
    versions.default_version_set(actor=actor, api=second, is_default=True)
    assert default_of(chat) == "2.0.0"
    assert last_entry().detail == {"before": "1.0.0", "after": "2.0.0"}
    assert {change.subject for change in Change.objects.order_by("-pk")[:2]} == {str(chat.pk), str(second.pk)}
    versions.default_version_set(actor=actor, api=chat, is_default=False)  # it is not, so nothing happens
    assert default_of(chat) == "2.0.0"
    versions.default_version_set(actor=actor, api=second, is_default=False)
    assert default_of(chat) is None


@pytest.mark.parametrize("name", ["sam", "vic"])
def test_nobody_else_names_a_default_version(chat: Api, people: dict[str, Person], name: str) -> None:
    with pytest.raises(Forbidden):
        versions.default_version_set(actor=Actor.of(people[name]), api=chat, is_default=True)


def test_only_a_version_that_clients_can_reach_becomes_the_default_one(chat: Api, paul: Person) -> None:
    copy = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
    with pytest.raises(Conflict) as refused:
        versions.default_version_set(actor=Actor.of(paul), api=copy, is_default=True)
    assert refused.value.code == "not_deployed"


def test_a_path_without_a_version_belongs_to_one_api(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    odd = publishing.api_create_and_publish(actor=actor, **{**CHAT, "name": "Odd", "context": "/{version}/chat"})
    versions.default_version_set(actor=actor, api=chat, is_default=True)
    with pytest.raises(Conflict) as refused:
        versions.default_version_set(actor=actor, api=odd, is_default=True)
    assert refused.value.code == "path_taken"
    versions.default_version_set(actor=actor, api=chat, is_default=False)
    versions.default_version_set(actor=actor, api=odd, is_default=True)
    assert default_of(odd) == "1.0.0"


def test_a_default_version_that_is_deleted_is_nobodys(chat: Api, second: Api, paul: Person) -> None:
    versions.default_version_set(actor=Actor.of(paul), api=second, is_default=True)
    designs.api_delete(actor=Actor.of(paul), api=second)
    assert default_of(chat) is None
    versions.default_version_set(actor=Actor.of(paul), api=chat, is_default=True)
    designs.api_delete(actor=Actor.of(paul), api=chat)
    assert not Api.objects.exists()
