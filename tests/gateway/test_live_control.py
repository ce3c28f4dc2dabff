"""What changes while people are connected: each change acts within a second, with the right code, on nobody else."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import AccessToken

from apis.models import Change
from apis.permissions import Actor
from apis.services import people, publishing, subscribing
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, GatewayProcess, World, closed, knock
from wsportal.certificates import KeyPairFiles

PROMISED_S = 1.0  # CONTRACT section 4
MARGIN_S = 0.5  # two busy cores

Act = Callable[[World, Deal], object]


def by_rest(who: str, method: str, path: str, body: Any = None) -> Act:
    """A change that somebody makes over REST in the gateway's own process."""

    def act(world: World, deal: Deal) -> None:
        facts = {"api": deal.api.pk, "application": deal.application.pk, "subscription": deal.subscription.pk}
        person = world.people[who].pk if who in world.people else ""
        answer = world.gateway.rest(world.people[who], method, path.format(**facts, person=person), body)
        assert answer.is_success, answer.text

    return act


def block(world: World, deal: Deal) -> None:
    publishing.api_transition(actor=world.actors["paul"], api=deal.api, action="block")


def undeploy(world: World, deal: Deal) -> None:
    publishing.revision_undeploy(actor=world.actors["paul"], revision=deal.api.revisions.get())


def retire(world: World, deal: Deal) -> None:
    for action in ("deprecate", "retire"):
        publishing.api_transition(actor=world.actors["paul"], api=deal.api, action=action)


def token_row(deal: Deal) -> AccessToken:
    return AccessToken.objects.get(application__key_pair__application=deal.application)


def delete_in_sql(world: World, deal: Deal) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM oauth2_provider_accesstoken WHERE id = %s", [token_row(deal).pk])


def expire_in_code(world: World, deal: Deal) -> None:
    AccessToken.objects.filter(pk=token_row(deal).pk).update(expires=timezone.now() - timedelta(seconds=1))


def disable_owner(world: World, deal: Deal) -> None:
    people.person_update(actor=world.actors["adam"], person=world.people["sam"], disabled=True)


def enable_owner(world: World) -> None:
    people.person_update(actor=world.actors["adam"], person=world.people["sam"], disabled=False)
    world.people["sam"].refresh_from_db()
    world.actors["sam"] = Actor.of(world.people["sam"])


