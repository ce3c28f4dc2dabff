"""Changing an API in the publisher portal: endpoints, info, plans, subscriptions, revisions, and the history of it."""

from __future__ import annotations

from typing import Any

import pytest

from apis.models import Api, Deployment, Environment, HistoryEntry, Person, Subscription
from tests.apis.browsing import YES, Visit, at

CONFIG: dict[str, Any] = {
    "url": ["ws://one.example.com", "ws://two.example.com"],
    "weight": ["3", "1"],
    "strategy": "weighted",
    "connect_ms": "1500",
    "handshake_ms": "2500",
    "idle_s": "60",
    "failures": ["connect_failed", "server_error"],
    "initial_ms": "1000",
    "max_ms": "8000",
    "factor": "1.5",
    "retries": "2",
    "retry_delay_ms": "50",
}


def config_of(api: Api, key_type: str) -> dict[str, Any]:
    return api.endpoints.get(key_type=key_type).config


def test_the_cogwheel_stores_everything_at_once_also_where_it_is_deployed(paul: Person, chat: Api) -> None:
    shown = Visit(paul).see(at(chat, "endpoints/production/"))
    assert shown.value("connect_ms") == "5000"
    assert shown.is_checked("failures", "connect_timeout")
    shown = Visit(paul).do(at(chat, "endpoints/production/"), **CONFIG)
    assert "connect 1.5 s, handshake 2.5 s, idle 1 min" in shown.words
    assert "1 s, 1.5 times longer each time, at most 8 s, after 2 more tries" in shown.words
    stored = config_of(chat, "production")
    assert stored["urls"][0] == {"url": "ws://one.example.com", "weight": 3}
    assert stored["timeouts"] == {"connect_ms": 1500, "handshake_ms": 2500, "idle_s": 60, "action": "next"}
    assert stored["suspension"] == {
        "errors": ["connect_failed", "server_error"],
        "initial_ms": 1000,
        "max_ms": 8000,
        "factor": 1.5,
        "retries": 2,
        "retry_delay_ms": 50,
    }
    assert Deployment.objects.get(api=chat).design["endpoints"]["production"] == stored
    assert config_of(chat, "sandbox")["timeouts"]["connect_ms"] == 5000


@pytest.mark.parametrize("script", [False, True])
def test_the_dialog_shows_every_problem_beside_its_field_and_keeps_what_was_typed(
    paul: Person, chat: Api, script: bool
) -> None:
    typed = CONFIG | {
        "url": ["ws://one.example.com", "", "http://two"],
        "weight": ["heavy", "", "1"],
        "connect_ms": "soon",
        "idle_s": "-1",
        "max_ms": "",
        "factor": "nan",
    }
    shown = Visit(paul).send(at(chat, "endpoints/production/"), script=script, **typed)
    assert shown.status == 400
    assert shown.html.lstrip().startswith("<form") is script
    assert shown.beside("connect_ms") == "This should be a whole number between 1 and 120000."
    assert shown.beside("idle_s").startswith("This should be a whole number")
    assert shown.beside("max_ms").startswith("This should be a whole number")
    assert shown.beside("factor") == "This should be a number between 1 and 100."
    assert shown.beside("handshake_ms") == ""
    assert "it must start with ws:// or wss://" in shown.words
    assert shown.value("connect_ms") == "soon"
    assert shown.value("weight") == "heavy"
    assert 'value="http://two"' in shown.html
    assert shown.is_checked("failures", "server_error")
    assert not shown.is_checked("failures", "bad_response")
    assert config_of(chat, "production")["timeouts"]["connect_ms"] == 5000


def test_a_suspension_that_contradicts_itself_is_refused(paul: Person, chat: Api) -> None:
    shown = Visit(paul).send(at(chat, "endpoints/sandbox/"), **CONFIG | {"max_ms": "10"})
    assert shown.status == 400
    assert "should not be shorter than the first" in shown.beside("max_ms")
    shown = Visit(paul).send(at(chat, "endpoints/sandbox/"), **CONFIG | {"url": [""]})
    assert shown.status == 400


def test_the_url_alone_is_changed_beside_the_cogwheel(carol: Person, draft: Api) -> None:
    shown = Visit(carol).send(at(draft, "endpoints/"), key_type="production", url="tcp://x")
    assert shown.status == 400
    assert "must start with ws://" in shown.beside("production")
    assert shown.beside("sandbox") == ""
    assert 'value="tcp://x"' in shown.html
    shown = Visit(carol).do(at(draft, "endpoints/"), key_type="production", url="ws://one.example.com/a")
    assert shown.value("url") == "ws://one.example.com/a"
    assert "Same as production" in shown.buttons
    Visit(carol).do(at(draft, "endpoints/"), key_type="sandbox", copy="production")
    assert config_of(draft, "sandbox") == config_of(draft, "production")
    Visit(carol).do(at(draft, "endpoints/production/"), **CONFIG | {"url": ["ws://one.example.com"]})
    Visit(carol).do(at(draft, "endpoints/"), key_type="production", url="ws://two.example.com")
    assert config_of(draft, "production")["timeouts"]["connect_ms"] == 1500
    assert config_of(draft, "production")["urls"][0]["url"] == "ws://two.example.com"


