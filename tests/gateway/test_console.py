"""The test console: what its page offers, the tickets that it connects with, and why a handshake is refused."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import models
from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import designs, publishing, securing, topics
from apis.services.attempts import Attempts
from gateway import knocking
from gateway.knocking import Knock, knock
from tests.apis.browsing import Visit, at, move, page_of, source
from tests.apis.world import whole_database

HERE = "http://testserver"


def address(visit: Visit, path: str) -> str:
    """The first address that the page offers."""
    found = re.search(r'<option value="(wss?://[^"]+)"', visit.see(path).html)
    assert found, "no address is offered"
    return found[1]


def opened(visit: Visit, path: str, **more: str) -> dict[str, Any]:
    """What the script of the console is told."""
    body = {"address": address(visit, path), "topic": "", "query": "", "secret": "", **more}
    answer = visit.client.post(f"{path}open", body)
    assert answer.status_code in {200, 400}, answer.content
    told: dict[str, Any] = answer.json()
    return {**told, "http": answer.status_code}


TEST = {"with": "test:production"}


@pytest.fixture
def draft(carol: Person) -> Api:
    """An API of carol's that is deployed nowhere."""
    return designs.api_create(actor=Actor.of(carol), name="Draft", context="/draft", version="1.0.0")


def test_carol_is_offered_addresses_topics_and_credentials(carol: Person, chat: Api) -> None:
    shown = Visit(carol).see(at(chat, "console/"))
    assert shown.status == 200
    for text in ("ws://localhost:9099/chat/1.0.0", "wss://localhost:8099/chat/1.0.0", "A test key for the production",
                 "wscat -c", "curl -i -N", "from websockets.sync.client import connect"):  # fmt: skip
        assert text in source(shown.response), text
    policy = shown.response["Content-Security-Policy"]
    assert "connect-src 'self' ws://localhost:9099 wss://localhost:8099" in policy
    assert "unsafe" not in policy
    assert "ws://" not in Visit(carol).see(at(chat, "deployments/")).response["Content-Security-Policy"]


def test_an_api_that_is_not_deployed_leads_to_deployments(carol: Person, draft: Api) -> None:
    shown = Visit(carol).see(at(draft, "console/"))
    assert "nowhere to connect to" in shown.words
    assert "data-console-connect" not in shown.html
    told = Visit(carol).client.post(at(draft, "console/open"), {"address": "ws://localhost:9099", **TEST})
    assert told.status_code == 400
    assert "not deployed" in told.json()["fields"]["address"][0]


def test_a_test_key_is_made_once_and_a_ticket_for_each_connection(carol: Person, chat: Api) -> None:
    visit, path = Visit(carol), at(chat, "console/")
    first = opened(visit, path, query="room=7", **TEST)
    assert re.fullmatch(r"ws://localhost:9099/chat/1\.0\.0\?room=7&ticket=[\w-]{43}", first["url"])
    again = opened(visit, path, **TEST, secret=first["credential"])
    assert again["credential"] == first["credential"]
    assert again["url"] != first["url"]
    assert models.TestKey.objects.count() == 1
    assert first["credential"] not in whole_database()


def test_a_key_that_opens_nothing_any_more_is_said_so_the_page_makes_another(carol: Person, chat: Api) -> None:
    visit, path = Visit(carol), at(chat, "console/")
    key = opened(visit, path, **TEST)["credential"]
    models.TestKey.objects.all().delete()
    assert opened(visit, path, **TEST, secret=key)["code"] == "invalid_token"


def test_what_no_page_of_ours_sends_is_named(carol: Person, chat: Api) -> None:
    visit, path = Visit(carol), at(chat, "console/")
    for field, text in {
        "address": "ws://169.254.169.254",
        "topic": "rooms/7",
        "query": "a b",
        "with": "root",
        "secret": "k\u00e9y",
        "subprotocols": "x" * 600,
    }.items():
        told = opened(visit, path, **{**TEST, field: text})
        assert told["http"] == 400, field
        assert list(told["fields"]) == [field]
    assert opened(visit, path, **{"with": "own"})["fields"].keys() == {"secret"}
    assert visit.client.get(f"{path}open").status_code == 405


def test_a_page_that_the_api_does_not_allow_is_told_before_connecting(carol: Person, chat: Api) -> None:
    actor = Actor.of(carol)
    securing.security_configure(actor=actor, api=chat, settings={**chat.security, "origins": ["https://shop.example"]})
    visit, path = Visit(carol), at(chat, "console/")
    assert f"this one is {HERE}" in visit.see(path).words
    told = opened(visit, path, **TEST)
    assert (told["status"], told["code"]) == (403, "origin_not_allowed")
    securing.security_configure(actor=actor, api=chat, settings={**chat.security, "origins": [HERE]})
    assert "The gateway will refuse this page" not in visit.see(path).words
    assert "url" in opened(visit, path, **TEST)