# What is done, in which process, the close code, and what a new handshake is answered.
CASES: dict[str, tuple[Act, int, int]] = {
    "the API is blocked (here)": (
        by_rest("paul", "POST", "/apis/{api}/transitions", {"action": "block"}), 1008, 503),
    "the API is blocked (elsewhere)": (block, 1008, 503),
    "the API is undeployed (here)": (by_rest("paul", "POST", "/apis/{api}/revisions/1/undeploy"), 1008, 404),
    "the API is undeployed (elsewhere)": (undeploy, 1008, 404),
    "the API is retired (elsewhere)": (retire, 1008, 404),
    "the API is demoted (here)": (
        by_rest("paul", "POST", "/apis/{api}/transitions", {"action": "demote"}), 4403, 403),
    "the subscription is blocked (here)": (
        by_rest("paul", "POST", "/subscriptions/{subscription}/block", {"what": "all"}), 4403, 403),
    "the subscription is blocked for production (elsewhere)": (
        lambda world, deal: subscribing.subscription_block(
            actor=world.actors["paul"], subscription=deal.subscription, what="production"), 4403, 403),
    "the subscription is removed (here)": (by_rest("sam", "DELETE", "/subscriptions/{subscription}"), 4403, 403),
    "the subscription is removed (elsewhere)": (
        lambda world, deal: subscribing.subscription_delete(
            actor=world.actors["sam"], subscription=deal.subscription), 4403, 403),
    "the token is revoked (elsewhere)": (lambda world, deal: token_row(deal).revoke(), 4401, 401),
    "the token's row is deleted (elsewhere)": (lambda world, deal: token_row(deal).delete(), 4401, 401),
    "the token's row is deleted in SQL": (delete_in_sql, 4401, 401),
    "the token is made to expire in code": (expire_in_code, 4401, 401),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_change_closes_those_it_concerns_within_a_second(world: World, backend: Backend, case: str) -> None:
    act, code, status = CASES[case]
    deal, other = world.deal(backend.url), world.deal(backend.url)
    with deal.connect() as first, deal.connect(secure=True) as second, other.connect() as bystander:
        act(world, deal)
        started = time.monotonic()
        assert [closed(client)[0] for client in (first, second)] == [code, code]
        assert time.monotonic() - started < PROMISED_S + MARGIN_S
        assert deal.knock().status == status
        bystander.send("still here")
        assert bystander.recv(5) == "still here"
    until(lambda: 1001 in backend.closes, what="the backend is told that its client is going away")


def test_deleting_the_application_ends_its_sessions(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        by_rest("sam", "DELETE", "/applications/{application}")(world, deal)
        assert closed(client)[0] in {4401, 4403}  # its tokens and its subscription are gone at once
    assert deal.knock().status == 401


def test_a_disabled_owner_is_out_and_comes_back(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    try:
        with deal.connect() as client:
            disable_owner(world, deal)
            assert closed(client)[0] == 4403
        answer = deal.knock()
        assert (answer.status, answer.code) == (403, "subscription_blocked")
    finally:
        enable_owner(world)
    until(lambda: deal.knock().status == 101)


def test_a_disabled_person_behind_a_token_is_out(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    AccessToken.objects.filter(pk=token_row(deal).pk).update(user=world.people["eve"])
    with deal.connect() as client:
        people.person_update(actor=world.actors["adam"], person=world.people["eve"], disabled=True)
        try:
            assert closed(client)[0] == 4401
            assert deal.knock().code == "invalid_token"
        finally:
            people.person_update(actor=world.actors["adam"], person=world.people["eve"], disabled=False)


def test_the_token_endpoint_revokes_and_the_session_ends(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    keys = world.gateway.rest(
        world.people["sam"], "POST", f"/applications/{deal.application.pk}/keys", {"key_type": "production"}
    ).json()
    basic = httpx.BasicAuth(keys["consumer_key"], keys["consumer_secret"])
    portal = f"http://127.0.0.1:{world.gateway.portal}/oauth2"
    issued = httpx.post(f"{portal}/token", data={"grant_type": "client_credentials"}, auth=basic)
    assert issued.status_code == 200, issued.text
    token = issued.json()["access_token"]
    with deal.connect(token=token) as client, deal.connect() as bystander:
        started = time.monotonic()
        assert httpx.post(f"{portal}/revoke", data={"token": token}, auth=basic).status_code == 200
        assert closed(client)[0] == 4401
        assert time.monotonic() - started < PROMISED_S + MARGIN_S
        bystander.send("another token of the same application")
        assert bystander.recv(5)
    assert deal.knock(token=token).status == 401


def test_a_revoked_token_that_is_remembered_but_not_in_use_opens_nothing(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    assert deal.knock().status == 101
    delete_in_sql(world, deal)
    time.sleep(PROMISED_S)
    assert deal.knock().status == 401


def test_a_token_ends_its_session_when_it_expires(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    expires = timezone.now() + timedelta(seconds=1.5)
    AccessToken.objects.filter(pk=token_row(deal).pk).update(expires=expires)
    with deal.connect() as client:
        code, reason = closed(client)
        late_s = timezone.now().timestamp() - expires.timestamp()
    assert (code, reason) == (4401, {"code": "token_invalid"})
    assert -0.05 < late_s < 0.5


def test_a_plan_ends_sessions_that_last_too_long(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, plan={"max_session_s": 1})
    started = time.monotonic()
    with deal.connect() as client:
        client.send("hello")
        client.recv(5)
        assert closed(client)[0] == 4408
    assert 0.9 < time.monotonic() - started < 2


def test_a_silent_session_is_closed_where_the_endpoint_says_so(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, timeouts={"connect_ms": 1000, "handshake_ms": 1000, "idle_s": 1})
    with deal.connect(ping_interval=None) as silent, deal.connect(ping_interval=None) as busy:
        started = time.monotonic()
        for _ in range(6):
            time.sleep(0.3)
            busy.ping().wait(5)
        assert closed(silent)[0] == 4408
        assert time.monotonic() - started < 2.5
        busy.send("busy")
        assert busy.recv(5) == "busy"


def test_an_endpoint_that_moves_is_dialled_there_at_once(world: World, backend: Backend) -> None:
    other = Backend()
    try:
        deal = world.deal(backend.url)
        assert deal.knock().status == 101
        body = {"urls": [{"url": other.url}]}
        by_rest("paul", "PUT", "/apis/{api}/endpoints/production", body)(world, deal)
        assert deal.knock("/moved").status == 101
        until(lambda: [request.path for request in other.requests] == ["/moved"])
    finally:
        other.stop()


def test_a_blocked_api_with_many_sessions_is_closed_in_time(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with ExitStack() as stack:
        clients = [stack.enter_context(deal.connect(ping_interval=None)) for _ in range(100)]
        started = time.monotonic()
        by_rest("paul", "POST", "/apis/{api}/transitions", {"action": "block"})(world, deal)
        assert {closed(client)[0] for client in clients} == {1008}
        assert time.monotonic() - started < PROMISED_S + MARGIN_S
    until(lambda: deal.gateway.health()["sessions"] == 0)


def test_two_processes_hear_of_each_others_changes(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    other = GatewayProcess(database, certificate, tmp_path)
    try:
        deal = world.deal(backend.url)
        until(lambda: knock(other, deal.path).status == 401, PROMISED_S, "an API published elsewhere is there")
        with deal.connect(gateway=other) as client:
            client.send("hello")
            assert client.recv(5) == "hello"
            started = time.monotonic()
            by_rest("paul", "POST", "/subscriptions/{subscription}/block", {"what": "all"})(world, deal)
            assert closed(client)[0] == 4403
            assert time.monotonic() - started < PROMISED_S + MARGIN_S
        assert knock(other, deal.path, Authorization=f"Bearer {deal.token}").status == 403
    finally:
        assert other.stop() == 0


def test_without_a_database_everybody_connected_goes_on(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite3"
    deal, unseen = world.deal(backend.url), world.deal(backend.url)
    with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    alone = GatewayProcess(str(copy), certificate, tmp_path)
    try:
        with deal.connect(gateway=alone) as client:
            with sqlite3.connect(copy) as broken:
                broken.execute("ALTER TABLE apis_change RENAME TO away")
                broken.execute("ALTER TABLE apis_subscription RENAME TO away_too")
            until(lambda: "live_control_suspended" in alone.log.read_text())
            client.send("still here")
            assert client.recv(5) == "still here"
            assert knock(alone, deal.path, Authorization=f"Bearer {deal.token}").status == 101  # what is remembered
            stranger = knock(alone, unseen.path, Authorization=f"Bearer {unseen.token}")
            assert (stranger.status, stranger.code) == (503, "overloaded")
            assert int(stranger.headers["retry-after"]) > 0
            with sqlite3.connect(copy) as mended:
                mended.execute("ALTER TABLE away RENAME TO apis_change")
                mended.execute("ALTER TABLE away_too RENAME TO apis_subscription")
            until(lambda: "live_control_resumed" in alone.log.read_text())
        log = alone.log.read_text()
        assert log.count("live_control_suspended") == 1, "an outage is told once"
        assert json.dumps(deal.token) not in log
    finally:
        alone.stop()


def test_changes_are_announced_by_whoever_deletes_a_token(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    row = token_row(deal)
    key = str(row.pk)
    row.delete()
    assert Change.objects.filter(kind="token", subject=key).exists()
