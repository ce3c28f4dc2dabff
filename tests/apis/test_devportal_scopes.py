"""The developer portal: what topics need, and tokens that carry it."""

from __future__ import annotations

import pytest
from oauth2_provider.models import AccessToken

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import keys, publishing, scopes, topics, versions
from tests.apis.browsing import Browsers, copied, page, page_of, source, words


@pytest.fixture
def scoped(chat: Api, paul: Person) -> Api:
    """Chat with a room that needs scopes, one of them for creators only, and news for everybody."""
    actor = Actor.of(paul)
    scopes.scope_create(actor=actor, name="rooms:read", description="Read what is said")
    scopes.scope_create(actor=actor, name="rooms:write", api=chat)
    scopes.scope_create(actor=actor, name="rooms:moderate", api=chat, roles=["creator"])
    rows = [
        {"name": "/news", "publish": False, "security": "none"},
        {"name": "/rooms/{id}", "scopes": ["rooms:read"], "publish_scopes": ["rooms:write", "rooms:moderate"]},
    ]
    topics.topics_replace(actor=actor, api=chat, topics=rows)
    publishing.revision_deploy(actor=actor, revision=publishing.revision_create(actor=actor, api=chat))
    return chat


def test_anybody_reads_what_topics_need(visit: Browsers, scoped: Api) -> None:
    said = words(visit().get(page_of(scoped)))
    assert "/news no token needed receive only" in said
    assert "Needs rooms:read to connect, rooms:moderate rooms:write to send" in said.replace(" ,", ",") or (
        "Needs rooms:read to connect, rooms:write rooms:moderate to send" in said.replace(" ,", ",")
    )
    assert "rooms:read Read what is said" in said
    assert "only for people with the role creator" in said


def test_an_api_without_scopes_does_not_talk_of_them(visit: Browsers, chat: Api) -> None:
    assert "Scopes" not in words(visit().get(page_of(chat)))


def test_the_default_version_shows_both_addresses(visit: Browsers, chat: Api, paul: Person) -> None:
    assert "default version" not in words(visit().get(page_of(chat)))
    versions.default_version_set(actor=Actor.of(paul), api=chat, is_default=True)
    assert copied(visit().get(page_of(chat)), "default-url-1") == "ws://localhost:9099/chat"


def test_sam_makes_a_token_with_the_scopes_of_an_api_on_its_page(
    visit: Browsers, sam: Person, phone: Application, subscription: Subscription, scoped: Api
) -> None:
    keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    browser = visit(sam)
    shown = source(browser.get(page_of(scoped)))
    assert 'name="scopes" value="rooms:write" checked' in shown
    assert 'value="rooms:moderate"' not in shown  # sam is no creator
    assert "scope=rooms:read rooms:write" in shown  # in the command to copy
    sent = {"application": str(phone.pk), "key_type": "production", "scopes": ["rooms:write", "rooms:read"]}
    answer = browser.post(page_of(scoped, "token"), sent)
    assert answer.status_code == 200
    assert copied(answer, "access-token")
    assert AccessToken.objects.get().scope == "rooms:write rooms:read"
    refused = browser.post(page_of(scoped, "token"), {**sent, "scopes": ["rooms:moderate"]})
    assert refused.status_code == 400
    assert "No API that this application may use offers you this scope." in words(refused)
    assert AccessToken.objects.count() == 1


def test_sam_chooses_scopes_among_the_keys_of_an_application(
    visit: Browsers, sam: Person, phone: Application, subscription: Subscription, scoped: Api
) -> None:
    keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    browser = visit(sam)
    assert 'name="scopes" value="rooms:write" >' in source(browser.get(page(phone)))
    browser.post(page(phone, "keys/production/token"), {"api": str(scoped.pk)})
    assert AccessToken.objects.get().scope == "default"
    browser.post(page(phone, "keys/production/token"), {"api": str(scoped.pk), "scopes": ["rooms:read"]})
    assert AccessToken.objects.order_by("-pk")[0].scope == "rooms:read"
    refused = browser.post(page(phone, "keys/production/token"), {"scopes": ["nonsense"]})
    assert refused.status_code == 400
    assert "offers you this scope" in words(refused)