def test_a_blocked_api_is_said_in_words(carol: Person, paul: Person, chat: Api) -> None:
    visit, path = Visit(carol), at(chat, "console/")
    key = opened(visit, path, **TEST)["credential"]
    move(chat, paul, "block")
    assert "the gateway lets nobody in" in visit.see(path).words
    assert "nobody can reach it" in opened(visit, path, **TEST)["refused"]
    kept = opened(visit, path, **TEST, secret=key)
    assert (kept["status"], kept["code"]) == (503, "api_blocked")


def test_a_topic_that_is_not_there_is_refused_as_the_gateway_would(carol: Person, chat: Api) -> None:
    actor = Actor.of(carol)
    topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/rooms/{room}"}])
    revision = publishing.revision_create(actor=actor, api=chat, description="")
    publishing.revision_deploy(actor=actor, revision=revision, environments=["Default"])
    visit, path = Visit(carol), at(chat, "console/")
    assert "url" in opened(visit, path, topic="/rooms/7", **TEST)
    assert opened(visit, path, topic="/elsewhere", **TEST)["code"] == "not_found"


def test_sam_tries_with_a_token_of_the_phone_and_eve_has_none(
    sam: Person, eve: Person, chat: Api, phone: Application, subscription: Subscription
) -> None:
    path = page_of(chat, "console/")
    shown = Visit(sam).see(path)
    assert "A production token of Phone, made for you" in shown.words
    assert "console/" in Visit(sam).see(page_of(chat)).html
    told = opened(Visit(sam), path, **{"with": f"token:production:{phone.pk}"})
    assert "ticket=" in told["url"]
    again = opened(Visit(sam), path, **{"with": "own", "secret": told["credential"]})
    assert "ticket=" in again["url"]
    assert opened(Visit(sam), path, **{"with": "none"})["url"] == "ws://localhost:9099/chat/1.0.0"
    assert opened(Visit(sam), path, **{"with": "own", "secret": "nonsense"})["code"] == "invalid_token"
    assert Visit(eve).see(path).status in {403, 200}
    theirs = Visit(eve).client.post(f"{path}open", {"with": f"token:production:{phone.pk}"})
    assert theirs.status_code in {400, 403}


def test_whoever_does_not_see_the_design_does_not_see_the_console(sam: Person, vic: Person, chat: Api) -> None:
    assert Visit(sam).see(at(chat, "console/")).status == 403
    assert Visit(sam).client.post(at(chat, "console/open"), TEST).status_code == 403
    assert Visit(vic).see(page_of(chat, "console/")).status == 403
    assert Visit().see(page_of(chat, "console/")).status == 302
    assert Visit().see(at(chat, "console/")).status == 302


def test_the_page_costs_few_questions(carol: Person, chat: Api) -> None:
    visit = Visit(carol)
    visit.see(at(chat, "console/"))
    with CaptureQueriesContext(connection) as queries:
        visit.see(at(chat, "console/"))
    assert len(queries) <= 12


# Why a handshake is refused -----------------------------------------------------------------------------------------


def test_why_is_what_the_gateway_answers_to_the_same_handshake(
    monkeypatch: pytest.MonkeyPatch, carol: Person, chat: Api
) -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    def gateway(url: str, **more: str) -> Knock:
        asked.append((url, more))
        return Knock(502, "The endpoint of this API could not be reached.", "upstream_unreachable")

    monkeypatch.setattr("gateway.screens_console.knock", gateway)
    told = opened(Visit(carol), at(chat, "console/"), why="yes", subprotocols="chat.v2", **TEST)
    assert told["open"] is False
    assert told["code"] == "upstream_unreachable"
    ((url, more),) = asked
    assert "?ticket=" in url
    assert more == {"origin": HERE, "subprotocols": "chat.v2"}


def test_who_asks_why_without_end_is_told_to_wait(monkeypatch: pytest.MonkeyPatch, carol: Person, chat: Api) -> None:
    monkeypatch.setattr("gateway.screens_console.knock", lambda url, **more: Knock(101, "in"))
    monkeypatch.setattr("gateway.screens_console.KNOCKS", knocks(2))
    visit = Visit(carol)
    told = [opened(visit, at(chat, "console/"), why="yes", **TEST) for _ in range(3)]
    assert [one.get("open") for one in told] == [True, True, None]
    assert told[2]["status"] == 429


def knocks(limit: int) -> Any:
    return Attempts("knock-test", limit=limit, window_s=3_600)


def test_nobody_listens_there() -> None:
    told = knock("ws://127.0.0.1:9/chat/1.0.0")
    assert told.status == 0
    assert "refuses connections" in told.says


def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knocking, "PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = knock(f"ws://127.0.0.1:{silent.getsockname()[1]}/")
    assert "did not answer" in told.says
