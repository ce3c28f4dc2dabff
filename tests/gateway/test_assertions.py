"""The keys behind X-JWT-Assertion: made once, sealed, rotated; what the public set holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import KeySet

from apis.sealing import is_sealed
from gateway.assertions import KEY_S, Assertions, current_key, jwks, key_rotate
from gateway.core.assertions import LIFE_S, REUSE_S
from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal
from gateway.models import SigningKey

pytestmark = pytest.mark.django_db

T = TypeVar("T")
API = ApiSnapshot("api-1", "Chat", "/chat", "1.0.0", "/chat/1.0.0", "published", (), {})
SAM = Principal("jwt", "key", application_id="app-1", end_user="somebody else's sam")
DEAL = Entitlement("s", "api-1", "app-1", "Desk", "owner")


def test_the_first_need_makes_one_key_that_is_sealed_and_everybody_gets_it() -> None:
    key = current_key()
    assert current_key().kid == key.kid
    row = SigningKey.objects.get()
    assert is_sealed(row.private)
    assert "PRIVATE" not in row.private
    assert current_key().as_dict(private=True) == key.as_dict(private=True)


def test_rotation_keeps_the_old_public_key_for_a_day_and_no_longer() -> None:
    first = current_key()
    call_command("rotate_assertion_key", verbosity=0)
    second = current_key()
    assert second.kid != first.kid
    assert [key["kid"] for key in jwks()["keys"]] == [second.kid, first.kid]
    SigningKey.objects.filter(kid=first.kid).update(retired_at=timezone.now() - timedelta(hours=25))
    assert [key["kid"] for key in jwks()["keys"]] == [second.kid]
    key_rotate()
    assert not SigningKey.objects.filter(kid=first.kid).exists()


def test_two_who_rotate_at_once_do_it_once() -> None:
    current_key()
    seen = SigningKey.objects.get(current=True)
    new = key_rotate()
    with pytest.raises(IntegrityError):
        key_rotate(instead_of=seen)
    assert current_key().kid == new.kid


def test_a_key_that_cannot_be_read_any_more_is_replaced_and_still_published() -> None:
    old = current_key()
    SigningKey.objects.update(private="sealed:v1:of-another-installation")
    new = current_key()
    assert new.kid != old.kid
    assert {key["kid"] for key in jwks()["keys"]} == {old.kid, new.kid}


def test_anybody_may_read_the_public_halves_and_nothing_else(client: Client) -> None:
    assert client.get("/.well-known/jwks.json").json() == {"keys": []}
    key = current_key()
    answer = client.get("/.well-known/jwks.json")
    assert answer["Content-Type"] == "application/jwk-set+json"
    assert "max-age" in answer["Cache-Control"]
    (found,) = json.loads(answer.content)["keys"]
    assert found.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (found["kid"], found["use"], found["alg"]) == (key.kid, "sig", "ES256")
    assert client.post("/.well-known/jwks.json").status_code == 405


def finished(work: Coroutine[Any, Any, T]) -> T:
    """The result of something that never really waits: a loop would have a database connection of its own."""
    with pytest.raises(StopIteration) as done:
        work.send(None)
    result: T = done.value.value
    return result


def test_an_assertion_is_used_again_for_a_while_and_a_new_key_is_noticed() -> None:
    now, asked = 1000.0, []

    async def ask(query: Callable[..., Any], *args: Any) -> Any:
        asked.append(query.__name__)
        return query(*args)

    assertions = Assertions(ask, lambda: now)

    def said(principal: Principal = SAM) -> str:
        name, value = finished(assertions.header(API, principal, DEAL))
        assert name == b"x-jwt-assertion"
        return value.decode()

    first = said()
    now = 1000.0 + REUSE_S - 1
    assert said() == first
    assert asked.count("current_key") == 1
    assert said(Principal("oauth", "k", end_user="eve")) != first
    new = key_rotate()
    now += max(KEY_S, REUSE_S)
    second = said()
    assert second != first
    now -= 100_000  # a clock that is set back
    assert said() not in {first, second}
    keys = KeySet.import_key_set(jwks())
    token = jwt.decode(second, keys, algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "typ": "JWT", "kid": new.kid}
    assert token.claims["exp"] - token.claims["iat"] == LIFE_S
    assert token.claims["end_user"] == "somebody else's sam"
