"""Who is connected, in whichever process: seen, counted, closed, and given a fresh token."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken
from websockets.sync.client import ClientConnection

from apis.models import HistoryEntry, Topic
from gateway.models import GatewayProcess as ProcessRow
from gateway.models import LiveSession
from tests.gateway.backends import Backend, until
from tests.gateway.test_credentials import deploy
from tests.gateway.world import Deal, GatewayProcess, World, closed, knock
from wsportal.certificates import KeyPairFiles

PROMISED_S = 1.0  # CONTRACT section 4
MARGIN_S = 0.7  # two busy cores


@pytest.fixture(scope="module")
def other(
    world: World, database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A second gateway process on the same database."""
    process = GatewayProcess(database, certificate, tmp_path_factory.mktemp("other"))
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


def id_of(client: ClientConnection) -> str:
    assert client.response is not None
    return client.response.headers["X-Request-ID"]


def listed(world: World, who: str, query: str) -> list[dict[str, Any]]:
    answer = world.gateway.rest(world.people[who], "GET", f"/sessions?{query}")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["results"]
    return rows


def known(gateway: GatewayProcess, *deals: Deal) -> GatewayProcess:
    """That process has heard of these APIs."""
    for deal in deals:
        until(lambda deal=deal: knock(gateway, deal.path).status == 401, 5, "an API published elsewhere is there")
    return gateway


def in_directory(*clients: ClientConnection) -> None:
    names = [id_of(client) for client in clients]
    until(lambda: LiveSession.objects.filter(pk__in=names).count() == len(names), 5, "they are in the directory")


def test_a_session_is_listed_with_who_where_and_what_is_left(
    world: World, backend: Backend, other: GatewayProcess
) -> None:
    deal = world.deal(backend.url, plan={"limits": [{"kind": "events", "amount": 100, "per": "day"}]})
    known(other, deal)
    with deal.connect(gateway=other, compression=None, additional_headers={"Origin": "https://shop.example"}) as client:
        for _ in range(3):
            client.send("12345")
            client.recv(5)
        in_directory(client)
        [row] = listed(world, "pia", f"api={deal.api.pk}")
        assert row["id"] == id_of(client)
        assert row["process"].endswith(f":{other.process.pid}")
        assert (row["api_name"], row["application_name"]) == (deal.api.name, deal.application.name)
        assert (row["person_name"], row["credential"], row["key_type"]) == ("sam", "oauth", "production")
        assert (row["client"], row["origin"], row["upstream"]) == (
            "127.0.0.1",
            "https://shop.example",
            f"{backend.url}",
        )
        assert [row[name] for name in ("events_in", "events_out", "bytes_in", "bytes_out")] == [3, 3, 15, 15]
        assert [(one["limit"], one["amount"], one["left"]) for one in row["credits"]] == [("events-per-day", 100, 94)]
        client.send("more")
        client.recv(5)
        until(lambda: listed(world, "sam", f"application={deal.application.pk}")[0]["events_in"] == 4, 4)
    until(lambda: not listed(world, "adam", f"api={deal.api.pk}"), 4, "it is gone when it is over")


