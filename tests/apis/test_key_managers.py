"""Key managers outside of the product: adam names them, sam maps his clients, eve gets nothing."""

from __future__ import annotations

import ipaddress

import pytest
from django.test import Client

from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.fetching import FetchFailed, fetch_json
from apis.models import Change, HistoryEntry, KeyManager, MappedKey
from apis.permissions import Actor
from apis.sealing import unseal
from apis.services import key_managers, mapping, securing
from apis.validators import Network
from tests.apis.browsing import page, page_of, words
from tests.apis.office import at, desk
from tests.keymaster import KeyMaster, key_master

LOGIN = {"name": "Login", "issuer": "https://login.example", "jwks_url": "https://login.example/keys"}
ORACLE = {"name": "Oracle", "validation": "introspection", "introspection_url": "https://oracle.example/ask",
          "client_id": "us", "client_secret": "hush"}  # fmt: skip


@pytest.fixture
def login(adam, actor) -> KeyManager:
    return key_managers.key_manager_create(actor=actor(adam), **LOGIN)


@pytest.fixture
def master():
    with key_master() as running:
        yield running


def here(master: KeyMaster, **values):
    return {"name": "Here", "issuer": master.issuer, "jwks_url": f"{master.issuer}/keys", **values}


def test_only_administrators_name_key_managers(people, actor):
    for name in ("carol", "pia", "sam", "eve"):
        with pytest.raises(Forbidden):
            key_managers.key_manager_create(actor=actor(people[name]), **LOGIN)


@pytest.mark.parametrize(("changes", "field"), [
    ({"name": ""}, "name"), ({"name": "resident"}, "name"), ({"issuer": ""}, "issuer"), ({"issuer": " x"}, "issuer"),
    ({"jwks_url": ""}, "jwks_url"), ({"jwks_url": "ftp://x"}, "jwks_url"), ({"jwks_url": "https://"}, "jwks_url"),
    ({"jwks_url": "https://us:pw@x.example"}, "jwks_url"), ({"jwks_url": "https://169.254.169.254/keys"}, "jwks_url"),
    ({"introspection_url": "https://169.254.1.1/"}, "introspection_url"),
    ({"algorithms": []}, "algorithms"),
    ({"algorithms": ["HS256"]}, "algorithms"), ({"algorithms": ["none"]}, "algorithms"),
    ({"leeway_s": 301}, "leeway_s"),
    ({"client_claim": ""}, "client_claim"), ({"audiences": [""]}, "audiences"), ({"validation": "magic"}, "validation"),
    ({"jwks": {"keys": []}}, "jwks"), ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "jwks"),
    ({"validation": "introspection"}, "introspection_url"), ({"nonsense": 1}, "nonsense"),
])  # fmt: skip
def test_what_is_wrong_is_named(adam, actor, changes, field):
    with pytest.raises(Invalid) as refusal:
        key_managers.key_manager_create(actor=actor(adam), **{**LOGIN, **changes})
    assert field in refusal.value.fields
    assert not KeyManager.objects.exists()


def test_two_have_neither_one_name_nor_one_issuer(adam, actor, login):
    for changes in ({"name": "Other"}, {"issuer": "https://other.example"}):
        with pytest.raises(Taken):
            key_managers.key_manager_create(actor=actor(adam), **{**LOGIN, **changes})


def test_a_secret_is_sealed_kept_and_cleared(adam, actor):
    row = key_managers.key_manager_create(actor=actor(adam), **ORACLE)
    assert unseal(row.config["client_secret"]) == "hush"
    assert "hush" not in repr(list(KeyManager.objects.values())) + repr(list(HistoryEntry.objects.values()))
    for given, kept in (({}, "hush"), ({"client_secret": None}, "hush"), ({"client_secret": "new"}, "new")):
        key_managers.key_manager_update(actor=actor(adam), key_manager=row, description="x", **given)
        assert unseal(KeyManager.objects.get().config["client_secret"]) == kept
    key_managers.key_manager_update(actor=actor(adam), key_manager=row, client_secret="")
    assert KeyManager.objects.get().config["client_secret"] == ""


