"""Secrets under lock: what is sealed, what opens it, and how adam changes the key."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from apis import sealing
from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import configuring

OLD, NEW = "o" * 40, "n" * 40
SECURITY = {"type": "basic", "username": "us", "password": "open sesame"}


def test_what_is_sealed_opens_again_looks_like_nothing_and_never_the_same_twice() -> None:
    for text in ("open sesame", "", "é\n" * 5_000, "sealed:v1:x"):
        sealed = sealing.seal(text)
        assert sealing.unseal(sealed) == text
        assert sealed.startswith("sealed:v1:")
        assert "sesame" not in sealed
        assert sealing.seal(text) != sealed


@pytest.mark.parametrize("text", ["", "open sesame", "sealed:v1:", "sealed:v1:é", "sealed:v2:abc"])
def test_anything_else_does_not_open_and_is_not_repeated(text: str) -> None:
    with pytest.raises(sealing.Unreadable) as refused:
        sealing.unseal(text)
    assert not text or text not in str(refused.value)


def test_a_changed_seal_and_another_installation_do_not_open_it() -> None:
    sealed = sealing.seal("open sesame")
    middle = len(sealed) // 2
    other = "A" if sealed[middle] != "A" else "B"
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed[:middle] + other + sealed[middle + 1 :])
    with override_settings(SECRET_KEY="x" * 50), pytest.raises(sealing.Unreadable):
        sealing.unseal(sealed)
    with override_settings(SECRET_KEY="x" * 50, SECRET_KEY_FALLBACKS=[_secret_key()]):
        assert sealing.unseal(sealed) == "open sesame"


def _secret_key() -> str:
    from django.conf import settings

    return settings.SECRET_KEY


def test_a_new_key_opens_what_the_old_ones_sealed_and_seals_what_is_new() -> None:
    first = sealing.seal("one")
    with override_settings(ENCRYPTION_KEYS=(OLD,)):
        second = sealing.seal("two")
        assert sealing.unseal(first) == "one"
    with override_settings(ENCRYPTION_KEYS=(NEW, OLD)):
        third, anew = sealing.seal("three"), sealing.reseal(second)
        assert [sealing.unseal(one) for one in (first, second, third, anew)] == ["one", "two", "three", "two"]
    with override_settings(ENCRYPTION_KEYS=(NEW,)):
        assert [sealing.unseal(one) for one in (third, anew)] == ["three", "two"]
        with pytest.raises(sealing.Unreadable):
            sealing.unseal(second)


def test_adam_reseals_everything_and_then_the_old_key_is_needed_no_more(carol: Person, chat: Api) -> None:
    config = {"urls": [{"url": "wss://new.example.com"}], "security": SECURITY}
    with override_settings(ENCRYPTION_KEYS=(OLD,)):
        configuring.endpoint_configure(actor=Actor.of(carol), api=chat, key_type="production", config=config)
    said = StringIO()
    with override_settings(ENCRYPTION_KEYS=(NEW, OLD)):
        call_command("reseal", stdout=said)
    assert "2 secret(s)" in said.getvalue()
    with override_settings(ENCRYPTION_KEYS=(NEW,)):
        for kept in (chat.endpoints.get(key_type="production").config, chat.deployments.get().endpoints["production"]):
            assert sealing.unseal(kept["security"]["password"]) == "open sesame"


def test_a_secret_that_no_key_opens_is_counted_left_and_asked_for_again(rest, carol: Person, chat: Api) -> None:
    config = {"urls": [{"url": "wss://new.example.com"}], "security": SECURITY}
    with override_settings(ENCRYPTION_KEYS=(OLD,)):
        configuring.endpoint_configure(actor=Actor.of(carol), api=chat, key_type="production", config=config)
    kept = chat.endpoints.get(key_type="production").config
    with pytest.raises(CommandError, match=r"2 secret\(s\) cannot be read"):
        call_command("reseal", stdout=StringIO())
    assert chat.endpoints.get(key_type="production").config == kept
    where = f"/apis/{chat.pk}/endpoints/production"
    errors = rest(carol).put(where, {**config, "security": {**SECURITY, "password": None}}).refused(400)
    assert "give it again" in errors["#/security/password"]
    rest(carol).put(where, config).ok()