def test_sessions_that_do_not_last_cost_no_row_and_nobody_counts_unasked(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as long:
        short = []
        for _ in range(5):
            with deal.connect() as client:
                short.append(id_of(client))
        in_directory(long)
        row = LiveSession.objects.get(pk=id_of(long))
        assert not LiveSession.objects.filter(pk__in=short).exists()
        long.send("x")
        long.recv(5)
        time.sleep(1.5)
        assert LiveSession.objects.get(pk=row.pk).counted_at == row.counted_at, "nobody looked"


def test_people_see_the_sessions_that_are_their_business(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        in_directory(client)
        query = f"api={deal.api.pk}"
        assert {who: len(listed(world, who, query)) for who in ("pia", "paul", "sam", "adam", "eve")} == {
            "pia": 1, "paul": 1, "sam": 1, "adam": 1, "eve": 0,
        }  # fmt: skip
        for filters, count in (("key_type=sandbox", 0), ("key_type=production", 1), ("client=127.0.0.1", 1),
                               ("client=10.0.0.1", 0), (f"person={world.people['sam'].pk}", 1)):  # fmt: skip
            assert len(listed(world, "pia", f"{query}&{filters}")) == count, filters
        for who, status in (("eve", 404), ("sam", 200), ("pia", 200)):
            assert world.gateway.rest(world.people[who], "GET", f"/sessions/{id_of(client)}").status_code == status
        assert (
            world.gateway.rest(world.people["eve"], "POST", f"/sessions/{id_of(client)}/close", {}).status_code == 404
        )
        refused = world.gateway.rest(world.people["eve"], "POST", "/sessions/close", {"api": str(deal.api.pk)})
        assert refused.json() == {"sessions": 0}
        client.send("still here")
        assert client.recv(5) == "still here"


@pytest.mark.parametrize("who", ["pia", "sam", "adam"])
def test_one_session_of_another_process_is_closed_as_asked(
    world: World, backend: Backend, other: GatewayProcess, who: str
) -> None:
    deal = world.deal(backend.url)
    known(other, deal)
    with deal.connect(gateway=other) as client, deal.connect(gateway=other) as bystander:
        in_directory(client)
        body = {"code": 4321, "reason": '{"code":"bye"}'}
        answer = world.gateway.rest(world.people[who], "POST", f"/sessions/{id_of(client)}/close", body)
        asked = time.monotonic()
        assert answer.status_code == 202, answer.text
        assert closed(client) == (4321, {"code": "bye"})
        assert time.monotonic() - asked < PROMISED_S + MARGIN_S
        bystander.send("still here")
        assert bystander.recv(5) == "still here"
    entry = HistoryEntry.objects.filter(action="close_session").first()
    assert entry is not None
    assert (entry.actor_name, entry.api, entry.detail["code"]) == (who, deal.api, 4321)


def test_many_sessions_are_closed_by_what_they_have_in_common(
    world: World, backend: Backend, other: GatewayProcess
) -> None:
    deal = world.deal(backend.url)
    bystanders = world.deal(backend.url)
    known(other, deal, bystanders)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(deal.connect(gateway=gateway)) for gateway in (world.gateway, other) for _ in range(10)
        ]
        bystander = stack.enter_context(bystanders.connect(gateway=other))
        in_directory(*clients)
        answer = world.gateway.rest(
            world.people["pia"], "POST", "/sessions/close", {"api": str(deal.api.pk), "code": 1012}
        )
        assert (answer.status_code, answer.json()) == (202, {"sessions": 20})
        assert {closed(client)[0] for client in clients} == {1012}
        again = stack.enter_context(deal.connect(gateway=other))
        bystander.send("still here")
        assert bystander.recv(5) == "still here"
        time.sleep(PROMISED_S)
        again.send("who comes back is not sent away again")
        assert again.recv(5)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": 1001}, "code"),
        ({"code": 1005}, "code"),
        ({"code": 999}, "code"),
        ({"code": 5000}, "code"),
        ({"reason": "é" * 62}, "reason"),
    ],
)
def test_what_no_close_frame_of_ours_may_hold_is_refused(
    world: World, backend: Backend, body: dict[str, Any], field: str
) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        in_directory(client)
        for path, more in ((f"/sessions/{id_of(client)}/close", {}), ("/sessions/close", {"api": str(deal.api.pk)})):
            answer = world.gateway.rest(world.people["pia"], "POST", path, {**body, **more})
            assert answer.status_code == 400
            assert [one["pointer"] for one in answer.json()["errors"]] == [f"#/{field}"]
        client.send("still here")
        assert client.recv(5) == "still here"


def test_closing_everything_at_once_is_not_possible_by_leaving_the_filter_out(world: World) -> None:
    assert world.gateway.rest(world.people["adam"], "POST", "/sessions/close", {}).status_code == 400


def test_the_sessions_of_a_process_that_died_are_forgotten(
    world: World, backend: Backend, database: str, certificate: KeyPairFiles, tmp_path: Any
) -> None:
    deal = world.deal(backend.url)
    victim = GatewayProcess(database, certificate, tmp_path)
    with deal.connect(gateway=victim) as client:
        in_directory(client)
        victim.process.kill()
        victim.process.wait()
        assert victim.process.stdout is not None
        victim.process.stdout.close()
    row = LiveSession.objects.get(pk=id_of(client))
    ProcessRow.objects.filter(pk=row.process_id).update(seen_at=timezone.now() - timedelta(seconds=60))
    assert not listed(world, "adam", f"api={deal.api.pk}"), "nobody is told of them"
    until(lambda: not ProcessRow.objects.filter(pk=row.process_id).exists(), 10, "another process sweeps them out")
    assert not LiveSession.objects.filter(process_id=row.process_id).exists()