def test_pia_reads_the_design_but_cannot_change_it(pia: Person, chat: Api) -> None:
    for page in ("endpoints/", "info/"):
        shown = Visit(pia).see(at(chat, page))
        assert "Save" not in shown.buttons
        assert "Delete" not in shown.buttons
        assert Visit(pia).send(at(chat, page), key_type="production", url="ws://x.example.com").status == 403
    assert Visit(pia).send(at(chat, "endpoints/production/"), **CONFIG).status == 403
    assert Visit(pia).send(at(chat, "delete/"), **YES).status == 403
    assert Visit(pia).send(at(chat, "new-version/"), version="2").status == 403


def test_basic_info_is_changed_and_its_problems_stand_beside_it(carol: Person, draft: Api) -> None:
    page = at(draft, "info/")
    shown = Visit(carol).do(page, display_name="My draft", description="One\r\ntwo", tags="live, , weather ")
    assert shown.value("tags") == "live, weather"
    draft.refresh_from_db()
    assert (draft.display_name, draft.description, draft.tags) == ("My draft", "One\ntwo", ["live", "weather"])
    shown = Visit(carol).send(page, display_name="a/b", description="x" * 20_001, tags="a" * 31)
    assert shown.status == 400
    assert "special characters" in shown.beside("display_name")
    assert "20000" in shown.beside("description")
    assert "30" in shown.beside("tags")


def test_name_context_and_version_are_changed_until_there_is_a_revision(carol: Person, draft: Api) -> None:
    page = at(draft, "info/")
    assert Visit(carol).see(page).value("context") == "/draft"
    words = {"display_name": "", "description": "", "tags": ""}
    typed = {**words, "name": "Rooms", "context": "rooms", "version": "2.0.0"}
    assert Visit(carol).do(page, **typed).value("name") == "Rooms"
    draft = Api.objects.get(pk=draft.pk)
    assert (draft.name, draft.path) == ("Rooms", "/rooms/2.0.0")
    shown = Visit(carol).send(page, **typed | {"name": "a/b", "context": "/x y", "version": ""})
    assert shown.status == 400
    assert all(shown.beside(name) for name in ("name", "context", "version"))
    assert shown.value("context") == "/x y"
    Visit(carol).do(at(draft, "deployments/"), do="create")
    shown = Visit(carol).see(page)
    assert "This cannot be changed any more: the API has revisions or further versions." in shown.words
    assert 'name="version"' not in shown.html
    Visit(carol).do(page, **words | {"description": "Still."})
    shown = Visit(carol).send(page, **typed | {"version": "3.0.0"})  # the page was open before the revision was made
    assert shown.status == 400
    assert "cannot be changed any more" in shown.beside("version")


def test_a_name_that_is_taken_is_told_beside_it(carol: Person, draft: Api, chat: Api) -> None:
    shown = Visit(carol).send(at(draft, "info/"), name="chat", context="/chat", version="1.0.0")
    assert shown.status == 409
    assert (shown.beside("name"), shown.beside("context")) == (
        "Name chat already exists.",
        "/chat context already exists.",
    )


def test_plans_of_a_published_api_are_the_publishers_business(carol: Person, pia: Person, draft: Api) -> None:
    page = at(draft, "plans/")
    Visit(carol).do(page, business_plans=["Gold"])
    Visit(carol).do(at(draft, "endpoints/"), key_type="production", url="ws://one.example.com")
    Visit(pia).do(at(draft, "lifecycle/"), action="publish", **YES)
    shown = Visit(carol).see(page)
    assert "This needs the publisher role." in shown.words
    assert "Save" not in shown.buttons
    assert Visit(carol).send(page, business_plans=["Bronze"]).status == 403
    Visit(pia).do(page, business_plans=["Bronze", "Silver"])
    assert sorted(plan.name for plan in draft.business_plans.all()) == ["Bronze", "Silver"]


