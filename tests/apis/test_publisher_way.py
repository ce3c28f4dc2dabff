"""The way to publication: the overview leads to what is missing, the lifecycle asks, deployments say what is where."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apis.checking import asking
from apis.checking.found import found
from apis.models import Api, Environment, Person
from apis.permissions import Actor
from apis.services import designs, publishing, requests, securing, topics
from tests.apis.browsing import YES, Visit, at
from tests.apis.connected import live_session

PAGES = ["", "lifecycle/", "deployments/"]


def ready(api: Api, carol: Person) -> Api:
    """The draft with what it needs and nothing to warn of."""
    changes: dict[str, Any] = {
        "endpoint": "wss://one.example.com/", "business_plans": ["Gold"], "description": "One.",
    }  # fmt: skip
    return designs.api_update(actor=Actor.of(carol), api=api, **changes)


class TestOverview:
    def test_each_thing_that_is_missing_is_a_link_to_where_it_is_mended(self, carol: Person, draft: Api) -> None:
        page = Visit(carol).see(at(draft))
        for text, tail in (
            ("Endpoint is missing", "endpoints/"),
            ("Not deployed yet", "deployments/"),
            ("Business plan is missing", "plans/"),
            ("State: Created", "lifecycle/"),
        ):
            assert text in page.buttons
            assert f'href="{at(draft, tail)}"' in page.html
        assert "Before it is published" in page.words
        assert "Missing: There is no endpoint" in page.words

    def test_what_is_done_is_ticked_and_testing_is_offered_once_it_is_deployed(self, paul: Person, chat: Api) -> None:
        page = Visit(paul).see(at(chat))
        for text in ("Endpoint", "Revision 1 on Default", "Test console", "Make a test key", "Business plan(s)"):
            assert text in page.buttons
        assert page.html.count(f'class="way-line " href="{at(chat, "console/")}"') == 1
        assert "Published" in page.buttons
        assert "View in the developer portal" in page.buttons

    def test_the_first_ten_of_many_topics_are_shown_and_a_link_leads_to_all(self, paul: Person, chat: Api) -> None:
        many = [{"name": f"/rooms/{number:02}"} for number in range(30)]
        topics.topics_replace(actor=Actor.of(paul), api=chat, topics=many)
        page = Visit(paul).see(at(chat))
        assert "/rooms/09" in page.words
        assert "/rooms/10" not in page.words
        assert "All 30 topics" in page.buttons

    def test_what_is_deployed_and_not_what_is_seen_is_said(self, paul: Person, chat: Api) -> None:
        topics.topics_replace(actor=Actor.of(paul), api=chat, topics=[{"name": "/news"}])
        page = Visit(paul).see(at(chat))
        assert "What is deployed is not what you see" in page.buttons
        assert "Revision 1 is deployed, which is not what you see. It differs in: topics." in page.words
        assert "Worth a look" in page.words

    def test_an_error_on_any_page_of_the_design_stands_below_develop(self, paul: Person, draft: Api) -> None:
        api = ready(draft, paul)
        securing.security_configure(actor=Actor.of(paul), api=api, settings={"schemes": ["oauth"]})
        api.security["key_managers"] = ["Gone"]
        api.save()
        page = Visit(paul).see(at(api))
        assert "All key managers that this API accepts are switched off: no token opens it." in page.buttons
        assert "Add what is missing above first." in page.words

    def test_cards_say_who_sees_it_and_who_stands_behind_it(self, carol: Person, draft: Api) -> None:
        Api.objects.filter(pk=draft.pk).update(
            visible_roles=["partner"], access_roles=["creator"], business={"business_owner": "Ida Bell"}
        )
        page = Visit(carol).see(at(draft))
        assert "Ida Bell" in page.words
        assert "Access control Only creator" in page.words

    def test_a_step_that_waits_for_an_administrator_is_told_in_the_place_of_the_button(
        self, paul: Person, draft: Api
    ) -> None:
        requests.ask_for_transition(Actor.of(paul), ready(draft, paul), "publish", [])
        page = Visit(paul).see(at(draft))
        assert "Publish waits for an administrator; until then Draft 1.0.0 is created." in page.words
        assert "Publish" not in page.buttons

    def test_a_retired_api_has_nothing_left_to_do(self, paul: Person, chat: Api) -> None:
        for action in ("deprecate", "retire"):
            publishing.api_transition(actor=Actor.of(paul), api=chat, action=action)
        page = Visit(paul).see(at(chat))
        assert "Retired APIs are not deployed" in page.words
        assert "Publish" not in page.buttons


class TestLifecycle:
    def test_publishing_without_a_deployment_is_asked_about(self, paul: Person, draft: Api) -> None:
        ready(draft, paul)
        asked = Visit(paul).send(at(draft, "lifecycle/"), action="publish")
        assert asked.status == 200
        assert "Nothing is deployed. Publishing deploys a first revision." in asked.words
        draft.refresh_from_db()
        assert draft.state == "created"
        Visit(paul).do(at(draft, "lifecycle/"), action="publish", **YES)
        draft.refresh_from_db()
        assert draft.state == "published"

    def test_warnings_are_asked_about_and_can_be_passed(self, paul: Person, chat: Api) -> None:
        publishing.api_transition(actor=Actor.of(paul), api=chat, action="block")
        asked = Visit(paul).send(at(chat, "lifecycle/"), action="republish")
        assert "The plan Unlimited has no limits." in asked.words
        assert "Chat 1.0.0 is published." in Visit(paul).do(at(chat, "lifecycle/"), action="republish", **YES).words

    def test_where_nothing_is_worth_a_word_nothing_is_asked(self, paul: Person, draft: Api) -> None:
        ready(draft, paul)
        revision = publishing.revision_create(actor=Actor.of(paul), api=draft)
        publishing.revision_deploy(actor=Actor.of(paul), revision=revision)
        assert "Draft 1.0.0 is published." in Visit(paul).do(at(draft, "lifecycle/"), action="publish").words

    @pytest.mark.parametrize(
        ("action", "says"),
        [
            ("block", "Clients that are connected are cut off within a second"),
            ("demote", "It disappears from the developer portal."),
            ("deprecate", "No new subscriptions are taken."),
            ("prerelease", "Developers see that it is pre-released."),
        ],
    )
    def test_what_hurts_says_what_it_takes_and_from_how_many(
        self, paul: Person, chat: Api, subscription: Any, action: str, says: str
    ) -> None:
        live_session(subscription)
        asked = Visit(paul).send(at(chat, "lifecycle/"), action=action)
        assert says in asked.words
        assert "One client is connected now." in asked.words
        assert not Api.objects.exclude(state="published").exists()

    def test_the_picture_has_its_text_and_marks_where_the_api_is(self, paul: Person, chat: Api) -> None:
        page = Visit(paul).see(at(chat, "lifecycle/"))
        assert page.html.count('class="diagram-box is-present"') == 1
        assert "The lifecycle of an API, now Published" in page.words
        assert "Retire leads from Deprecated to Retired." in page.words
        assert "Serves its subscribers." in page.words

    def test_an_upstream_that_fails_is_a_warning_here(
        self, paul: Person, chat: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        news = found("upstream_unreachable", url="wss://chat.example.com/socket", problem="the connection was refused.")
        monkeypatch.setattr(asking, "askers", [lambda _: [news]])
        page = Visit(paul).see(at(chat, "lifecycle/"))
        assert "Warning: The gateway cannot reach wss://chat.example.com/socket just now" in page.words


class TestDeployments:
    def test_it_says_where_since_when_and_by_whom(self, paul: Person, chat: Api) -> None:
        Environment.objects.create(name="Europe", ws_port=9199)
        page = Visit(paul).see(at(chat, "deployments/"))
        assert "Revision 1 since" in page.words
        assert "by paul" in page.words
        assert "Nothing is deployed here." in page.words
        assert "ws://localhost:9199/chat/1.0.0" in page.words

    def test_each_revision_says_how_it_differs_from_what_is_seen(self, paul: Person, chat: Api) -> None:
        page = at(chat, "deployments/")
        assert "The same as what you see." in Visit(paul).see(page).words
        assert "Restore" not in Visit(paul).see(page).buttons
        topics.topics_replace(actor=Actor.of(paul), api=chat, topics=[{"name": "/news"}])
        assert "Not what you see: it differs in topics." in Visit(paul).see(page).words
        asked = Visit(paul).send(page, do="restore", number="1")
        assert "This of your working copy is replaced: topics." in asked.words
        Visit(paul).do(page, do="restore", number="1", **YES)
        assert [topic.name for topic in chat.topics.all()] == ["/*"]

    def test_undeploying_the_last_one_says_that_nobody_will_connect(
        self, paul: Person, chat: Api, subscription: Any
    ) -> None:
        live_session(subscription)
        asked = Visit(paul).send(at(chat, "deployments/"), do="undeploy", number="1")
        assert "It is deployed nowhere else: nobody will be able to connect." in asked.words
        assert "One client is connected now." in asked.words
        assert chat.deployments.exists()

    def test_the_sandbox_of_carol_who_designs_is_no_business_of_hers_to_publish(
        self, carol: Person, pia: Person, chat: Api
    ) -> None:
        assert "Undeploy" in Visit(carol).see(at(chat, "deployments/")).buttons
        topics.topics_replace(actor=Actor.of(carol), api=chat, topics=[{"name": "/news"}])
        assert "Restore" not in Visit(pia).see(at(chat, "deployments/")).buttons
        assert Visit(pia).send(at(chat, "deployments/"), do="restore", number="1", **YES).status == 403


@pytest.mark.parametrize("tail", PAGES)
def test_a_page_takes_few_queries_however_much_there_is(
    paul: Person, chat: Api, subscription: Any, visit: Any, django_assert_max_num_queries: Any, tail: str
) -> None:
    for number in range(4):
        revision = publishing.revision_create(actor=Actor.of(paul), api=chat, description=str(number))
        Environment.objects.create(name=f"Place {number}", ws_port=9200 + number)
        publishing.revision_deploy(actor=Actor.of(paul), revision=revision, environments=[f"Place {number}"])
    client: Client = visit(paul)
    client.get(at(chat, tail))
    with django_assert_max_num_queries(11):
        assert client.get(at(chat, tail)).status_code == 200
