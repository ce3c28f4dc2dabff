"""The buttons on an API's page in the administration: its life, its versions and revisions, its endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from apis.lifecycle import ACTION_LABELS, LABELS, Action, State, actions_from
from apis.models import Api, Environment, Person, Revision, Subscription
from apis.permissions import Actor
from apis.services import configuring, designs, publishing
from apis.shapes_endpoint import DEFAULTS
from tests.apis.browsing import words
from tests.apis.office import at, buttons, desk
from tests.apis.world import everything, walk
from tests.conftest import CHAT


@pytest.fixture
def draft(carol: Person) -> Api:
    return designs.api_create(actor=Actor.of(carol), **CHAT)


# Lifecycle --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State)
def test_there_is_one_button_for_each_legal_transition_and_no_other(paul: Person, draft: Api, state: State) -> None:
    api = walk(draft, state, Actor.of(paul))
    page = desk(paul).open(at(api))
    offered = [text.rstrip("…") for text in buttons(page)]
    labels = [ACTION_LABELS[step.action] for step in actions_from(state)]
    assert [text for text in offered if text in ACTION_LABELS.values()] == labels
    assert LABELS[state] in words(page)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_pressing_any_button_in_any_state_moves_along_the_table_or_says_why_not(
    paul: Person, draft: Api, state: State, action: Action
) -> None:
    api = walk(draft, state, Actor.of(paul))
    office = desk(paul)
    before = everything()
    office.open(at(api, "transition", action.value))
    assert everything() == before  # looking at the question answers nothing
    response = office.client.post(at(api, "transition", action.value))
    step = next((step for step in actions_from(state) if step.action == action), None)
    if step is None:
        assert "is not possible" in office.refused(response, 409)[""][0]
        assert everything() == before
    else:
        assert f"Chat 1.0.0 is now {LABELS[step.target]}." in office.done(response)


def test_what_is_missing_stands_beside_the_dead_button(paul: Person) -> None:
    api = designs.api_create(actor=Actor.of(paul), name="Bare", context="/bare", version="1")
    office = desk(paul)
    page = words(office.open(at(api)))
    assert "Publish needs an endpoint and business plans" in page
    assert "Missing: There is no endpoint, so there is nothing to connect to." in page
    assert "Hint: There is no description" in page
    assert "Pre-release needs an endpoint" in page
    response = office.client.post(at(api, "transition", "publish"))
    assert office.refused(response, 409)[""] == ["publish needs what is missing: endpoint, business_plans."]


def test_creators_see_the_state_but_no_lifecycle_buttons(carol: Person, chat: Api) -> None:
    office = desk(carol)
    page = office.open(at(chat))
    assert not set(buttons(page)) & {"Block…", "Publish", "Deprecate…"}
    assert "A publisher moves it on." in words(page)
    assert office.client.post(at(chat, "transition", "block")).status_code == 403
    assert office.client.get(at(chat, "transition", "block")).status_code == 403


def test_publish_offers_the_check_items(paul: Person, subscription: Subscription) -> None:
    chat = subscription.api
    newer = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
    office = desk(paul)
    page = words(office.open(at(newer, "transition", "publish")))
    assert "Deprecate old versions after publishing the API" in page
    office.done(
        office.client.post(
            at(newer, "transition", "publish"), {"deprecate_old_versions": "on", "require_resubscription": "on"}
        )
    )
    chat.refresh_from_db()
    assert (chat.state, newer.subscriptions.count()) == (State.DEPRECATED, 0)


# New versions, revisions, deployments -----------------------------------------------------------------------------


def test_a_new_version_from_the_page_of_the_old_one(carol: Person, chat: Api) -> None:
    office = desk(carol)
    address = at(chat, "version_create")
    assert office.refused(office.press(address, version="1.0.0"), 409).keys() == {"version"}
    assert "Chat 2.0.0 was created as a copy of Chat 1.0.0." in office.done(office.press(address, version="2.0.0"))
    assert Api.objects.filter(version="2.0.0", provider=carol).exists()


def test_revisions_are_made_deployed_taken_off_restored_and_deleted(pia: Person, carol: Person, chat: Api) -> None:
    Environment.objects.create(name="Europe", wss_port=443)
    publisher, creator = desk(pia), desk(carol)
    publisher.done(publisher.press(at(chat, "revision_create"), description="second"))
    assert Revision.objects.get(number=2).description == "second"
    deploy = at(chat, "revision", 2, "deploy")
    assert publisher.refused(publisher.press(deploy, environments=[])).keys() == {"environments"}
    page = publisher.done(publisher.press(deploy, environments=["Default", "Europe"]))
    assert "Revision 2 is deployed on Default, Europe." in page
    assert publisher.client.post(at(chat, "revision", 2, "restore")).status_code == 403
    configuring.endpoint_configure(
        actor=Actor.of(carol), api=chat, key_type="production", config={"urls": [{"url": "wss://new.example.com"}]}
    )
    creator.done(creator.client.post(at(chat, "revision", 1, "restore")))
    assert chat.endpoints.get(key_type="production").urls == [CHAT["endpoint"]]
    before = everything()
    refused = publisher.client.post(at(chat, "revision", 2, "delete"))
    assert "undeploy it first" in publisher.refused(refused, 409)[""][0]
    assert everything() == before
    publisher.done(publisher.client.post(at(chat, "revision", 2, "undeploy")))
    publisher.done(publisher.client.post(at(chat, "revision", 2, "delete")))
    assert [revision.number for revision in chat.revisions.all()] == [1]


def test_the_sixth_revision_is_refused(paul: Person, draft: Api) -> None:
    for _ in range(5):
        publishing.revision_create(actor=Actor.of(paul), api=draft)
    office = desk(paul)
    assert "5 of at most 5" in words(office.open(at(draft)))
    assert "at most 5 revisions" in office.refused(office.press(at(draft, "revision_create")), 409)[""][0]


# Endpoints --------------------------------------------------------------------------------------------------------


def test_the_administration_keeps_what_it_does_not_show_of_an_endpoint(carol: Person, chat: Api) -> None:
    security = {"type": "basic", "username": "us", "password": "open sesame"}
    config = {"urls": [{"url": "wss://new.example.com"}], "security": security, "headers": {"X-A": "b"}}
    configuring.endpoint_configure(actor=Actor.of(carol), api=chat, key_type="production", config=config)
    before = chat.endpoints.get(key_type="production").config
    office = desk(carol)
    page = office.open(at(chat, "endpoint", "production")).content.decode()
    assert f"/publisher/apis/{chat.pk}/endpoints/production/" in page
    assert "sesame" not in page
    office.done(office.press(at(chat, "endpoint", "production"), connect_ms="700"))
    after = chat.endpoints.get(key_type="production").config
    assert after == {**before, "timeouts": {**before["timeouts"], "connect_ms": 700}}


def test_an_endpoint_is_configured_field_by_field_and_holds_at_once(carol: Person, chat: Api) -> None:
    office = desk(carol)
    changes: dict[str, Any] = {
        "urls-1-url": "wss://spare.example.com",
        "urls-1-weight": "3",
        "strategy": "failover",
        "connect_ms": "700",
        "idle_s": "60",
        "suspend_on": ["connect_failed"],
        "initial_ms": "0",
        "factor": "1.5",
    }
    office.done(office.press(at(chat, "endpoint", "sandbox"), **changes))
    config = chat.endpoints.get(key_type="sandbox").config
    assert config == {
        "urls": [{"url": CHAT["endpoint"], "weight": 1}, {"url": "wss://spare.example.com", "weight": 3}],
        "strategy": "failover",
        "timeouts": {"connect_ms": 700, "handshake_ms": 10_000, "idle_s": 60, "action": "next"},
        "suspension": {
            "errors": ["connect_failed"], "initial_ms": 0, "max_ms": 300_000,
            "factor": 1.5, "retries": 0, "retry_delay_ms": 0,
        },
        **{name: DEFAULTS[name] for name in ("security", "headers", "tls", "proxy", "dynamic")},
    }  # fmt: skip
    assert chat.deployments.get().endpoints["sandbox"] == config
    assert chat.endpoints.get(key_type="production").config["strategy"] == "round_robin"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"urls-0-url": ""}, {"urls"}),
        ({"urls-0-url": "http://x"}, {"urls"}),
        ({"urls-0-weight": "many"}, {"urls"}),
        ({"urls-0-weight": "9" * 400}, {"urls"}),
        ({"connect_ms": "0", "retries": "-1"}, {"connect_ms", "retries"}),
        ({"connect_ms": "9" * 5000}, {"connect_ms"}),
        ({"connect_ms": ""}, {"connect_ms"}),
        ({"factor": "nan"}, {"factor"}),
        ({"factor": "0"}, {"factor"}),
        ({"strategy": "random"}, {"strategy"}),
        ({"suspend_on": ["boredom"]}, {"suspend_on"}),
        ({"initial_ms": "5000", "max_ms": "1"}, {"max_ms"}),
        ({f"urls-{n}-url": f"wss://{n}.example.com" for n in range(11)}, {"urls"}),
    ],
)
def test_a_bad_endpoint_is_refused_beside_its_field(
    carol: Person, chat: Api, changes: dict[str, Any], fields: set[str]
) -> None:
    before = everything()
    office = desk(carol)
    assert set(office.refused(office.press(at(chat, "endpoint", "production"), **changes))) == fields
    assert everything() == before


def test_the_row_that_is_wrong_is_named_and_marked(carol: Person, chat: Api) -> None:
    office = desk(carol)
    response = office.press(at(chat, "endpoint", "production"), **{"urls-1-url": "http://x", "urls-1-weight": "1"})
    assert office.refused(response)["urls"][0].startswith("Row 2, url: Invalid WebSocket URL")
    assert response.content.decode().count('aria-invalid="true"') == 1


def test_a_missing_endpoint_can_be_added_and_publishers_cannot_touch_it(carol: Person, pia: Person) -> None:
    api = designs.api_create(actor=Actor.of(carol), name="Bare", context="/bare", version="1")
    assert desk(pia).client.get(at(api, "endpoint", "production")).status_code == 403
    office = desk(carol)
    office.done(office.press(at(api, "endpoint", "production"), **{"urls-0-url": "wss://x.example.com"}))
    assert api.endpoints.get().urls == ["wss://x.example.com"]


# Runtime limits ---------------------------------------------------------------------------------------------------


def test_runtime_limits_are_told_on_the_page_and_configured_on_their_own(carol: Person, pia: Person, chat: Api) -> None:
    office = desk(carol)
    assert "None of its own" in words(office.open(at(chat)))
    page = office.done(office.press(at(chat, "runtime"), idle_s="60", max_sessions="7"))
    assert "The runtime limits of Chat 1.0.0 were saved." in page
    assert "Closed after 1 minute of silence" in page
    assert chat.deployments.get().design["runtime"]["max_sessions"] == 7
    office.done(office.press(at(chat, "runtime"), max_sessions=""))
    assert chat.deployments.get().design["runtime"]["max_sessions"] is None
    assert "Closed after 1 minute" in words(desk(pia).open(at(chat)))
    assert desk(pia).client.get(at(chat, "runtime")).status_code == 403


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"idle_s": "", "slow_consumer_s": "0"}, {"idle_s", "slow_consumer_s"}),
        ({"keepalive_s": "4", "max_message_bytes": "1"}, {"keepalive_s", "max_message_bytes"}),
        ({"max_sessions": "many"}, {"max_sessions"}),
        ({"max_sessions_per_ip": "9" * 5000}, {"max_sessions_per_ip"}),
    ],
)
def test_bad_runtime_limits_are_refused_beside_their_fields(
    carol: Person, chat: Api, changes: dict[str, str], fields: set[str]
) -> None:
    before = everything()
    office = desk(carol)
    assert set(office.refused(office.press(at(chat, "runtime"), **changes))) == fields
    assert everything() == before
