"""What the gateway remembers of tokens that other key managers issued: asking again costs nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from apis.models import KeyManager, MappedKey
from apis.services import key_managers, mapping, people
from gateway.core.foreign_ids import TokenId
from gateway.core.rejections import Rejection
from gateway.foreign import REASK_S, UNANSWERED_S, UNUSED_S, WRONG, ForeignTokens
from tests.keymaster import KeyMaster, key_master


class Clock:
    """Epoch seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock) -> ForeignTokens:
    return ForeignTokens(clock)


@pytest.fixture
def master() -> Iterator[KeyMaster]:
    with key_master() as running:
        yield running


@pytest.fixture
def oracle() -> Iterator[KeyMaster]:
    with key_master(opaque=True) as running:
        yield running


def named(actor, adam, master: KeyMaster, **values) -> KeyManager:
    facts = {"name": "Here", "issuer": master.issuer, "jwks_url": f"{master.issuer}/keys", "audiences": ["wsportal"]}
    return key_managers.key_manager_create(actor=actor(adam), **{**facts, **values})


def asked(actor, adam, oracle: KeyMaster) -> KeyManager:
    facts = {"validation": "introspection", "jwks_url": "", "client_id": "gateway", "client_secret": "hush"}
    return named(actor, adam, oracle, introspection_url=f"{oracle.issuer}/introspect", **facts)


def mapped(actor, adam, phone) -> MappedKey:
    facts = {"key_manager": "Here", "key_type": "production", "consumer_key": "phone"}
    return mapping.key_map(actor=actor(adam), application=phone, **facts)


def test_a_token_that_is_known_costs_neither_a_query_nor_a_request(
    adam, actor, phone, master, tokens, django_assert_num_queries
):
    named(actor, adam, master)
    mapped(actor, adam, phone)
    token = master.token()
    principal = tokens.find_token(token)
    assert principal is not None
    assert (principal.kind, principal.application_id, principal.end_user) == ("jwt", str(phone.pk), str(phone.owner_id))
    assert (principal.key_manager, principal.scopes) == ("Here", {"default", "read"})
    assert len(principal.token_id) <= 64
    managers = tokens.managers.known()
    assert managers is not None
    manager = tokens.issuer_of(token, managers)
    before = dict(master.asked)
    with django_assert_num_queries(0):
        assert tokens.check_at_once(manager, token)
        assert tokens.check_at_once(manager, token + "x") is WRONG
        assert tokens.check_at_once(manager, master.token_offline())
    assert dict(master.asked) == before
    with django_assert_num_queries(1):
        assert tokens.alive([principal.token_id] * 3) == {principal.token_id: principal.expires_at}


def test_what_a_token_depends_on(adam, sam, actor, phone, master, tokens):
    row = named(actor, adam, master)
    mapping_row = mapped(actor, adam, phone)
    principal = tokens.find_token(master.token())
    assert TokenId.read(principal.token_id).mapping == str(mapping_row.pk)
    key_managers.key_manager_update(actor=actor(adam), key_manager=row, description="other words")
    assert tokens.alive([principal.token_id])
    people.person_update(actor=actor(adam), person=sam, disabled=True)
    assert not tokens.alive([principal.token_id])
    assert tokens.find_token(master.token()) is None
    people.person_update(actor=actor(adam), person=sam, disabled=False)
    key_managers.key_manager_update(actor=actor(adam), key_manager=row, leeway_s=1)
    assert not tokens.alive([principal.token_id])
    assert tokens.alive([tokens.find_token(master.token()).token_id])
    key_managers.key_manager_update(actor=actor(adam), key_manager=row, enabled=False)
    assert tokens.find_token(master.token()) is None


def test_an_introspected_token_is_asked_about_now_and_then(adam, actor, phone, oracle, tokens, clock):
    asked(actor, adam, oracle)
    mapped(actor, adam, phone)
    token = oracle.token()
    assert tokens.find_token(token) is None  # nobody named it
    assert oracle.asked["/introspect"] == 0
    principal = tokens.find_token(token, ["Here"])
    assert principal.only_named
    for _ in range(3):
        assert tokens.find_token(token, ["Here"])
        assert tokens.alive([principal.token_id])
    assert oracle.asked["/introspect"] == 1
    clock.now += REASK_S + 1
    assert tokens.find_token(token, ["Here"])
    assert oracle.asked["/introspect"] == 2


def test_an_introspected_token_ends_when_nobody_says_that_it_is_good(adam, actor, phone, oracle, tokens, clock):
    asked(actor, adam, oracle)
    mapped(actor, adam, phone)
    token = oracle.token()
    principal = tokens.find_token(token, ["Here"])
    oracle.broken = True
    clock.now += REASK_S + 1
    assert tokens.alive([principal.token_id])
    with pytest.raises(Rejection):
        tokens.find_token(token, ["Here"])
    clock.now += UNANSWERED_S
    assert not tokens.alive([principal.token_id])


def test_the_token_is_shown_nowhere(adam, actor, phone, oracle, tokens):
    asked(actor, adam, oracle)
    mapped(actor, adam, phone)
    token = oracle.token()
    assert token not in repr(tokens.find_token(token, ["Here"]))
    assert token not in repr(list(tokens._watched.values()))
    assert "hush" not in repr(tokens.managers.known())


def test_a_token_that_nobody_uses_is_let_go_of(adam, actor, phone, oracle, tokens, clock):
    asked(actor, adam, oracle)
    mapped(actor, adam, phone)
    first, second = oracle.token(), oracle.token()
    tokens.find_token(first, ["Here"])
    clock.now += UNUSED_S + 1
    tokens.find_token(second, ["Here"])
    assert [watched.token for watched in tokens._watched.values()] == [second]


def test_a_key_that_is_withdrawn_signs_nothing_any_more(adam, actor, phone, master, tokens):
    named(actor, adam, master)
    mapped(actor, adam, phone)
    token = master.token()
    assert tokens.find_token(token)
    master.rotate()
    manager = tokens.issuer_of(token, tokens.managers.known())
    manager.ring._asked_at = float("-inf")  # as if it was long ago
    manager.refresh()
    assert tokens.find_token(token) is None
    assert tokens.find_token(master.token())
