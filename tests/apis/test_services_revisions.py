"""Revisions and deployments: a frozen design, at most five of them, and what the gateway serves."""

from __future__ import annotations

import pytest

from apis import selectors, shapes
from apis.errors import Conflict, Invalid, Missing
from apis.frozen import served_of
from apis.models import Api, Environment, Person, Revision
from apis.permissions import Actor
from apis.services import configuring, designs, publishing
from apis.shapes_topics import topic_of
from tests.apis.world import everything, last_entry
from tests.conftest import CHAT

CONFIG = {"urls": [{"url": "wss://new.example.com"}]}


@pytest.fixture
def europe(people: dict[str, Person]) -> Environment:
    """A second gateway environment."""
    return Environment.objects.create(name="Europe", host="eu.example.com", wss_port=443)


@pytest.fixture
def draft(paul: Person) -> Api:
    return designs.api_create(actor=Actor.of(paul), **CHAT)


def freeze(api: Api, person: Person, description: str = "") -> Revision:
    return publishing.revision_create(actor=Actor.of(person), api=api, description=description)


def test_a_revision_keeps_the_design_of_its_moment(draft: Api, carol: Person) -> None:
    first = freeze(draft, carol, "as it was")
    configuring.endpoint_configure(actor=Actor.of(carol), api=draft, key_type="production", config=CONFIG)
    second = freeze(draft, carol)
    assert (first.number, second.number, first.description, first.created_by) == (1, 2, "as it was", carol)
    assert first.design["endpoints"]["production"]["urls"][0]["url"] == CHAT["endpoint"]
    assert second.design["endpoints"]["production"]["urls"][0]["url"] == "wss://new.example.com"
    assert {key: first.design[key] for key in ("name", "context", "version", "path")} == {
        "name": "Chat",
        "context": "/chat",
        "version": "1.0.0",
        "path": "/chat/1.0.0",
    }
    assert first.design["topics"] == [topic_of({"name": "/*"})]
    assert (last_entry().action, last_entry().detail) == ("create_revision", {"number": 2})


