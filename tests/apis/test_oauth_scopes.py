"""Scopes of APIs in tokens: sam's application asks for them, people with the right role grant them (RFC 6749 3.3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import keys, publishing, scopes, topics
from tests.apis.browsing import words
from tests.apis.programs import Program, answer_of, refused, signed_in


@pytest.fixture
def scoped(chat: Api, subscription: Subscription, paul: Person) -> Api:
    """Chat, whose topic asks for `rooms:write` to send; `rooms:moderate` is for creators only."""
    actor = Actor.of(paul)
    scopes.scope_create(actor=actor, name="rooms:write", description="Write into rooms")
    scopes.scope_create(actor=actor, name="rooms:moderate", api=chat, roles=["creator"])
    scopes.scope_create(actor=actor, name="elsewhere")
    topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/*", "publish_scopes": ["rooms:write"]}])
    publishing.revision_deploy(actor=actor, revision=publishing.revision_create(actor=actor, api=chat))
    return chat


def asked(program: Program, scope: str) -> Any:
    return program.post("token", grant_type="client_credentials", scope=scope)


@pytest.mark.parametrize("scope", ["default", "rooms:write", "default rooms:write"])
def test_an_application_gets_the_scopes_it_asks_for(program: Program, scoped: Api, scope: str) -> None:
    token = asked(program, scope)
    assert token.status_code == 200
    assert token.json()["scope"] == scope
    assert AccessToken.objects.get().scope == scope


def test_it_gets_none_of_them_unless_it_asks(program: Program, scoped: Api) -> None:
    assert program.post("token", grant_type="client_credentials").json()["scope"] == "default"


@pytest.mark.parametrize(
    "scope",
    ["elsewhere", "nonsense", "rooms:write nonsense", "rooms:moderate", "api:read", "admin", "rooms:write admin"],
)
def test_what_it_may_not_have_is_invalid_scope(program: Program, scoped: Api, scope: str) -> None:
    refused(asked(program, scope), 400, "invalid_scope")
    assert not AccessToken.objects.exists()


def test_the_server_names_the_scopes_of_apis_on_offer(program: Program, scoped: Api, client: Client) -> None:
    named = client.get("/.well-known/oauth-authorization-server").json()["scopes_supported"]
    assert {"default", "rooms:write"} <= set(named)
    assert not {"rooms:moderate", "elsewhere"} & set(named), "no topic asks for them"
    Api.objects.filter(pk=scoped.pk).update(state="created")
    assert "rooms:write" not in client.get("/.well-known/oauth-authorization-server").json()["scopes_supported"]


def test_a_scope_is_gone_with_the_subscription(program: Program, scoped: Api, subscription: Subscription) -> None:
    subscription.delete()
    refused(asked(program, "rooms:write"), 400, "invalid_scope")


def test_the_owners_roles_stand_behind_client_credentials(program: Program, scoped: Api, sam: Person) -> None:
    sam.roles = [*sam.roles, "creator"]
    sam.save()
    assert asked(program, "rooms:moderate").json()["scope"] == "rooms:moderate"


def test_a_person_grants_what_their_role_allows(program: Program, scoped: Api, vic: Person, carol: Person) -> None:
    everything = "default rooms:write rooms:moderate"
    page = signed_in(vic).get(program.question(scope=everything))
    assert "Write into rooms" in words(page)
    assert "rooms:moderate" not in words(page)
    narrow = program.redeem(program.code(vic, scope=everything)).json()
    assert narrow["scope"] == "default rooms:write"
    assert program.redeem(program.code(carol, scope=everything)).json()["scope"] == everything
    alone = signed_in(vic).get(program.question(scope="rooms:moderate"))
    assert answer_of(alone)["error"] == "invalid_scope"


def test_no_consent_page_offers_what_no_api_of_the_application_needs(
    program: Program, scoped: Api, vic: Person
) -> None:
    assert answer_of(signed_in(vic).get(program.question(scope="elsewhere")))["error"] == "invalid_scope"


def test_a_refreshed_token_has_only_what_the_person_may_still_have(
    sam: Person, phone: Application, program: Program, scoped: Api, carol: Person
) -> None:
    pair = phone.key_pairs.get()
    grants = ["authorization_code", "refresh_token"]
    keys.keys_update(
        actor=Actor.of(sam), pair=pair, grant_types=grants, redirect_uris=pair.client.redirect_uris.split()
    )
    first = program.redeem(program.code(carol, scope="rooms:write rooms:moderate")).json()
    again = program.refresh(first["refresh_token"]).json()
    assert again["scope"] == "rooms:write rooms:moderate"
    carol.roles = []
    carol.save()
    assert program.refresh(again["refresh_token"]).json()["scope"] == "rooms:write"


def test_sam_generates_a_token_with_scopes(rest: Any, sam: Person, phone: Application, scoped: Api) -> None:
    sams, where = rest(sam), f"/applications/{phone.pk}/generate-token"
    sams.post(where, {"key_type": "production", "scopes": ["rooms:write"]}).ok(201)
    assert AccessToken.objects.get().scope == "rooms:write"
    problems = sams.post(where, {"key_type": "production", "scopes": ["rooms:write", "rooms:moderate", "x"]}).refused(
        400
    )
    assert problems.keys() == {"#/scopes/1", "#/scopes/2"}
    assert AccessToken.objects.count() == 1