def test_other_terms_ask_for_the_tokens_again_and_other_words_do_not(adam, actor, login):
    for changes, terms in (({"description": "x"}, 1), ({"enabled": False}, 1), ({"audiences": ["a"]}, 2),
                           ({"audiences": ["a"]}, 2), ({"jwks_url": "https://login.example/new"}, 3)):  # fmt: skip
        key_managers.key_manager_update(actor=actor(adam), key_manager=login, **changes)
        assert login.terms == terms, changes
    with pytest.raises(Conflict):
        key_managers.key_manager_update(actor=actor(adam), key_manager=login, name="Other")
    assert Change.objects.filter(kind="key_manager", subject=str(login.pk)).count() >= 5


def test_one_that_an_api_names_is_not_deleted(adam, paul, actor, login, chat):
    securing.security_configure(actor=actor(paul), api=chat, settings={"key_managers": ["Login"]})
    with pytest.raises(Conflict):
        key_managers.key_manager_delete(actor=actor(adam), key_manager=login)
    securing.security_configure(actor=actor(paul), api=chat, settings={})
    key_managers.key_manager_delete(actor=actor(adam), key_manager=login)
    assert not KeyManager.objects.exists()


def test_everybody_reads_names_and_administrators_more(rest, adam, sam, login):
    rows = rest(sam).get("/key-managers").body["results"]
    assert [set(row) for row in rows] == [{"id", "name", "description"}] * 2
    assert [row["name"] for row in rows] == ["Resident", "Login"]
    rows = rest(adam).get("/key-managers").body["results"]
    assert rows[1]["jwks_url"] == LOGIN["jwks_url"]
    assert (rows[1]["client_secret"], rows[1]["client_secret_set"]) == (None, False)
    built_in = f"/key-managers/{rows[0]['id']}"
    assert rest(adam).patch(built_in, {"enabled": False}).status == 409
    assert rest(adam).delete(built_in).status == 409
    assert rest(sam).patch(f"/key-managers/{login.pk}", {"enabled": False}).status == 403
    assert rest(adam).patch(f"/key-managers/{login.pk}", {"enabled": False}).body["enabled"] is False
    assert rest(sam).get("/key-managers").body["count"] == 1
    assert rest(sam).get(f"/key-managers/{login.pk}").status == 404


def test_a_client_belongs_to_one_application(adam, sam, eve, actor, phone, login):
    def attempt(**values):
        given = {"key_manager": "Login", "key_type": "production", "consumer_key": "x1", **values}
        return mapping.key_map(actor=actor(adam), application=phone, **given)

    for wrong in ({"key_manager": "Resident"}, {"key_type": "x"}, {"consumer_key": ""}, {"consumer_key": " a"},
                  {"consumer_key": "\0"}):  # fmt: skip
        with pytest.raises(Invalid):
            attempt(**wrong)
    mapped = attempt()
    for taken in ({"key_type": "sandbox"}, {"consumer_key": "x2"}):
        with pytest.raises(Taken):
            attempt(**taken)
    with pytest.raises(Exception, match="no such application"):
        mapping.key_unmap(actor=actor(eve), mapped_key=mapped)
    mapping.key_unmap(actor=actor(sam), mapped_key=mapped)
    assert not MappedKey.objects.exists()