def test_a_process_that_was_taken_for_dead_comes_back_with_its_sessions(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        in_directory(client)
        ProcessRow.objects.all().delete()
        assert not LiveSession.objects.filter(pk=id_of(client)).exists()
        until(lambda: listed(world, "pia", f"api={deal.api.pk}"), 12, "it is listed again")
        assert world.gateway.rest(world.people["pia"], "POST", f"/sessions/{id_of(client)}/close", {}).is_success
        assert closed(client) == (1008, {"code": "closed_by_operator"})


# -- renewal ------------------------------------------------------------------------------------------------------


def renew(gateway: GatewayProcess, connection: str, token: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"http://127.0.0.1:{gateway.portal}/api/v1/connections/{connection}/token"
    return httpx.put(url, headers=headers, timeout=10)


def row_of(token: str) -> AccessToken:
    from hashlib import sha256

    return AccessToken.objects.get(token_checksum=sha256(token.encode()).hexdigest())


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_renewed_session_outlives_its_old_token_and_dies_with_its_new_one(
    world: World, backend: Backend, other: GatewayProcess, where: str
) -> None:
    deal = world.deal(backend.url)
    fresh = world.token(deal)
    gateway = known(world.gateway if where == "here" else other, deal)
    with deal.connect(gateway=gateway) as client, deal.connect(gateway=gateway) as bystander:
        answer = renew(world.gateway, id_of(client), fresh)
        assert answer.status_code == 200, answer.text
        assert answer.json()["connection_id"] == id_of(client)
        assert abs(_moment(answer.json()["expires_at"]) - row_of(fresh).expires.timestamp()) < 1
        row_of(deal.token).revoke()
        assert closed(bystander)[0] == 4401
        client.send("still here")
        assert client.recv(5) == "still here"
        row_of(fresh).revoke()
        assert closed(client)[0] == 4401


def _moment(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_a_renewed_session_lives_until_the_new_token_expires(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    fresh = world.token(deal)
    AccessToken.objects.filter(pk=row_of(deal.token).pk).update(expires=timezone.now() + timedelta(seconds=4))
    AccessToken.objects.filter(pk=row_of(fresh).pk).update(expires=timezone.now() + timedelta(seconds=7))
    began = time.monotonic()
    with deal.connect() as client:
        assert renew(world.gateway, id_of(client), fresh).status_code == 200
        assert closed(client, 15)[0] == 4401
        assert time.monotonic() - began > 5


def _other_scopes(world: World, deal: Deal) -> str:
    token = world.token(deal)
    row = row_of(token)
    row.scope += " rooms:write"
    row.save()
    return token


def _other_person(world: World, deal: Deal) -> str:
    token = world.token(deal)
    AccessToken.objects.filter(pk=row_of(token).pk).update(user=world.people["eve"])
    return token


REFUSED: dict[str, tuple[Callable[[World, Deal], str | None], int, str]] = {
    "no token": (lambda world, deal: None, 401, "missing_credentials"),
    "an unknown token": (lambda world, deal: "x" * 30, 401, "invalid_token"),
    "another application": (lambda world, deal: world.deal("ws://127.0.0.1:9").token, 403, "wrong_application"),
    "another key type": (lambda world, deal: world.token(deal, "sandbox"), 403, "wrong_key_type"),
    "another person": (_other_person, 403, "wrong_person"),
    "more scopes": (_other_scopes, 403, "scope_grew"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_token_that_is_not_of_the_same_kind_renews_nothing(world: World, backend: Backend, case: str) -> None:
    make, status, code = REFUSED[case]
    deal = world.deal(backend.url)
    with deal.connect() as client:
        answer = renew(world.gateway, id_of(client), make(world, deal))
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
        row_of(deal.token).revoke()
        assert closed(client)[0] == 4401


def test_a_token_that_the_topic_does_not_let_in_is_refused_and_the_session_goes_on(
    world: World, backend: Backend
) -> None:
    deal = world.deal(backend.url)
    topic = Topic.objects.get(api=deal.api)
    topic.scopes, topic.publish_scopes = ["rooms:read"], ["rooms:write"]
    topic.save()
    deploy(world, deal)
    rights = {one: row_of(one) for one in (world.token(deal), world.token(deal), world.token(deal))}
    for row, scope in zip(rights.values(), ("default rooms:read rooms:write", "default", "rooms:read"), strict=True):
        row.scope = scope
        row.save()
    whole, nothing, half = rights
    with deal.connect(token=whole) as compressed, deal.connect(token=whole, compression=None) as plain:
        for client in (compressed, plain):
            answer = renew(world.gateway, id_of(client), nothing)
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        answer = renew(world.gateway, id_of(compressed), half)
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
        for client in (compressed, plain):
            client.send("still here")
            assert client.recv(5) == "still here"
        assert renew(world.gateway, id_of(plain), half).status_code == 200


def test_a_connection_that_nobody_has_is_not_found(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    for name in ("0" * 32, "x" * 200):
        answer = renew(world.gateway, name, deal.token)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
