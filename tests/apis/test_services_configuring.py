"""Endpoints and runtime limits: what carol configures holds at once where it is deployed, and revisions keep theirs."""

from __future__ import annotations

from typing import Any

import pytest

from apis import shapes, shapes_endpoint
from apis.errors import Invalid
from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import configuring, designs
from tests.apis.world import everything, last_entry
from tests.conftest import CHAT

CONFIG = {"urls": [{"url": "wss://new.example.com"}], "timeouts": {"connect_ms": 700}}


# Endpoints --------------------------------------------------------------------------------------------------------


def test_a_new_endpoint_holds_at_once_where_the_api_is_deployed_and_the_revision_keeps_its_own(
    chat: Api, paul: Person
) -> None:
    configuring.endpoint_configure(actor=Actor.of(paul), api=chat, key_type="sandbox", config=CONFIG)
    full, _ = shapes_endpoint.endpoint_config(CONFIG, lambda url: "")
    deployment = chat.deployments.get()
    assert chat.endpoints.get(key_type="sandbox").config == deployment.endpoints["sandbox"] == full
    assert deployment.endpoints["production"]["urls"][0]["url"] == CHAT["endpoint"]
    assert deployment.revision.design["endpoints"]["sandbox"]["urls"][0]["url"] == CHAT["endpoint"]
    entry = last_entry()
    assert (entry.action, entry.detail["after"]) == ("endpoint", shapes_endpoint.shown(full))
    assert entry.detail["before"]["urls"][0]["url"] == CHAT["endpoint"]


def test_the_url_of_the_form_replaces_both_and_keeps_the_other_settings(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    configuring.endpoint_configure(actor=actor, api=chat, key_type="production", config=CONFIG)
    designs.api_update(actor=actor, api=chat, endpoint="wss://third.example.com")
    configs = {row.key_type: row.config for row in chat.endpoints.all()}
    assert [config["urls"][0]["url"] for config in configs.values()] == ["wss://third.example.com"] * 2
    assert configs["production"]["timeouts"]["connect_ms"] == 700
    assert chat.deployments.get().endpoints == configs


@pytest.mark.parametrize(
    ("key_type", "config", "path"),
    [
        ("staging", CONFIG, "key_type"),
        ("production", {}, "urls"),
        ("production", {"urls": [{"url": "ws://user@x"}]}, "urls/0/url"),
        ("production", {**CONFIG, "timeouts": {"connect_ms": 0}}, "timeouts/connect_ms"),
        ("production", None, ""),
    ],
)
def test_a_bad_endpoint_is_refused_by_its_path(chat: Api, paul: Person, key_type: str, config: Any, path: str) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        configuring.endpoint_configure(actor=Actor.of(paul), api=chat, key_type=key_type, config=config)
    assert list(refused.value.fields) == [path]
    assert everything() == before


# Runtime limits ---------------------------------------------------------------------------------------------------


def test_runtime_limits_hold_at_once_where_the_api_is_deployed_and_the_revision_keeps_its_own(
    chat: Api, paul: Person
) -> None:
    actor = Actor.of(paul)
    assert chat.runtime == chat.deployments.get().design["runtime"] == shapes.DEFAULT_RUNTIME
    configuring.runtime_configure(actor=actor, api=chat, limits={"idle_s": 30, "max_sessions": 5})
    full = {**shapes.DEFAULT_RUNTIME, "idle_s": 30, "max_sessions": 5}
    deployment = chat.deployments.get()
    assert Api.objects.get().runtime == deployment.design["runtime"] == full
    assert deployment.revision.design["runtime"] == shapes.DEFAULT_RUNTIME
    entry = last_entry()
    assert (entry.action, entry.api, entry.actor) == ("runtime", chat, paul)
    assert entry.detail == {"before": shapes.DEFAULT_RUNTIME, "after": full}


def test_a_deployment_from_before_there_were_runtime_limits_gets_them(chat: Api, paul: Person) -> None:
    deployment = chat.deployments.get()
    del deployment.design["runtime"]
    deployment.save()
    configuring.runtime_configure(actor=Actor.of(paul), api=chat, limits={"idle_s": 30})
    assert chat.deployments.get().design["runtime"]["idle_s"] == 30


def test_runtime_limits_are_set_from_what_is_there_now(chat: Api, paul: Person) -> None:
    stale = Api.objects.get(pk=chat.pk)
    designs.api_update(actor=Actor.of(paul), api=chat, description="New.")
    configuring.runtime_configure(actor=Actor.of(paul), api=stale, limits={"idle_s": 30})
    chat.refresh_from_db()
    assert (chat.description, chat.runtime["idle_s"]) == ("New.", 30)


@pytest.mark.parametrize(("limits", "path"), [({"idle_s": -1}, "idle_s"), ({"naps": 1}, "naps"), (None, ""), ([], "")])
def test_bad_runtime_limits_are_refused_by_their_path(chat: Api, paul: Person, limits: Any, path: str) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        configuring.runtime_configure(actor=Actor.of(paul), api=chat, limits=limits)
    assert list(refused.value.fields) == [path]
    assert everything() == before


def test_runtime_limits_are_told_in_words_where_they_are_not_the_usual(chat: Api, paul: Person) -> None:
    assert chat.runtime_terms == []
    limits = {
        "max_message_bytes": 65_536, "max_session_s": 7_200, "idle_s": 90, "keepalive_s": 30, "slow_consumer_s": 5,
        "max_sessions": 1_000, "max_sessions_per_application": 10, "max_sessions_per_ip": 1,
    }  # fmt: skip
    assert configuring.runtime_configure(actor=Actor.of(paul), api=chat, limits=limits).runtime_terms == [
        "messages of at most 65,536 bytes",
        "a connection lasts at most 2 hours",
        "closed after 90 seconds of silence",
        "pinged after 30 seconds of silence",
        "cut off when it takes nothing for 5 seconds",
        "at most 1,000 connections at once",
        "at most 10 at once for one application",
        "at most 1 at once from one address",
    ]