def test_sam_proves_that_a_client_is_his_on_a_page(sam, adam, eve, actor, phone, master):
    key_managers.key_manager_create(actor=actor(adam), **here(master, audiences=["wsportal"]))
    browser = Client()
    browser.force_login(sam, "django.contrib.auth.backends.ModelBackend")
    address = page(phone, "clients")
    assert "None yet" in words(browser.get(address))
    form = {"key_manager": "Here", "key_type": "production", "consumer_key": "phone"}
    answer = browser.post(address, form)
    assert answer.status_code == 400
    assert "as proof that it is yours" in words(answer)
    token = master.token("tablet")
    answer = browser.post(address, {**form, "access_token": token})
    assert "issued to another client" in words(answer)
    assert token not in answer.content.decode()
    answer = browser.post(address, {**form, "access_token": master.token()}, follow=True)
    assert "phone of Here production Remove" in words(answer)
    mapped = MappedKey.objects.get()
    remove = page(phone, f"clients/{mapped.pk}/remove")
    assert "Remove the client phone" in words(browser.get(remove))
    browser.post(remove)
    assert not MappedKey.objects.exists()
    browser.force_login(eve, "django.contrib.auth.backends.ModelBackend")
    assert browser.get(address).status_code in {403, 404}


def test_adam_names_and_tries_one_in_the_administration(adam, phone, master):
    office = desk(adam)
    facts = {"name": "Here", "issuer": master.issuer, "jwks_url": f"{master.issuer}/keys", "audiences": "a\nb"}
    office.done(office.press(at(KeyManager, "add"), **facts))
    row = KeyManager.objects.get()
    assert (row.config["audiences"], row.config["at_jwt_only"]) == (["a", "b"], True)
    mapping.key_map(actor=Actor.of(adam), application=phone, key_manager="Here", key_type="sandbox", consumer_key="x1")
    assert "sandbox x1 Here" in words(office.open(at(phone)))
    answer = office.client.post(f"/admin/apis/keymanager/{row.pk}/test/")
    assert "1 key(s) can be used" in words(answer)
    assert "as they are published" in words(answer)
    master.broken = True
    assert "The answer was 500" in words(office.client.post(f"/admin/apis/keymanager/{row.pk}/test/"))
    office.done(office.press(at(row), audiences="c"))
    row.refresh_from_db()
    assert (row.config["audiences"], row.terms) == (["c"], 2)


@pytest.mark.parametrize(("url", "words"), [
    ("http://127.0.0.1:1/x", "not public"), ("https://localhost/x", "not public"),
    ("http://169.254.169.254/", "not p"),
    ("https://[::1]/", "not public"), ("http://2130706433/", "not public"), ("ftp://x", "https://"),
])  # fmt: skip
def test_nothing_is_fetched_from_where_it_must_not_be(url, words):
    with pytest.raises(FetchFailed, match=words):
        fetch_json(url, ())


def test_a_fetch_is_bounded(master):
    networks: list[Network] = [ipaddress.ip_network("127.0.0.0/8")]
    assert fetch_json(f"{master.issuer}/keys", networks)["keys"]
    for path in ("/nothing", "/token"):
        with pytest.raises(FetchFailed):
            fetch_json(master.issuer + path, networks)


def test_the_page_of_an_api_says_whose_tokens_it_takes(paul, actor, login, chat, sam):
    browser = Client()
    browser.force_login(sam, "django.contrib.auth.backends.ModelBackend")
    assert "access tokens of" not in words(browser.get(page_of(chat)))
    securing.security_configure(actor=actor(paul), api=chat, settings={"key_managers": ["Resident", "Login"]})
    assert "access tokens of Resident, Login only." in words(browser.get(page_of(chat)))
    securing.security_configure(actor=actor(paul), api=chat, settings={"key_managers": ["Login"]})
    assert "those that this portal makes do not open it" in words(browser.get(page_of(chat)))


def test_proofs_are_not_tried_without_end(rest, sam, adam, actor, phone, master):
    key_managers.key_manager_create(actor=actor(adam), **here(master))
    body = {"key_manager": "Here", "key_type": "production", "consumer_key": "phone", "access_token": "made-up"}
    answers = [rest(sam).post(f"/applications/{phone.pk}/mapped-keys", body) for _ in range(45)]
    answers[0].refused(400)
    answers[-1].refused(429, "throttled")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
