"""carol designs APIs: what is created, what may be edited until when, and how endpoints follow into deployments."""

from __future__ import annotations

from typing import Any

import pytest

from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.lifecycle import State
from apis.models import Api, Person, Subscription, VersionSet
from apis.permissions import Actor
from apis.services import configuring, designs, publishing
from tests.apis.world import everything, last_entry, walk
from tests.conftest import CHAT

OTHER = {**CHAT, "name": "Other", "context": "/other"}
CONFIG = {"urls": [{"url": "wss://new.example.com"}], "timeouts": {"connect_ms": 700}}


@pytest.fixture
def draft(carol: Person) -> Api:
    """carol's Chat, in state created."""
    return designs.api_create(actor=Actor.of(carol), **CHAT)


# Create -----------------------------------------------------------------------------------------------------------


def test_a_new_api_has_a_topic_two_endpoints_its_plans_and_nothing_more(draft: Api, carol: Person) -> None:
    assert (draft.name, draft.context, draft.version, draft.path) == ("Chat", "/chat", "1.0.0", "/chat/1.0.0")
    assert (draft.state, draft.provider, draft.last_revision) == (State.CREATED, carol, 0)
    assert list(draft.topics.values_list("name", "subscribe", "publish")) == [("/*", True, True)]
    assert {row.key_type: row.urls for row in draft.endpoints.all()} == {
        "production": [CHAT["endpoint"]],
        "sandbox": [CHAT["endpoint"]],
    }
    assert {plan.name for plan in draft.business_plans.all()} == {"Bronze", "Unlimited"}
    assert not draft.deployments.exists()
    assert (last_entry().action, last_entry().api) == ("create", draft)


def test_endpoint_and_plans_can_wait(carol: Person) -> None:
    api = designs.api_create(actor=Actor.of(carol), name="Bare", context="bare/{version}", version="2")
    assert (api.context, api.path) == ("/bare/{version}", "/bare/2")
    assert not api.endpoints.exists()
    assert not api.business_plans.exists()


@pytest.mark.parametrize(
    ("change", "error", "fields"),
    [
        ({"name": ""}, Invalid, {"name"}),
        ({"name": "Bad/", "context": "a b", "version": "1 0"}, Invalid, {"name", "context", "version"}),
        ({"endpoint": "http://x"}, Invalid, {"endpoint"}),
        ({"business_plans": ["Bronze", "Lead"]}, Invalid, {"business_plans"}),
        ({"tags": ["a/b"]}, Invalid, {"tags"}),
        ({"tags": ["a", "a"]}, Invalid, {"tags"}),
        ({"tags": [str(n) for n in range(21)]}, Invalid, {"tags"}),
        ({"description": "\x00"}, Invalid, {"description"}),
        ({"display_name": " x"}, Invalid, {"display_name"}),
        ({"name": "Other"}, Taken, {"name"}),
        ({"name": "oTHER"}, Taken, {"name"}),
        ({"context": "other"}, Taken, {"context"}),
        ({"context": "/other/"}, Taken, {"context"}),
        ({"name": "Other", "context": "/other"}, Taken, {"name", "context"}),
        ({"name": "Other", "version": ""}, Invalid, {"name", "version"}),
    ],
)
def test_what_cannot_be_created_is_told_field_by_field_and_leaves_nothing(
    carol: Person, change: dict[str, Any], error: type[Invalid], fields: set[str]
) -> None:
    actor = Actor.of(carol)
    designs.api_create(actor=actor, **OTHER)
    before = everything()
    with pytest.raises(error) as refused:
        designs.api_create(actor=actor, **{**CHAT, **change})
    assert type(refused.value) is error
    assert set(refused.value.fields) == fields
    assert everything() == before


def test_two_contexts_cannot_make_the_same_path(carol: Person) -> None:
    actor = Actor.of(carol)
    designs.api_create(actor=actor, name="One", context="/{version}/chat", version="1")
    before = everything()
    with pytest.raises(Taken, match="/1/chat"):
        designs.api_create(actor=actor, name="Two", context="/1", version="chat")
    assert everything() == before


def test_an_endpoint_on_this_machine_is_refused_where_an_operator_has_not_allowed_it(
    carol: Person, settings: Any
) -> None:
    settings.ALLOWED_UPSTREAM_NETWORKS = ()
    with pytest.raises(Invalid, match=r"127\.0\.0\.1, which is not a public address"):
        designs.api_create(actor=Actor.of(carol), **{**CHAT, "endpoint": "ws://localhost:1"})


def test_typing_is_checked_without_creating(carol: Person) -> None:
    designs.api_create(actor=Actor.of(carol), **OTHER)
    assert designs.design_problems(name="Other", context="/fine") == {"name": "Name Other already exists."}
    assert designs.design_problems(endpoint="") == {}
    own = VersionSet.objects.get(name="Other")
    assert designs.design_problems(name="Other", context="/other", ignoring=own) == {}


# Update -----------------------------------------------------------------------------------------------------------


