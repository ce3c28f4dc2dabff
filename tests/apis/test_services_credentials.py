"""API keys, test keys and how an API is protected: who may, what is refused, and that nothing secret is kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apis import shapes_security
from apis.errors import Conflict, Forbidden, Invalid, Missing, ServiceError
from apis.models import Api, ApiKey, Application, Change, HistoryEntry, KeyManager, Person
from apis.permissions import Actor
from apis.services import api_keys, designs, publishing, securing
from apis.shapes_security import DEFAULT_SECURITY
from tests.apis.world import everything, last_entry

SETTINGS = {
    "schemes": ["api_key", "oauth"],
    "key_managers": ["Resident"],
    "query_credentials": True,
    "origins": ["https://app.example.com", "null"],
    "backend_jwt": True,
    "inspect_payload": True,
    "mask": ["/card/number", "/a~1b"],
}


# API keys -----------------------------------------------------------------------------------------------------------


def make(person: Person, application: Application, **wish: Any) -> tuple[ApiKey, str]:
    wish = {"key_type": "production", **wish}
    return api_keys.api_key_create(actor=Actor.of(person), application=application, **wish)


def test_an_api_key_is_shown_once_and_kept_as_a_hash(sam: Person, phone: Application) -> None:
    row, key = make(sam, phone, expires_in=60, permitted_ips=["192.0.2.0/24"], permitted_referers=["*.example.com"])
    assert key.startswith("wsk_")
    assert key.endswith(row.hint)
    assert (row.state, row.key_type, row.last_used_at) == ("active", "production", None)
    assert row.expires_at is not None
    assert timedelta(0) < row.expires_at - timezone.now() <= timedelta(seconds=60)
    assert key not in str(everything()) + json.dumps([entry.detail for entry in HistoryEntry.objects.all()])
    assert last_entry().action == "create_api_key"


def test_a_revoked_key_says_so_and_tells_the_gateways(sam: Person, phone: Application) -> None:
    row, _ = make(sam, phone)
    api_keys.api_key_revoke(actor=Actor.of(sam), key=row)
    assert ApiKey.objects.get().state == "revoked"
    assert Change.objects.filter(kind="token", subject=str(row.pk)).exists()
    with pytest.raises(Conflict):
        api_keys.api_key_revoke(actor=Actor.of(sam), key=row)


def test_a_key_that_has_expired_says_so(sam: Person, phone: Application) -> None:
    row, _ = make(sam, phone)
    ApiKey.objects.update(expires_at=timezone.now())
    row.refresh_from_db()
    assert row.state == "expired"


@pytest.mark.parametrize("name", ["eve", "paul", "vic"])
def test_only_its_owner_and_adam_make_and_revoke_keys_of_an_application(
    people: dict[str, Person], phone: Application, name: str
) -> None:
    row, _ = make(people["sam"], phone)
    make(people["adam"], phone)
    with pytest.raises(Missing):
        make(people[name], phone)
    with pytest.raises(Missing):
        api_keys.api_key_revoke(actor=Actor.of(people[name]), key=row)


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        ({"key_type": "staging"}, "key_type"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": 10**12}, "expires_in"),
        ({"permitted_ips": ["192.0.2.300"]}, "permitted_ips/0"),
        ({"permitted_ips": ["192.0.2.1", "fe80::1%eth0"]}, "permitted_ips/1"),
        ({"permitted_ips": ["192.0.2.1"] * 2}, "permitted_ips"),
        ({"permitted_ips": ["192.0.2.1"] * 51}, "permitted_ips"),
        ({"permitted_referers": ["ftp://example.com"]}, "permitted_referers/0"),
        ({"permitted_referers": ["https://example.com/a b"]}, "permitted_referers/0"),
        ({"permitted_referers": [""]}, "permitted_referers/0"),
        ({"permitted_referers": [7]}, "permitted_referers/0"),
    ],
)
def test_a_wish_that_breaks_a_rule_is_refused_by_its_path(
    sam: Person, phone: Application, wish: dict[str, Any], path: str
) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        make(sam, phone, **wish)
    assert path in refused.value.fields
    assert everything() == before


def test_an_application_has_a_bounded_number_of_keys(
    sam: Person, phone: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "KEYS_LIMIT", 1)
    row, _ = make(sam, phone)
    with pytest.raises(Conflict):
        make(sam, phone)
    api_keys.api_key_revoke(actor=Actor.of(sam), key=row)
    make(sam, phone)


# Test keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["carol", "pia", "paul", "adam"])
def test_who_makes_apis_gets_a_test_key_for_an_hour(people: dict[str, Person], chat: Api, name: str) -> None:
    row, key = api_keys.api_test_key_create(actor=Actor.of(people[name]), api=chat)
    assert key.startswith("wst_")
    assert key not in str(everything())
    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1)
    entry = last_entry()
    assert (entry.action, entry.api) == ("create_test_key", chat)


@pytest.mark.parametrize("name", ["sam", "vic"])
def test_nobody_else_does(people: dict[str, Person], chat: Api, name: str) -> None:
    with pytest.raises(Forbidden):
        api_keys.api_test_key_create(actor=Actor.of(people[name]), api=chat)


def test_an_api_that_nobody_reaches_has_no_test_key(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    publishing.api_transition(actor=actor, api=chat, action="block")
    with pytest.raises(Conflict) as refused:
        api_keys.api_test_key_create(actor=actor, api=chat)
    assert refused.value.code == "not_reachable"
    publishing.api_transition(actor=actor, api=chat, action="republish")
    publishing.revision_undeploy(actor=actor, revision=chat.revisions.get())
    with pytest.raises(Conflict) as refused:
        api_keys.api_test_key_create(actor=actor, api=chat)
    assert refused.value.code == "not_deployed"


# How an API is protected --------------------------------------------------------------------------------------------


def test_settings_hold_at_once_where_the_api_is_deployed_and_the_revision_keeps_its_own(
    chat: Api, paul: Person
) -> None:
    securing.security_configure(actor=Actor.of(paul), api=chat, settings=SETTINGS)
    chat.refresh_from_db()
    deployment = chat.deployments.get()
    assert chat.security == deployment.design["security"] == SETTINGS
    assert deployment.revision.design["security"] == DEFAULT_SECURITY
    entry = last_entry()
    assert (entry.action, entry.detail["before"], entry.detail["after"]) == ("security", DEFAULT_SECURITY, SETTINGS)
    assert Change.objects.filter(kind="api", subject=str(chat.pk)).exists()


def test_settings_are_restored_from_a_revision_and_copied_into_a_version(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    securing.security_configure(actor=actor, api=chat, settings=SETTINGS)
    assert designs.api_version_create(actor=actor, api=chat, version="2").security == SETTINGS
    publishing.revision_restore(actor=actor, revision=chat.revisions.get())
    chat.refresh_from_db()
    assert chat.security == DEFAULT_SECURITY


def test_a_design_from_before_there_was_any_security_has_the_defaults() -> None:
    assert shapes_security.security_of({}) == DEFAULT_SECURITY
    assert shapes_security.security_of({"security": {"origins": ["null"]}})["origins"] == ["null"]


def test_a_key_manager_must_exist(chat: Api, paul: Person) -> None:
    with pytest.raises(Invalid) as refused:
        securing.security_configure(actor=Actor.of(paul), api=chat, settings={"key_managers": ["Nowhere"]})
    assert refused.value.fields == {"key_managers": ["There is no key manager named 'Nowhere'."]}
    KeyManager.objects.create(name="Nowhere", issuer="https://id.example.com")
    securing.security_configure(actor=Actor.of(paul), api=chat, settings={"key_managers": ["Nowhere", "Resident"]})


@pytest.mark.parametrize("name", ["pia", "sam", "vic"])
def test_only_who_designs_apis_says_how_they_are_protected(people: dict[str, Person], chat: Api, name: str) -> None:
    with pytest.raises(ServiceError):
        securing.security_configure(actor=Actor.of(people[name]), api=chat, settings=SETTINGS)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (None, ""),
        ([], ""),
        ({"schemes": []}, "schemes"),
        ({"schemes": ["basic"]}, "schemes"),
        ({"schemes": ["oauth", "oauth"]}, "schemes"),
        ({"schemes": [[]]}, "schemes"),
        ({"query_credentials": 1}, "query_credentials"),
        ({"origins": ["https://app.example.com/"]}, "origins"),
        ({"origins": ["https://App.example.com"]}, "origins"),
        ({"origins": ["https://app.example.com:443"]}, "origins"),
        ({"origins": ["https://app.example.com:99999"]}, "origins"),
        ({"origins": ["*"]}, "origins"),
        ({"origins": ["https://*.example.com"]}, "origins"),
        ({"origins": ["app.example.com"]}, "origins"),
        ({"origins": "https://app.example.com"}, "origins"),
        ({"origins": ["null"] * 2}, "origins"),
        ({"mask": ["card"]}, "mask"),
        ({"mask": ["/a~2"]}, "mask"),
        ({"mask": [""]}, "mask"),
        ({"key_managers": [" "]}, "key_managers"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_break_a_rule_are_refused_by_their_key(chat: Api, paul: Person, settings: Any, path: str) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        securing.security_configure(actor=Actor.of(paul), api=chat, settings=settings)
    assert list(refused.value.fields) == [path]
    assert everything() == before


@pytest.mark.parametrize("origin", ["https://app.example.com", "http://localhost:3000", "http://[::1]:8080", "null",
                                    "chrome-extension://abcdefgh", "https://192.0.2.1:8443"])  # fmt: skip
def test_origins_as_browsers_send_them_are_accepted(origin: str) -> None:
    assert not shapes_security.origin_problem(origin)