def test_pia_blocks_and_unblocks_a_subscription_after_a_question(
    carol: Person, pia: Person, chat: Api, subscription: Subscription
) -> None:
    page, one = at(chat, "subscriptions/"), {"subscription": str(subscription.pk)}
    assert "Block all" not in Visit(carol).see(page).buttons
    assert Visit(carol).send(page, **one, what="all", **YES).status == 403
    asked = Visit(pia).send(page, **one, what="production")
    assert asked.status == 200
    assert "Block Phone?" in asked.words
    assert 'name="what" value="production"' in asked.html
    assert 'name="confirmed" value="yes"' in asked.html
    for what, state in (("production", "production_blocked"), ("all", "blocked"), ("unblock", "unblocked")):
        Visit(pia).do(page, **one, what=what, **YES)
        subscription.refresh_from_db()
        assert subscription.state == state
    assert Visit(pia).send(page, **one, what="everything", **YES).status == 400
    assert Visit(pia).send(page, subscription="nonsense", what="all", **YES).status == 404


def test_a_subscription_to_another_api_is_not_found_here(pia: Person, draft: Api, subscription: Subscription) -> None:
    answer = Visit(pia).send(at(draft, "subscriptions/"), subscription=str(subscription.pk), what="all", **YES)
    assert answer.status == 404


def test_revisions_are_made_deployed_undeployed_restored_and_deleted(paul: Person, chat: Api) -> None:
    page = at(chat, "deployments/")
    shown = Visit(paul).do(page, do="create", description="Second", environments=["Default"])
    assert "Revision 2 is made and deployed to Default." in shown.words
    assert "2 of 5" in shown.words
    Visit(paul).do(at(chat, "endpoints/"), key_type="production", url="ws://other.example.com")
    assert "working on the design of revision 1" in Visit(paul).do(page, do="restore", number="1", **YES).words
    assert config_of(chat, "production")["urls"][0]["url"] == "wss://chat.example.com/socket"
    refused = Visit(paul).send(page, do="delete", number="2", **YES)
    assert refused.status == 409
    assert "Revision 2 is deployed; undeploy it first." in refused.words
    assert "Undeploy?" in Visit(paul).send(page, do="undeploy", number="2").words
    Visit(paul).do(page, do="undeploy", number="2", **YES)
    assert not Deployment.objects.exists()
    Visit(paul).do(page, do="deploy", number="1", environments=["Default"])
    Visit(paul).do(page, do="delete", number="2", **YES)
    assert [revision.number for revision in chat.revisions.all()] == [1]


def test_a_revision_that_cannot_be_deployed_is_not_made_either(carol: Person, draft: Api) -> None:
    page = at(draft, "deployments/")
    refused = Visit(carol).send(page, do="create", description="x", environments=["Default"])
    assert refused.status == 409
    assert "has no endpoint" in refused.words
    assert not draft.revisions.exists()
    assert Visit(carol).send(page, do="create", environments=["Mars"]).status == 400
    assert Visit(carol).send(page, do="deploy", number="77", environments=["Default"]).status == 404
    assert Visit(carol).send(page, do="dance", number="1").status == 404
    assert Visit(carol).send(page, do="deploy", number="one").status == 400


def test_there_are_at_most_five_revisions(paul: Person, chat: Api) -> None:
    page = at(chat, "deployments/")
    for _ in range(4):
        shown = Visit(paul).do(page, do="create")
    assert "at most 5 revisions" in shown.words
    assert "Create revision" not in shown.buttons
    refused = Visit(paul).send(page, do="create")
    assert refused.status == 409
    assert chat.revisions.count() == 5


def test_with_several_environments_one_chooses_where(paul: Person, chat: Api) -> None:
    Environment.objects.create(name="Europe", ws_port=9199)
    page = at(chat, "deployments/")
    Visit(paul).do(page, do="deploy", number="1", environments=["Europe"])
    assert "Undeploy from Europe" in Visit(paul).see(page).buttons
    Visit(paul).do(page, do="undeploy", number="1", environments=["Default"], **YES)
    assert [row.environment.name for row in Deployment.objects.all()] == ["Europe"]


def test_history_tells_before_and_after_page_by_page(paul: Person, chat: Api) -> None:
    Visit(paul).do(at(chat, "endpoints/production/"), **CONFIG | {"url": ["wss://chat.example.com/socket"]})
    words = Visit(paul).see(at(chat, "history/")).words
    assert "Configured an endpoint production endpoint of Chat 1.0.0" in words
    assert "Timeouts · connect (milliseconds) 5000 1500" in words
    for number in range(30):
        Visit(paul).do(at(chat, "info/"), description=f"Text {number:02}", display_name="", tags="")
    first, second = Visit(paul).see(at(chat, "history/")), Visit(paul).see(at(chat, "history/"), page="2")
    assert "Text 29" in first.words
    assert "Text 03" not in first.words
    assert "Older" in first.buttons
    assert "Newer" in second.buttons
    assert "Text 03" in second.words
    assert "Text 29" not in second.words
    assert HistoryEntry.objects.filter(api=chat, action="update").count() == 30
