"""Tokens of key managers outside of the product: checked with their keys or by asking them, for the application that a
client is mapped to; and what becomes of their sessions when something changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from joserfc import jwk
from websockets.sync.client import connect

from apis.models import MappedKey
from tests.gateway.backends import Backend, until
from tests.gateway.test_faults_process import running
from tests.gateway.world import Deal, World, closed, knock
from tests.keymaster import KeyMaster, key_master

TOKEN_DEAD = 4401
_numbers = count(1)


@pytest.fixture(scope="module")
def master() -> Iterator[KeyMaster]:
    with key_master() as running:
        yield running


@pytest.fixture(scope="module")
def oracle() -> Iterator[KeyMaster]:
    with key_master(opaque=True) as running:
        yield running


def ask(world: World, who: str, method: str, path: str, body: Any = None) -> Any:
    """Over REST in the gateway's own process, so that the next handshake knows."""
    answer = world.gateway.rest(world.people[who], method, path, body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def named(world: World, master: KeyMaster, **values: Any) -> dict[str, Any]:
    """adam names a key manager that publishes its keys."""
    body = {"name": f"Keys {next(_numbers)}", "issuer": master.issuer, "jwks_url": f"{master.issuer}/keys",
            "audiences": ["wsportal"], "proof": False}  # fmt: skip
    done: dict[str, Any] = ask(world, "adam", "POST", "/key-managers", {**body, **values})
    return done


def asked(world: World, oracle: KeyMaster, **values: Any) -> dict[str, Any]:
    """adam names one that is asked about each token."""
    facts = {"validation": "introspection", "jwks_url": "", "client_id": "gateway", "client_secret": "hush"}
    return named(world, oracle, introspection_url=f"{oracle.issuer}/introspect", **facts, **values)


def mapped(world: World, deal: Deal, manager: dict[str, Any], client: str = "phone", **values: Any) -> str:
    """sam maps a client to his application; the id."""
    body = {"key_manager": manager["name"], "key_type": "production", "consumer_key": client, **values}
    key: str = ask(world, "sam", "POST", f"/applications/{deal.application.pk}/mapped-keys", body)["id"]
    return key


@pytest.fixture
def manager(world: World, master: KeyMaster) -> Iterator[dict[str, Any]]:
    """A key manager, until the test is over."""
    master.published, master.claims, master.broken, master.life_s = [master.key], {}, False, 600
    row = named(world, master)
    yield row
    for api in ask(world, "adam", "GET", "/apis?page_size=100")["results"]:
        ask(world, "adam", "PUT", f"/apis/{api['id']}/security", {})
    ask(world, "adam", "DELETE", f"/key-managers/{row['id']}")


@pytest.fixture
def deal(world: World, backend: Backend) -> Deal:
    return world.deal(backend.url)


def refused(deal: Deal, token: str, code: str = "invalid_token", status: int = 401) -> None:
    answer = deal.knock(token=token)
    assert (answer.status, answer.code) == (status, code)


def test_a_signed_token_opens_the_apis_of_the_application_that_its_client_is_mapped_to(world, master, manager, deal):
    token = master.token()
    refused(deal, token)  # phone belongs to nobody yet
    mapped(world, deal, manager)
    refused(deal, master.token("tablet"))
    with deal.connect(token=token) as client:
        client.send("hello")
        assert client.recv() == "hello"
    other = world.deal(deal.api.endpoints.first().config["urls"][0]["url"])
    refused(other, token, "subscription_required", 403)


def test_what_a_token_must_say_is_judged_at_the_handshake(world, master, manager, deal):
    mapped(world, deal, manager)
    now = int(time.time())
    claims = {"iss": master.issuer, "aud": "wsportal", "exp": now + 60, "client_id": "phone", "sub": "phone"}
    assert deal.knock(token=master.sign(claims)).status == 101
    for wrong in ({"aud": "other"}, {"exp": now - 5}, {"nbf": now + 600}, {"client_id": "tablet"}):
        refused(deal, master.sign({**claims, **wrong}))
    refused(deal, master.sign({**claims, "iss": "https://eve.example"}))
    refused(deal, master.sign(claims, typ="JWT"))
    refused(deal, master.sign(claims, jwk.generate_key("RSA", 2048, {"kid": master.key.kid})))
    refused(deal, master.sign(claims, algorithm="RS512"))
    head, body, _ = master.sign(claims).split(".")
    refused(deal, f"{head}.{body}.AAAA")


def test_a_token_for_the_url_of_an_api_opens_that_api_only(world, master, manager, deal, backend):
    mapped(world, deal, manager)
    other = world.deal(backend.url)
    world_url = ask(world, "sam", "GET", f"/apis/{deal.api.pk}")["gateway_urls"][0]
    claims = {"iss": master.issuer, "aud": [world_url], "exp": time.time() + 60, "client_id": "phone", "sub": "phone"}
    assert deal.knock(token=master.sign(claims)).status == 101
    world.subscribe(other.api, deal.application, "Unlimited")
    refused(other, master.sign(claims))


def test_keys_are_kept_and_asked_for_again_when_they_were_rotated(world, master, manager, deal):
    mapped(world, deal, manager)
    before = master.asked["/keys"]
    for _ in range(5):
        assert deal.knock(token=master.token()).status == 101
    assert master.asked["/keys"] == before + 1
    stranger = jwk.generate_key("RSA", 2048, {"kid": "nobody"})
    claims = {"iss": master.issuer, "aud": "wsportal", "exp": time.time() + 60, "client_id": "phone", "sub": "phone"}
    for number in range(5):  # whatever eve makes up, the key manager is not asked for it each time
        refused(deal, master.sign({**claims, "jti": str(number)}, stranger))
    assert master.asked["/keys"] <= before + 2
    master.rotate()
    token = master.token()
    until(lambda: deal.knock(token=token).status == 101, 20)
    assert master.asked["/keys"] <= before + 4


def test_a_key_manager_that_does_not_answer_is_no_fault_of_the_token(world, master, manager, deal):
    mapped(world, deal, manager)
    token = master.token()
    master.broken = True
    answer = deal.knock(token=token)
    assert (answer.status, answer.code) == (503, "overloaded")
    assert deal.knock().status == 101  # others come in
    master.broken = False
    until(lambda: deal.knock(token=token).status == 101, 20)
    master.broken = True
    assert deal.knock(token=master.sign({"iss": master.issuer, "aud": "wsportal", "exp": time.time() + 60,
                                         "client_id": "phone", "sub": "phone"})).status == 101  # fmt: skip


def test_an_api_takes_tokens_of_the_key_managers_that_it_names(world, master, manager, deal):
    mapped(world, deal, manager)
    token = master.token()
    security = f"/apis/{deal.api.pk}/security"
    ask(world, "paul", "PUT", security, {"key_managers": ["Resident"]})
    refused(deal, token)
    assert deal.knock().status == 101
    ask(world, "paul", "PUT", security, {"key_managers": [manager["name"]]})
    assert deal.knock(token=token).status == 101
    refused(deal, deal.token)


def test_a_session_ends_with_its_token(world, master, manager, deal):
    mapped(world, deal, manager)
    master.life_s = 3
    with deal.connect(token=master.token()) as client:
        assert closed(client, 10)[0] == TOKEN_DEAD


@pytest.mark.parametrize("act", ["disable", "other audience", "delete", "unmap", "delete in another process"])
def test_sessions_end_within_a_second_when_their_key_manager_or_mapping_is_gone(world, master, manager, deal, act):
    key = mapped(world, deal, manager)
    bystander = world.deal(deal.api.endpoints.first().config["urls"][0]["url"])
    with deal.connect(token=master.token()) as client, bystander.connect() as other:
        client.send("hello")
        assert client.recv() == "hello"
        began = time.monotonic()
        path = f"/key-managers/{manager['id']}"
        if act == "disable":
            ask(world, "adam", "PATCH", path, {"enabled": False})
        elif act == "other audience":
            ask(world, "adam", "PATCH", path, {"audiences": ["another"]})
        elif act == "delete":
            ask(world, "adam", "DELETE", path)
        elif act == "unmap":
            ask(world, "sam", "DELETE", f"/applications/{deal.application.pk}/mapped-keys/{key}")
        else:
            MappedKey.objects.filter(pk=key).delete()
        code, reason = closed(client)
        assert (code, reason["code"]) == (TOKEN_DEAD, "token_invalid")
        assert time.monotonic() - began < 2.0
        other.send("still here")
        assert other.recv() == "still here"
    refused(deal, master.token())
    if act == "delete":
        manager["id"] = named(world, master)["id"]


def test_another_description_of_a_key_manager_touches_nobody(world, master, manager, deal):
    mapped(world, deal, manager)
    with deal.connect(token=master.token()) as client:
        ask(world, "adam", "PATCH", f"/key-managers/{manager['id']}", {"description": "ours"})
        time.sleep(1)
        client.send("hello")
        assert client.recv() == "hello"


def test_an_opaque_token_is_asked_about_where_an_api_names_its_key_manager(world, oracle, backend):
    deal = world.deal(backend.url)
    row = asked(world, oracle)
    mapped(world, deal, row)
    token = oracle.token()
    refused(deal, token)
    assert oracle.asked["/introspect"] == 0
    ask(world, "paul", "PUT", f"/apis/{deal.api.pk}/security", {"key_managers": ["Resident", row["name"]]})
    for _ in range(4):
        assert deal.knock(token=token).status == 101
    assert oracle.asked["/introspect"] == 1
    assert deal.knock().status == 101  # and those of the built-in one, too
    refused(deal, "made-up")
    for _ in range(4):
        refused(deal, "made-up")
    assert oracle.asked["/introspect"] == 2
    with deal.connect(token=token) as client:
        oracle.revoke(token)
        assert closed(client, 40)[0] == TOKEN_DEAD
    refused(deal, token)
    ask(world, "paul", "PUT", f"/apis/{deal.api.pk}/security", {})
    ask(world, "adam", "DELETE", f"/key-managers/{row['id']}")


def test_a_token_that_came_with_a_ticket_or_a_renewal_is_asked_about_again(
    world, oracle, backend, database, certificate, tmp_path
):
    deal = world.deal(backend.url)
    row = asked(world, oracle)
    mapped(world, deal, row)
    ask(world, "paul", "PUT", f"/apis/{deal.api.pk}/security", {"key_managers": ["Resident", row["name"]]})
    with running(database, certificate, tmp_path) as other:
        first, second = oracle.token(), oracle.token()
        tickets = [call(world, "POST", "/tickets", first, {"api": str(deal.api.pk)}).json() for _ in range(2)]
        until(lambda: knock(other, deal.path).status == 401, 10, "it is published there")
        by_ticket, renewed = (
            connect(other.url(f"{deal.path}?ticket={one['ticket']}"), proxy=None, open_timeout=30) for one in tickets
        )
        with by_ticket as kept, renewed as fresh:
            answer = call(world, "PUT", f"/connections/{tickets[1]['connection_id']}/token", second)
            assert answer.status_code == 200, answer.text
            oracle.revoke(first)
            assert closed(kept, 40)[0] == TOKEN_DEAD
            fresh.send("still here")
            assert fresh.recv(5) == "still here"
            oracle.revoke(second)
            assert closed(fresh, 40)[0] == TOKEN_DEAD


def test_a_client_is_mapped_by_whoever_can_show_a_token_of_it(world, master, manager, deal):
    ask(world, "adam", "PATCH", f"/key-managers/{manager['id']}", {"proof": True})
    path = f"/applications/{deal.application.pk}/mapped-keys"
    body = {"key_manager": manager["name"], "key_type": "production", "consumer_key": "phone"}

    def attempt(**more: str) -> httpx.Response:
        return world.gateway.rest(world.people["sam"], "POST", path, {**body, **more})

    for wrong in ({}, {"access_token": "made-up"}, {"access_token": master.token("tablet")}):
        answer = attempt(**wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/access_token"), wrong
    assert attempt(access_token=master.token()).status_code == 201
    assert deal.knock(token=master.token()).status == 101
    assert attempt(access_token=master.token()).status_code == 409


def test_a_try_says_what_the_key_manager_answers(world, master, manager):
    path = f"/key-managers/{manager['id']}/test"
    found = ask(world, "adam", "POST", path)
    assert found["ok"]
    assert [one["step"] for one in found["findings"]] == ["Metadata", "Keys"]
    assert master.key.kid in found["findings"][1]["found"]
    master.broken = True
    found = ask(world, "adam", "POST", path)
    assert not found["ok"]
    assert "500" in found["findings"][1]["found"]
    assert world.gateway.rest(world.people["sam"], "POST", path).status_code == 403


def test_tokens_of_nobody_known_are_refused_by_the_built_in_key_manager(world, master, deal):
    master.broken = False
    refused(deal, master.token())
    refused(deal, "a.b.c")
    assert knock(world.gateway, deal.path, Authorization="Bearer a.b.c").status == 401


def call(world: World, method: str, path: str, token: str, body: Any = None) -> httpx.Response:
    """REST with the token of an API's client."""
    url = f"http://127.0.0.1:{world.gateway.portal}/api/v1{path}"
    return httpx.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20)


def test_a_ticket_and_a_renewal_take_such_a_token_too(world, master, manager, deal):
    key = mapped(world, deal, manager)
    master.life_s = 20
    minted = call(world, "POST", "/tickets", master.token(), {"api": str(deal.api.pk)})
    assert minted.status_code == 201, minted.text
    ticket = minted.json()
    path = f"{deal.path}?ticket={ticket['ticket']}"
    with connect(world.gateway.url(path), proxy=None, open_timeout=30) as client:
        client.send("hello")
        assert client.recv() == "hello"
        master.life_s = 600
        renewal = call(world, "PUT", f"/connections/{ticket['connection_id']}/token", master.token())
        assert renewal.status_code == 200, renewal.text
        other = call(world, "PUT", f"/connections/{ticket['connection_id']}/token", deal.token)
        assert other.status_code in {200, 403}
        refused = call(world, "PUT", f"/connections/{ticket['connection_id']}/token", master.token("tablet"))
        assert refused.status_code == 401
        client.send("still here")
        assert client.recv() == "still here"
        ask(world, "sam", "DELETE", f"/applications/{deal.application.pk}/mapped-keys/{key}")
        if other.status_code == 403:
            assert closed(client)[0] == TOKEN_DEAD
    refused = call(world, "POST", "/tickets", master.token(), {"api": str(deal.api.pk)})
    assert refused.status_code == 401


def test_when_a_key_manager_is_away_a_ticket_is_503(world, master, manager, deal):
    mapped(world, deal, manager)
    master.broken = True
    answer = call(world, "POST", "/tickets", master.token_offline(), {"api": str(deal.api.pk)})
    assert answer.status_code == 503, answer.text
