"""Keys and tokens: shown once, kept as hashes, gone when they are revoked."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.utils import timezone
from oauth2_provider.models import AccessToken, RefreshToken
from oauth2_provider.models import Application as OAuthClient

from apis import selectors, selectors_credentials
from apis.errors import Conflict, Forbidden, Invalid, Missing
from apis.models import Application, Change, Person
from apis.permissions import Actor
from apis.services import clients, keys
from tests.apis.world import everything, last_entry, whole_database

CODE = {"grant_types": ["authorization_code", "refresh_token"], "redirect_uris": ["https://app.example.com/back"]}


def test_keys_are_shown_once_and_kept_as_a_hash(sam: Person, phone: Application) -> None:
    pair, secret = keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    client = OAuthClient.objects.get(pk=pair.client_id)
    assert len(secret) == 128
    assert check_password(secret, client.client_secret)
    assert client.client_secret.startswith("pbkdf2_sha256_generated$")
    assert secret not in whole_database()
    assert (pair.grant_types, client.user, client.client_type) == (["client_credentials"], sam, "confidential")
    assert last_entry().detail == {"key_type": "production", "grant_types": ["client_credentials"]}


def test_keys_exist_once_per_key_type(sam: Person, phone: Application) -> None:
    actor = Actor.of(sam)
    first, _ = keys.keys_generate(actor=actor, application=phone, key_type="production")
    second, _ = keys.keys_generate(actor=actor, application=phone, key_type="sandbox")
    assert first.client.client_id != second.client.client_id
    before = everything()
    with pytest.raises(Conflict) as refused:
        keys.keys_generate(actor=actor, application=phone, key_type="production")
    assert refused.value.code == "keys_exist"
    assert everything() == before


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"key_type": "staging"}, {"key_type"}),
        ({"grant_types": []}, {"grant_types"}),
        ({"grant_types": ["password"]}, {"grant_types"}),
        ({"grant_types": ["refresh_token"]}, {"grant_types"}),
        ({"grant_types": ["authorization_code"]}, {"redirect_uris"}),
        ({**CODE, "redirect_uris": ["https://ok.example.com", "http://app.example.com"]}, {"redirect_uris/1"}),
        ({**CODE, "redirect_uris": ["https://app.example.com/#x"]}, {"redirect_uris/0"}),
        ({**CODE, "redirect_uris": ["https://a b"]}, {"redirect_uris/0"}),
        ({**CODE, "redirect_uris": ["https://[x"]}, {"redirect_uris/0"}),
        ({**CODE, "redirect_uris": ["javascript:alert(1)"]}, {"redirect_uris/0"}),
        ({**CODE, "redirect_uris": ["https://app.example.com/\x00"]}, {"redirect_uris/0"}),
    ],
)
def test_bad_keys_are_refused_field_by_field(
    sam: Person, phone: Application, values: dict[str, Any], fields: set[str]
) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        keys.keys_generate(actor=Actor.of(sam), application=phone, **{"key_type": "production", **values})
    assert set(refused.value.fields) == fields
    assert everything() == before


@pytest.mark.parametrize("uri", ["https://app.example.com/back?x=1", "http://localhost:8000/", "http://127.0.0.1/cb"])
def test_redirects_go_to_https_or_to_this_machine(uri: str) -> None:
    assert keys.redirect_problem(uri) == ""


def test_grants_can_be_changed_later(sam: Person, phone: Application) -> None:
    actor = Actor.of(sam)
    pair, secret = keys.keys_generate(actor=actor, application=phone, key_type="production")
    keys.keys_update(actor=actor, pair=pair, **CODE)
    client = OAuthClient.objects.get(pk=pair.client_id)
    assert (client.redirect_uris, client.authorization_grant_type) == (CODE["redirect_uris"][0], "authorization-code")
    assert check_password(secret, client.client_secret)
    with pytest.raises(Invalid):
        keys.keys_update(actor=actor, pair=pair, grant_types=["authorization_code"], redirect_uris=[])


def test_a_new_secret_replaces_the_old_one_and_tokens_live_on(sam: Person, phone: Application) -> None:
    actor = Actor.of(sam)
    pair, old = keys.keys_generate(actor=actor, application=phone, key_type="production")
    token, _ = keys.token_generate(actor=actor, application=phone, key_type="production")
    new = keys.secret_regenerate(actor=actor, pair=pair)
    client = OAuthClient.objects.get(pk=pair.client_id)
    assert check_password(new, client.client_secret)
    assert not check_password(old, client.client_secret)
    assert selectors_credentials.access_token_find(token) is not None
    assert last_entry().action == "regenerate_secret"


def test_a_generated_token_is_found_by_its_checksum_and_stored_nowhere(sam: Person, phone: Application) -> None:
    token, seconds = keys.token_generate(actor=Actor.of(sam), application=phone, key_type="sandbox")
    row = AccessToken.objects.get()
    assert row.token_checksum == hashlib.sha256(token.encode()).hexdigest()
    assert token not in whole_database()
    assert (row.scope, row.user, row.application.key_pair.key_type) == ("default", None, "sandbox")
    assert seconds == 3600
    assert abs((row.expires - timezone.now()).total_seconds() - 3600) < 10


def test_keys_behind_a_generated_token_are_handed_out_when_asked_for(sam: Person, phone: Application) -> None:
    actor = Actor.of(sam)
    keys.token_generate(actor=actor, application=phone, key_type="production")
    hidden = phone.key_pairs.get()
    assert not hidden.handed_out
    assert selectors.key_pairs_of(phone) == {}
    pair, secret = keys.keys_generate(actor=actor, application=phone, key_type="production", **CODE)
    assert (pair.pk, pair.handed_out, phone.key_pairs.count()) == (hidden.pk, True, 1)
    assert check_password(secret, OAuthClient.objects.get(pk=pair.client_id).client_secret)


# Management clients and access tokens -----------------------------------------------------------------------------


def test_an_administrator_registers_a_program_that_acts_for_people(adam: Person) -> None:
    actor = Actor.of(adam)
    client, secret = clients.client_register(actor=actor, name="Robot", redirect_uris=["https://robot.example.com"])
    assert check_password(secret, OAuthClient.objects.get().client_secret)
    assert secret not in whole_database()
    assert (client.client_type, client.authorization_grant_type) == ("confidential", "authorization-code")
    assert not hasattr(client, "key_pair")
    public, nothing = clients.client_register(
        actor=actor, name="App", redirect_uris=["http://localhost/cb"], confidential=False
    )
    assert (public.client_type, nothing) == ("public", "")
    assert last_entry().detail["client_id"] == public.client_id


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"redirect_uris": []}, {"redirect_uris"}),
        ({"name": "a/b", "redirect_uris": ["https://ok.example.com", "ftp://x"]}, {"name", "redirect_uris/1"}),
    ],
)
def test_bad_management_clients_are_refused(adam: Person, values: dict[str, Any], fields: set[str]) -> None:
    actor = Actor.of(adam)
    good = {"name": "Robot", "redirect_uris": ["https://robot.example.com"]}
    client, _ = clients.client_register(actor=actor, **good)
    before = everything()
    for attempt in (
        lambda: clients.client_register(actor=actor, **{**good, **values}),
        lambda: clients.client_update(actor=actor, client=client, **{**good, **values}),
    ):
        with pytest.raises(Invalid) as refused:
            attempt()
        assert set(refused.value.fields) == fields
    assert everything() == before
    clients.client_update(actor=actor, client=client, name="Robo", redirect_uris=["https://robo.example.com"])
    clients.client_delete(actor=actor, client=client)
    assert not OAuthClient.objects.exists()


def test_only_administrators_keep_management_clients(people: dict[str, Person]) -> None:
    for name in ("carol", "pia", "paul", "sam", "vic"):
        with pytest.raises(Forbidden):
            clients.client_register(actor=Actor.of(people[name]), name="R", redirect_uris=["https://x.example.com"])
    assert not OAuthClient.objects.exists()


def test_the_client_of_an_application_is_no_management_client(adam: Person, sam: Person, phone: Application) -> None:
    pair, _ = keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    before = everything()
    with pytest.raises(Missing):
        clients.client_delete(actor=Actor.of(adam), client=pair.client)
    with pytest.raises(Missing):
        clients.client_update(actor=Actor.of(adam), client=pair.client, name="x", redirect_uris=["https://x.example"])
    assert everything() == before


def test_a_revoked_token_is_gone_with_its_refresh_token_and_gateways_are_told(
    adam: Person, sam: Person, phone: Application
) -> None:
    token, _ = keys.token_generate(actor=Actor.of(sam), application=phone, key_type="production")
    row = AccessToken.objects.get()
    RefreshToken.objects.create(user=sam, token="r" * 30, application=row.application, access_token=row)
    key = row.pk
    with pytest.raises(Forbidden):
        clients.access_token_revoke(actor=Actor.of(sam), token=row)
    clients.access_token_revoke(actor=Actor.of(adam), token=row)
    assert selectors_credentials.access_token_find(token) is None
    assert RefreshToken.objects.get().revoked is not None
    assert Change.objects.filter(kind="token", subject=str(key)).exists()
    assert (last_entry().action, last_entry().detail) == ("revoke_access_token", {"token": key})
