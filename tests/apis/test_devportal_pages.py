"""The developer portal: which APIs are on offer, and the page of one, as anybody sees them."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from django.test import Client

from apis.devportal.commands import sample_topic
from apis.models import Api, Application, Person
from apis.permissions import Actor
from apis.services import designs, plans, publishing
from tests.apis.browsing import Browsers, copied, move, page_of, source, words


class TestTheListOfApis:
    def test_anybody_sees_what_is_published_without_signing_in(self, visit: Browsers, chat: Api) -> None:
        assert "Chat" in words(visit().get("/devportal/"))

    @pytest.mark.parametrize(
        ("actions", "badge"),
        [([], ""), (["prerelease"], "Pre-released"), (["deprecate"], "Deprecated")],
    )
    def test_published_pre_released_and_deprecated_apis_are_on_offer_with_their_badge(
        self, visit: Browsers, chat: Api, paul: Person, actions: list[str], badge: str
    ) -> None:
        move(chat, paul, *actions)
        answer = words(visit().get("/devportal/"))
        assert "Chat" in answer
        assert badge in answer
        assert visit().get(page_of(chat)).status_code == 200

    @pytest.mark.parametrize("actions", [["demote"], ["block"], ["deprecate", "retire"]])
    def test_created_blocked_and_retired_apis_are_neither_listed_nor_found(
        self, visit: Browsers, chat: Api, paul: Person, sam: Person, actions: list[str]
    ) -> None:
        move(chat, paul, *actions)
        for browser in (visit(), visit(sam), visit(paul)):
            assert "Chat" not in words(browser.get("/devportal/"))
            assert browser.get(page_of(chat)).status_code == 404

    def test_an_empty_portal_says_what_will_appear_here(self, visit: Browsers, people: Any) -> None:
        assert "No API is on offer yet" in words(visit().get("/devportal/"))

    @pytest.mark.parametrize("query", ["chat", "CHAT", "/chat", "1.0.0", "lobby", "évén", "chat lobby"])
    def test_search_finds_name_context_version_description_and_tag(
        self, visit: Browsers, chat: Api, paul: Person, query: str
    ) -> None:
        designs.api_update(actor=Actor.of(paul), api=chat, description="For the lobby", tags=["événements"])
        assert page_of(chat) in source(visit().get("/devportal/", {"q": query}))

    @pytest.mark.parametrize("query", ["nothing like it", "chat garden", "%", "_"])
    def test_search_does_not_find_what_is_not_there(self, visit: Browsers, chat: Api, query: str) -> None:
        answer = visit().get("/devportal/", {"q": query})
        assert page_of(chat) not in source(answer)
        assert f"No API fits “{query}”" in words(answer)

    def test_a_tag_narrows_the_list_to_those_that_have_exactly_it(
        self, visit: Browsers, chat: Api, paul: Person
    ) -> None:
        designs.api_update(actor=Actor.of(paul), api=chat, tags=["talk"])
        assert page_of(chat) in source(visit().get("/devportal/", {"tag": "talk"}))
        assert page_of(chat) not in source(visit().get("/devportal/", {"tag": "tal"}))

    def test_a_long_list_has_pages_that_keep_the_search(self, visit: Browsers, paul: Person) -> None:
        for number in range(25):
            publishing.api_create_and_publish(
                actor=Actor.of(paul), name=f"Feed {number}", context=f"/feed{number}", version="1",
                endpoint="wss://feed.example.com", business_plans=["Bronze"],
            )  # fmt: skip
        first = source(visit().get("/devportal/", {"q": "feed"}))
        assert first.count("<article") == 24
        assert "?q=feed&page=2" in first
        assert source(visit().get("/devportal/", {"q": "feed", "page": "2"})).count("<article") == 1

    @pytest.mark.parametrize(
        "address",
        [
            "?q=%00", "?tag=%00", "?q=%FF%FE", "?page=-1", "?page=99999999999999999999999", "?page=%00", "?page=1e9",
            "?q=" + "a" * 60_000, "?q=" + "a%20" * 2_000, "?q=%25%27%22%5C", "apis/not-a-uuid/", "apis//",
            "apis/00000000-0000-0000-0000-000000000000/",
        ],
    )  # fmt: skip
    def test_no_address_breaks_it(self, visit: Browsers, chat: Api, address: str) -> None:
        assert visit().get(f"/devportal/{address}").status_code in {200, 404}


class TestThePageOfAnApi:
    def test_it_says_where_the_gateway_is_what_the_plans_are_and_which_topics_there_are(
        self, visit: Browsers, chat: Api
    ) -> None:
        answer = visit().get(page_of(chat))
        assert copied(answer, "url-1") == "ws://localhost:9099/chat/1.0.0"
        assert copied(answer, "url-2") == "wss://localhost:8099/chat/1.0.0"
        said = words(answer)
        assert "1,000 events per minute" in said
        assert "the connection is closed with code 4429" in said
        assert "/*" in said
        assert "by paul" in said

    def test_every_term_of_a_plan_is_said_in_words(
        self, visit: Browsers, chat: Api, adam: Person, paul: Person
    ) -> None:
        plans.business_plan_create(
            actor=Actor.of(adam), name="Careful", burst={"amount": 10, "per": "second"}, max_sessions=3,
            max_session_s=5400, max_message_bytes=65_536, on_spent="hold",
            limits=[{"kind": "bytes", "amount": 5_000_000, "per": "day", "direction": "in"}],
        )  # fmt: skip
        designs.api_update(actor=Actor.of(paul), api=chat, business_plans=["Careful"])
        said = words(visit().get(page_of(chat)))
        for term in (
            "5,000,000 bytes sent per day",
            "At most 10 events in any one second",
            "At most 3 connections at once",
            "A connection lasts at most 90 minutes",
            "Messages of at most 65,536 bytes",
            "When it is spent, messages wait until there is room again",
        ):
            assert term in said

    def test_it_links_to_the_other_versions_that_are_on_offer_and_to_no_others(
        self, visit: Browsers, chat: Api, paul: Person
    ) -> None:
        second = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
        assert page_of(second) not in source(visit().get(page_of(chat)))
        move(second, paul, "prerelease")
        assert page_of(second) in source(visit().get(page_of(chat)))

    def test_an_undeployed_api_says_so_instead_of_naming_an_address(
        self, visit: Browsers, chat: Api, paul: Person
    ) -> None:
        publishing.revision_undeploy(actor=Actor.of(paul), revision=chat.revisions.get())
        answer = visit().get(page_of(chat))
        assert "not deployed at the moment" in words(answer)
        assert "ws://localhost" not in source(answer)

    def test_somebody_who_has_not_signed_in_is_invited_to(self, visit: Browsers, chat: Api) -> None:
        answer = visit().get(page_of(chat))
        assert "Sign in to subscribe" in words(answer)
        assert f"/login?next={page_of(chat)}" in source(answer)
        sent = visit().post(page_of(chat, "subscribe"), {"application": "new", "new_name": "Mine", "plan": "Bronze"})
        assert sent.status_code == 302
        assert sent["Location"].startswith("/login?next=")

    @pytest.mark.parametrize("name", ["vic", "carol", "pia"])
    def test_people_without_the_subscriber_role_are_told_which_role_it_needs(
        self, visit: Browsers, people: dict[str, Person], chat: Api, name: str
    ) -> None:
        browser = visit(people[name])
        answer = browser.get(page_of(chat))
        assert "needs the subscriber role" in words(answer)
        assert page_of(chat, "subscribe") not in source(answer)
        sent = browser.post(page_of(chat, "subscribe"), {"application": "new", "new_name": "Mine", "plan": "Bronze"})
        assert sent.status_code == 403
        assert not Application.objects.exists()

    def test_markup_in_a_description_is_text(self, visit: Browsers, chat: Api, paul: Person) -> None:
        designs.api_update(actor=Actor.of(paul), api=chat, description="<script>alert(1)</script>")
        assert b"<script>alert(1)" not in visit().get(page_of(chat)).content

    def test_it_runs_under_a_policy_that_lets_it_reach_the_gateway_and_nothing_else(
        self, visit: Browsers, chat: Api
    ) -> None:
        policy = visit().get(page_of(chat))["Content-Security-Policy"]
        assert "connect-src 'self' ws://localhost:9099 wss://localhost:8099" in policy
        assert "unsafe" not in policy
        assert "connect-src" not in visit().get("/devportal/")["Content-Security-Policy"]

    def test_commands_of_an_installation_name_its_own_addresses_and_trust_no_self_signed_certificate(
        self, visit: Browsers, chat: Api, settings: Any
    ) -> None:
        settings.MODE = "serve"
        settings.PORTAL_URL = "https://apis.example.com"
        settings.GATEWAY_URL = "wss://live.example.com"
        answer = visit().get(page_of(chat))
        assert "https://apis.example.com/oauth2/token" in copied(answer, "get-token")
        assert "curl -s -u" in copied(answer, "get-token")
        assert copied(answer, "wscat-0").startswith("wscat -c 'wss://live.example.com/chat/1.0.0'")
        assert "connect-src 'self' wss://live.example.com" in answer["Content-Security-Policy"]

    def test_a_context_with_the_shells_special_characters_stays_one_word(
        self, visit: Browsers, chat: Api, paul: Person
    ) -> None:
        odd = publishing.api_create_and_publish(
            actor=Actor.of(paul), name="Odd", context="/a;b$(c)", version="1", business_plans=["Bronze"],
            endpoint="wss://odd.example.com",
        )  # fmt: skip
        line = copied(visit().get(page_of(odd)), "wscat-0")
        assert shlex.split(line)[:3] == ["wscat", "-c", "ws://localhost:9099/a;b$(c)/1"]

    def test_the_sample_address_leads_to_a_topic_that_exists(self) -> None:
        assert sample_topic(["/*", "/rooms/{roomID}"]) == ""
        assert sample_topic(["/rooms/{roomID}"]) == "/rooms/1"
        assert sample_topic(["/feed/*"]) == "/feed"
        assert sample_topic([]) == ""


class TestAFormFromAnotherSession:
    def test_it_is_refused_with_a_page_that_says_why(self, chat: Api, sam: Person) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
        answer = browser.post(page_of(chat, "subscribe"), {"application": "new", "new_name": "A", "plan": "Bronze"})
        assert answer.status_code == 403
        assert "This page is out of date" in words(answer)
        assert not Application.objects.exists()