def test_name_context_and_version_change_until_there_is_a_revision(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    api = designs.api_update(actor=actor, api=draft, name="Talk", context="talk", version="2")
    assert (api.name, api.context, api.version, api.path) == ("Talk", "/talk", "2", "/talk/2")
    publishing.revision_create(actor=actor, api=api)
    before = everything()
    with pytest.raises(Invalid) as refused:
        designs.api_update(actor=actor, api=api, name="Chat", context="/chat", version="1", description="new")
    assert set(refused.value.fields) == {"name", "context", "version"}
    assert everything() == before


def test_they_are_fixed_too_once_there_is_a_further_version(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    designs.api_version_create(actor=actor, api=draft, version="2.0.0")
    with pytest.raises(Invalid):
        designs.api_update(actor=actor, api=draft, name="Talk")


def test_saying_the_same_again_is_no_change(chat: Api, paul: Person) -> None:
    api = designs.api_update(actor=Actor.of(paul), api=chat, name="Chat", context="chat/", version="1.0.0")
    assert api.path == "/chat/1.0.0"


@pytest.mark.parametrize(
    ("change", "fields"),
    [({"name": "Other"}, {"name"}), ({"context": "other"}, {"context"}), ({"name": "x/"}, {"name"})],
)
def test_an_edit_cannot_take_what_another_api_has(
    draft: Api, carol: Person, change: dict[str, str], fields: set[str]
) -> None:
    actor = Actor.of(carol)
    designs.api_create(actor=actor, **OTHER)
    before = everything()
    with pytest.raises(Invalid) as refused:
        designs.api_update(actor=actor, api=draft, **change)
    assert set(refused.value.fields) == fields
    assert everything() == before


def test_an_edit_cannot_move_onto_the_path_of_another_api(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    designs.api_create(actor=actor, name="One", context="/{version}/x", version="1")
    before = everything()
    with pytest.raises(Taken, match="/1/x"):
        designs.api_update(actor=actor, api=draft, context="/1", version="x")
    assert everything() == before


def test_texts_tags_and_plans_are_edited_and_the_history_says_what_they_were(draft: Api, carol: Person) -> None:
    designs.api_update(
        actor=Actor.of(carol),
        api=draft,
        description="Talk.",
        tags=["fun"],
        display_name="The chat",
        business_plans=["Gold"],
    )
    draft.refresh_from_db()
    assert (draft.description, draft.tags, draft.title) == ("Talk.", ["fun"], "The chat")
    assert [plan.name for plan in draft.business_plans.all()] == ["Gold"]
    detail = last_entry().detail
    assert detail["before"]["business_plans"] == ["Bronze", "Unlimited"]
    assert detail["after"]["tags"] == ["fun"]


@pytest.mark.parametrize("state", State)
def test_who_may_change_the_plans_of_an_api_in_which_state(people: dict[str, Person], state: State) -> None:
    api = walk(designs.api_create(actor=Actor.of(people["paul"]), **CHAT), state, Actor.of(people["paul"]))
    allowed = []
    for name, person in people.items():
        try:
            designs.api_update(actor=Actor.of(person), api=api, business_plans=["Silver"])
        except Forbidden:
            continue
        allowed.append(name)
    creators = ["carol"] if state in {State.CREATED, State.PRERELEASED} else []
    assert sorted(allowed) == sorted([*creators, "pia", "paul", "adam"])


def test_a_publisher_who_is_no_creator_edits_plans_but_not_the_design(chat: Api, pia: Person) -> None:
    before = everything()
    for change in ({"description": "x"}, {"description": "x", "business_plans": ["Gold"]}, {"endpoint": "ws://x"}):
        with pytest.raises(Forbidden, match="creator role"):
            designs.api_update(actor=Actor.of(pia), api=chat, **change)
    assert everything() == before


# Versions and deletion --------------------------------------------------------------------------------------------


def test_a_new_version_is_a_copy_that_lives_its_own_life(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    configuring.runtime_configure(actor=actor, api=chat, limits={"idle_s": 30})
    copy = designs.api_version_create(actor=actor, api=chat, version="2.0.0")
    assert (copy.version_set, copy.path, copy.state) == (chat.version_set, "/chat/2.0.0", State.CREATED)
    assert {plan.name for plan in copy.business_plans.all()} == {"Bronze", "Unlimited"}
    assert [topic.name for topic in copy.topics.all()] == ["/*"]
    assert copy.runtime["idle_s"] == 30
    configuring.runtime_configure(actor=actor, api=copy, limits={})
    chat.refresh_from_db()
    assert chat.runtime["idle_s"] == 30
    configuring.endpoint_configure(actor=actor, api=copy, key_type="production", config=CONFIG)
    assert chat.endpoints.get(key_type="production").urls == [CHAT["endpoint"]]
    assert copy.history.get(action="create_version").detail == {"copied_from": "Chat 1.0.0"}


@pytest.mark.parametrize(("version", "error"), [("1.0.0", Taken), ("", Invalid), ("1/2", Invalid)])
def test_a_version_must_be_new_and_well_formed(chat: Api, paul: Person, version: str, error: type[Invalid]) -> None:
    before = everything()
    with pytest.raises(error) as refused:
        designs.api_version_create(actor=Actor.of(paul), api=chat, version=version)
    assert list(refused.value.fields) == ["version"]
    assert everything() == before


def test_an_api_with_subscriptions_cannot_be_deleted(chat: Api, paul: Person, subscription: Subscription) -> None:
    before = everything()
    with pytest.raises(Conflict, match=r"1 subscription\(s\)"):
        designs.api_delete(actor=Actor.of(paul), api=chat)
    assert everything() == before


def test_deleting_the_last_version_frees_name_and_context_and_the_history_remains(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    copy = designs.api_version_create(actor=actor, api=chat, version="2.0.0")
    key = str(chat.pk)
    designs.api_delete(actor=actor, api=chat)
    assert VersionSet.objects.filter(name="Chat").exists()
    designs.api_delete(actor=actor, api=copy)
    assert not VersionSet.objects.filter(name="Chat").exists()
    entry = last_entry()
    assert (entry.action, entry.subject, entry.actor_name) == ("delete", "Chat 2.0.0", "paul")
    entry = type(entry).objects.get(action="delete", subject="Chat 1.0.0")
    assert (entry.detail["was"], entry.detail["before"]["context"]) == (key, "/chat")
    assert designs.api_create(actor=actor, **CHAT).name == "Chat"