def test_there_are_at_most_five_and_numbers_are_never_used_twice(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    made = [freeze(draft, carol) for _ in range(5)]
    before = everything()
    with pytest.raises(Conflict) as refused:
        freeze(draft, carol)
    assert refused.value.code == "too_many_revisions"
    assert everything() == before
    publishing.revision_delete(actor=actor, revision=made[4])
    assert freeze(draft, carol).number == 6


@pytest.mark.parametrize("description", ["x" * 201, "\x00", "\x07"])
def test_a_description_is_short_plain_text(draft: Api, carol: Person, description: str) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        freeze(draft, carol, description)
    assert list(refused.value.fields) == ["description"]
    assert everything() == before


def test_deploy_puts_a_revision_in_the_place_of_the_one_before(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    first, second = freeze(draft, carol), freeze(draft, carol)
    publishing.revision_deploy(actor=actor, revision=first)
    publishing.revision_deploy(actor=actor, revision=second)
    deployment = draft.deployments.get()
    assert (deployment.revision, deployment.environment.name, deployment.deployed_by) == (second, "Default", carol)
    facts = {"number": 2, "environments": ["Default"]}
    assert last_entry().detail == {**facts, "before": {"Default": 1}, "after": {"Default": 2}}


def test_different_revisions_can_be_on_different_environments(draft: Api, carol: Person, europe: Environment) -> None:
    actor = Actor.of(carol)
    first, second = freeze(draft, carol), freeze(draft, carol)
    publishing.revision_deploy(actor=actor, revision=first, environments=["Default", "Europe", "Europe"])
    publishing.revision_deploy(actor=actor, revision=second, environments=["Europe"])
    where = {row.environment.name: row.revision.number for row in draft.deployments.all()}
    assert where == {"Default": 1, "Europe": 2}
    configuring.endpoint_configure(actor=actor, api=draft, key_type="production", config=CONFIG)
    urls = {row.endpoints["production"]["urls"][0]["url"] for row in draft.deployments.all()}
    assert urls == {"wss://new.example.com"}


def test_deploying_an_old_revision_again_brings_its_own_endpoints_back(draft: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    first = freeze(draft, carol)
    publishing.revision_deploy(actor=actor, revision=first)
    configuring.endpoint_configure(actor=actor, api=draft, key_type="production", config=CONFIG)
    publishing.revision_deploy(actor=actor, revision=first)
    assert draft.deployments.get().design == served_of(first.design)


@pytest.mark.parametrize("environments", [[], ["Mars"], ["Default", "Mars"]])
def test_an_environment_must_be_named_and_known(draft: Api, carol: Person, environments: list[str]) -> None:
    revision = freeze(draft, carol)
    before = everything()
    with pytest.raises(Invalid) as refused:
        publishing.revision_deploy(actor=Actor.of(carol), revision=revision, environments=environments)
    assert list(refused.value.fields) == ["environments"]
    assert everything() == before


def test_what_has_no_endpoint_and_what_is_retired_cannot_be_deployed(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    bare = designs.api_create(actor=actor, name="Bare", context="/bare", version="1")
    with pytest.raises(Conflict) as refused:
        publishing.revision_deploy(actor=actor, revision=freeze(bare, paul))
    assert refused.value.code == "endpoint_missing"
    for action in ("deprecate", "retire"):
        publishing.api_transition(actor=actor, api=chat, action=action)
    with pytest.raises(Conflict) as refused:
        publishing.revision_deploy(actor=actor, revision=chat.revisions.get())
    assert refused.value.code == "retired"
    assert not chat.deployments.exists()


def test_undeploy_takes_it_off_everywhere_or_where_told(draft: Api, carol: Person, europe: Environment) -> None:
    actor = Actor.of(carol)
    revision = freeze(draft, carol)
    publishing.revision_deploy(actor=actor, revision=revision, environments=["Default", "Europe"])
    publishing.revision_undeploy(actor=actor, revision=revision, environments=["Europe"])
    assert draft.deployments.get().environment.name == "Default"
    publishing.revision_undeploy(actor=actor, revision=revision)
    assert not draft.deployments.exists()
    assert (last_entry().action, last_entry().detail["environments"]) == ("undeploy", ["Default"])
    before = everything()
    with pytest.raises(Conflict):
        publishing.revision_undeploy(actor=actor, revision=revision)
    assert everything() == before


def test_a_deployed_revision_cannot_be_deleted(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    revision = chat.revisions.get()
    before = everything()
    with pytest.raises(Conflict) as refused:
        publishing.revision_delete(actor=actor, revision=revision)
    assert refused.value.code == "deployed"
    assert everything() == before
    publishing.revision_undeploy(actor=actor, revision=revision)
    publishing.revision_delete(actor=actor, revision=revision)
    assert not chat.revisions.exists()
    assert (last_entry().action, last_entry().subject) == ("delete_revision", "Revision 1 of Chat 1.0.0")


def test_restore_brings_the_working_copy_back_and_leaves_what_is_deployed(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    chat.topics.create(name="/rooms", publish=False)
    configuring.endpoint_configure(actor=actor, api=chat, key_type="production", config=CONFIG)
    deployed = chat.deployments.get().design
    publishing.revision_restore(actor=actor, revision=chat.revisions.get())
    assert [topic.name for topic in chat.topics.all()] == ["/*"]
    assert chat.endpoints.get(key_type="production").urls == [CHAT["endpoint"]]
    assert chat.deployments.get().design == deployed
    assert last_entry().action == "restore"


def test_restore_brings_the_runtime_limits_of_the_revision_back_or_the_defaults(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    old = chat.revisions.get()
    del old.design["runtime"]  # from before there were any
    old.save()
    configuring.runtime_configure(actor=actor, api=chat, limits={"idle_s": 30})
    second = freeze(chat, paul)
    assert second.design["runtime"]["idle_s"] == 30
    publishing.revision_restore(actor=actor, revision=old)
    assert Api.objects.get().runtime == shapes.DEFAULT_RUNTIME
    assert chat.deployments.get().design["runtime"]["idle_s"] == 30
    publishing.revision_restore(actor=actor, revision=second)
    assert Api.objects.get().runtime["idle_s"] == 30
    publishing.revision_deploy(actor=actor, revision=old)
    assert "runtime" not in chat.deployments.get().design


def test_restoring_a_revision_without_endpoints_takes_them_away(paul: Person) -> None:
    actor = Actor.of(paul)
    api = designs.api_create(actor=actor, name="Bare", context="/bare", version="1")
    bare = freeze(api, paul)
    configuring.endpoint_configure(actor=actor, api=api, key_type="production", config=CONFIG)
    publishing.revision_restore(actor=actor, revision=bare)
    assert not api.endpoints.exists()


def test_a_number_that_is_not_there_is_missing(chat: Api) -> None:
    assert selectors.revision_get(chat, 1).number == 1
    for number in (0, 2, 10**30):
        with pytest.raises(Missing):
            selectors.revision_get(chat, number)
