"""One-time tickets: minted with a credential over HTTP, worth one handshake, and standing for that credential."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken
from websockets.sync.client import ClientConnection, connect

from apis.models import Attempt, Topic
from apis.services import api_keys, securing
from gateway.models import Ticket
from tests.gateway.backends import Backend
from tests.gateway.test_credentials import MARGIN_S, PROMISED_S, api_key, deploy, echo, secure
from tests.gateway.world import Answer, Deal, World, closed, knock

AT_ONCE = 20


@pytest.fixture(scope="module")
def deal(world: World, backend: Backend) -> Deal:
    """An API that works, for tests that change nothing about it."""
    return world.deal(backend.url)


def ask(deal: Deal, *, headers: dict[str, str] | None = None, **wish: Any) -> httpx.Response:
    """POST /tickets with the token of the deal, or these headers."""
    body = {"api": str(deal.api.pk), **wish}
    shown = {"Authorization": f"Bearer {deal.token}"} if headers is None else headers
    return httpx.post(f"http://127.0.0.1:{deal.gateway.portal}/api/v1/tickets", json=body, headers=shown, timeout=30)


def mint(deal: Deal, **wish: Any) -> dict[str, Any]:
    answer = ask(deal, **wish)
    assert answer.status_code == 201, answer.text
    minted: dict[str, Any] = answer.json()
    return minted


def use(deal: Deal, ticket: str, rest: str = "", **headers: str) -> Answer:
    return knock(deal.gateway, f"{deal.path}{rest}?ticket={ticket}", **headers)


def come(deal: Deal, ticket: str) -> ClientConnection:
    return connect(deal.gateway.url(f"{deal.path}?ticket={ticket}"), proxy=None, open_timeout=30)


def test_a_ticket_opens_one_connection_by_the_name_that_was_promised(deal: Deal, backend: Backend) -> None:
    minted = mint(deal)
    assert minted["expires_in"] == 30
    parts = urlsplit(minted["url"])
    assert (parts.scheme, parts.path, parts.query) == ("ws", deal.path, f"ticket={minted['ticket']}")
    renew_url = f"http://127.0.0.1:{deal.gateway.portal}/api/v1/connections/{minted['connection_id']}/token"
    assert minted["renew_url"] == renew_url
    with come(deal, minted["ticket"]) as client:
        echo(client)
        assert client.response is not None
        assert client.response.headers["X-Request-ID"] == minted["connection_id"]
        sent = backend.requests[-1]
        assert (sent.path, sent.headers["X-Request-ID"]) == ("/", minted["connection_id"])
    answer = use(deal, minted["ticket"])
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert minted["ticket"] not in deal.gateway.log.read_text()


def test_of_many_who_come_at_once_with_one_ticket_exactly_one_gets_in(deal: Deal) -> None:
    ticket = mint(deal)["ticket"]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: use(deal, ticket).status, range(AT_ONCE)))
    assert sorted(answers) == [101] + [401] * (AT_ONCE - 1)


def test_a_ticket_names_its_api_by_context_and_version_too(deal: Deal) -> None:
    body = {"context": deal.api.context, "version": deal.api.version}
    url = f"http://127.0.0.1:{deal.gateway.portal}/api/v1/tickets"
    answer = httpx.post(url, json=body, headers={"Authorization": f"Bearer {deal.token}"})
    assert answer.status_code == 201, answer.text
    assert use(deal, answer.json()["ticket"]).status == 101


def test_a_ticket_that_came_too_late_is_worth_nothing(deal: Deal) -> None:
    ticket = mint(deal)["ticket"]
    Ticket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert use(deal, ticket).code == "invalid_token"


def test_a_ticket_is_bound_to_its_api_topic_and_page(world: World, backend: Backend, deal: Deal) -> None:
    other = world.deal(backend.url)
    assert use(other, mint(deal)["ticket"]).code == "invalid_token"
    bound = {"topic": "/rooms/7", "origin": "https://app.example.com"}
    page = {"Origin": "https://app.example.com"}
    assert use(deal, mint(deal, **bound)["ticket"], "/rooms/8", **page).code == "invalid_token"
    assert use(deal, mint(deal, **bound)["ticket"], "/rooms/7").code == "origin_not_allowed"
    evil = {"Origin": "https://evil.example"}
    assert use(deal, mint(deal, **bound)["ticket"], "/rooms/7", **evil).code == "origin_not_allowed"
    assert use(deal, mint(deal, **bound)["ticket"], "/rooms/7", **page).status == 101


def test_the_session_of_a_ticket_ends_with_the_token_that_it_was_minted_with(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    other = world.token(deal)
    ticket, unused = mint(deal)["ticket"], mint(deal)["ticket"]
    bystander = mint(deal, headers={"Authorization": f"Bearer {other}"})["ticket"]
    with come(deal, ticket) as client, come(deal, bystander) as other_client:
        echo(client)
        token = AccessToken.objects.filter(application__key_pair__application=deal.application).order_by("pk").first()
        assert token is not None
        token.revoke()
        started = time.monotonic()
        assert closed(client)[0] == 4401
        assert time.monotonic() - started < PROMISED_S + MARGIN_S
        echo(other_client)
    assert use(deal, unused).code == "invalid_token"


def test_a_ticket_of_an_api_key_stands_for_the_key(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    secure(world, deal.api, schemes=["api_key"])
    row, key = api_key(world, deal, permitted_ips=["127.0.0.1"])
    ticket = mint(deal, headers={"ApiKey": key})["ticket"]
    with come(deal, ticket) as client:
        echo(client)
        api_keys.api_key_revoke(actor=world.actors["sam"], key=row)
        assert closed(client)[0] == 4401


def test_a_session_of_a_ticket_is_renewed_where_the_answer_said(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    minted, fresh = mint(deal), world.token(deal)
    with come(deal, minted["ticket"]) as client:
        echo(client)
        renewed = httpx.put(minted["renew_url"], headers={"Authorization": f"Bearer {fresh}"}, timeout=10)
        assert renewed.status_code == 200, renewed.text


def test_what_a_handshake_refuses_is_refused_when_a_ticket_is_asked_for(world: World, backend: Backend) -> None:
    deal, stranger = world.deal(backend.url), world.deal(backend.url)
    Topic.objects.create(api=deal.api, name="/secret", scopes=["chat:read"])
    deploy(world, deal)
    securing.security_configure(
        actor=world.actors["paul"], api=deal.api, settings={"origins": ["https://app.example.com"]}
    )
    refusals = [
        ask(deal, headers={}),
        ask(deal, headers={"Authorization": "Bearer nonsense"}),
        ask(deal, headers={"Authorization": f"Bearer {stranger.token}"}),
        ask(deal, topic="/secret"),
        ask(deal, origin="https://evil.example"),
        ask(deal, api="0c6c6a36-8c53-4f0f-8a5b-9d8f6f0b7c11"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refusals] == [
        (401, "missing_credentials"), (401, "invalid_token"), (403, "subscription_required"),
        (403, "insufficient_scope"), (403, "origin_not_allowed"), (404, "not_found"),
    ]  # fmt: skip
    assert refusals[1].headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    for answer in refusals:
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Ticket.objects.filter(api_id=deal.api.pk).exists()


def test_tickets_are_limited_per_credential(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    mint(deal)
    Attempt.objects.filter(key__startswith="ticket:").update(count=6_000)
    answers = [ask(deal) for _ in range(2)]  # a minute may end between the two
    refused = [one for one in answers if one.status_code == 429]
    assert refused, [one.text for one in answers]
    assert refused[0].json()["code"] == "throttled"
    assert 0 < int(refused[0].headers["Retry-After"]) <= 60
    assert ask(world.deal(backend.url)).status_code == 201, "another credential has its own"


def test_the_answer_says_what_the_plan_has_left(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, plan={"limits": [{"kind": "events", "amount": 100, "per": "day"}]})
    answer = ask(deal)
    assert answer.headers["RateLimit-Policy"].startswith('"events-per-day";q=100;w=86400')
    assert answer.headers["RateLimit"].startswith('"events-per-day";r=100')


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"api": "x"}, "#/api"),
        ({"context": "/chat"}, "#/api"),
        ({"topic": "rooms"}, "#/topic"),
        ({"topic": "/rooms?x=1"}, "#/topic"),
        ({"topic": "/räume"}, "#/topic"),
        ({"origin": "https://App.example.com/"}, "#/origin"),
        ({"wish": 1}, "#/wish"),
    ],
)
def test_a_wish_that_is_not_understood_is_refused_by_field(deal: Deal, wish: dict[str, Any], pointer: str) -> None:
    answer = ask(deal, **wish)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
