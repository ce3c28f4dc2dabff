"""Topics over real sockets: where they lead, who may send and receive there, and the version that need not be named."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from apis.models import Api
from apis.services import designs, keys, scopes, topics
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, World, closed, knock

ROOMS = {"name": "/rooms/{roomID}", "url_mapping": "/rooms?room={uri.var.roomID}"}


def design(world: World, deal: Deal, *rows: dict[str, Any]) -> None:
    """paul gives the API these topics, and the scopes that they name, and deploys them over REST."""
    paul = world.actors["paul"]
    wanted = {name for row in rows for field in row if field.endswith("scopes") for name in row[field]}
    for name in sorted(wanted - set(deal.api.version_set.local_scopes.values_list("name", flat=True))):
        scopes.scope_create(actor=paul, name=name, api=deal.api)
    topics.topics_replace(actor=paul, api=deal.api, topics=list(rows))
    deploy(world, deal.api)


def deploy(world: World, api: Api) -> None:
    person = world.people["paul"]
    made = world.gateway.rest(person, "POST", f"/apis/{api.pk}/revisions", {})
    assert made.status_code == 201, made.text
    answer = world.gateway.rest(person, "POST", f"/apis/{api.pk}/revisions/{made.json()['number']}/deploy", {})
    assert answer.status_code == 200, answer.text


def token(world: World, deal: Deal, *names: str) -> str:
    """A token of sam's application with these scopes."""
    made, _ = keys.token_generate(
        actor=world.actors["sam"], application=deal.application, key_type="production", scopes=names
    )
    return made


def usage(world: World, deal: Deal) -> dict[str, int]:
    answer = world.gateway.rest(world.people["adam"], "GET", f"/usage?api={deal.api.pk}")
    total: dict[str, int] = answer.json()["total"]
    return total


@pytest.fixture
def deal(world: World, backend: Backend) -> Deal:
    return world.deal(backend.url + "/base?key=1")


# Where a topic leads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("/rooms/7", "/base/rooms?key=1&room=7"),
        ("/rooms/a%20b?x=1&y", "/base/rooms?key=1&room=a%20b&x=1&y"),
        ("/rooms/a%26room%3D8", "/base/rooms?key=1&room=a%26room%3D8"),
        ("/news", "/base/news?key=1"),
        ("/files/a/b%2Fc", "/base/v2/a/b%2Fc?key=1&all"),
        ("/rooms/lobby", "/base/lobby?key=1"),
    ],
)
def test_the_backend_is_asked_for_what_the_topic_is_mapped_to(
    world: World, deal: Deal, backend: Backend, asked: str, got: str
) -> None:
    design(
        world, deal, ROOMS, {"name": "/news"}, {"name": "/files/*", "url_mapping": "/v2/*?all"},
        {"name": "/rooms/lobby", "url_mapping": "/lobby"},
    )  # fmt: skip
    with deal.connect(asked) as client:
        client.send("hello")
        assert client.recv(5) == "hello"
    assert backend.requests[-1].path == got


def test_a_topic_that_is_not_designed_is_not_there(world: World, deal: Deal, backend: Backend) -> None:
    design(world, deal, ROOMS)
    before = len(backend.requests)
    for asked in ("", "/", "/rooms", "/rooms/", "/rooms/7/8", "/news"):
        assert deal.knock(asked).code == "not_found", asked
    for asked in ("/rooms/..", "/rooms/%2e%2e", "/rooms/..%2f..", "/rooms/%2e%2e%2fadmin"):
        assert deal.knock(asked).status in {400, 404}, asked
    assert len(backend.requests) == before


# The version that need not be named ---------------------------------------------------------------------------------


def make_default(world: World, api: Api, is_default: bool = True) -> int:
    body = {"is_default_version": is_default}
    return world.gateway.rest(world.people["paul"], "PATCH", f"/apis/{api.pk}", body).status_code


def reached(world: World, deal: Deal, path: str, credential: bool = True) -> str | int:
    """ "answered", or the status of the refusal."""
    headers = {"Authorization": f"Bearer {deal.token}"} if credential else {}
    try:
        with connect(world.gateway.url(path), additional_headers=headers, proxy=None, open_timeout=30):
            return "answered"
    except InvalidStatus as refusal:
        return refusal.response.status_code


def test_the_default_version_answers_without_a_version_in_the_path(world: World, backend: Backend) -> None:
    first = world.deal(backend.url + "/first")
    context = first.api.context
    assert reached(world, first, context) == 404
    assert make_default(world, first.api) == 200
    assert reached(world, first, context + "/room") == "answered"
    assert backend.requests[-1].path == "/first/room"

    where, body = f"/apis/{first.api.pk}/versions", {"version": "2.0.0"}
    made = world.gateway.rest(world.people["paul"], "POST", where, body).json()
    second = Api.objects.select_related("version_set").get(pk=made["id"])
    assert make_default(world, second) == 409
    assert reached(world, first, f"{context}/2.0.0") == 404  # it is a version, if not a deployed one: not a room
    world.configure(second, {"urls": [{"url": backend.url + "/second"}]})
    world.transition(second, "publish")
    assert make_default(world, second) == 200
    assert reached(world, first, context) == "answered"
    assert backend.requests[-1].path == "/second"
    assert reached(world, first, f"{context}/1.0.0/x") == "answered"
    assert backend.requests[-1].path == "/first/x"

    inner = f"{context}/inner"
    other = designs.api_create(actor=world.actors["paul"], name=f"In {context[1:]}", context=inner, version="1")
    assert make_default(world, second, False) == make_default(world, second) == 200
    assert reached(world, first, f"{inner}/1/x") == 404  # another API's version is no room either
    assert reached(world, first, f"{inner}/2") == "answered"
    assert other.state == "created"

    world.transition(second, "deprecate")
    world.transition(second, "retire")
    assert reached(world, first, context) == 404
    assert reached(world, first, f"{context}/1.0.0") == "answered"
    assert make_default(world, first.api) == 200
    assert reached(world, first, context) == "answered"
    assert reached(world, first, f"{context}/2.0.0/x") == 404


def test_moving_the_default_version_disturbs_nobody_who_is_connected(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    make_default(world, deal.api)
    headers = {"Authorization": f"Bearer {deal.token}"}
    with connect(world.gateway.url(deal.api.context), additional_headers=headers, proxy=None) as client:
        make_default(world, deal.api, False)
        until(lambda: reached(world, deal, deal.api.context) == 404)
        client.send("still here")
        assert client.recv(5) == "still here"


# Who may do what ----------------------------------------------------------------------------------------------------


def test_a_topic_that_asks_for_a_scope_lets_nobody_in_without_it(world: World, deal: Deal, backend: Backend) -> None:
    read, write = f"r{deal.api.pk}", f"w{deal.api.pk}"
    design(world, deal, {"name": "/rooms/*", "scopes": [write, read]}, {"name": "/*"})
    before = len(backend.requests)
    refusal = deal.knock("/rooms/7", token=token(world, deal, write))
    assert (refusal.status, refusal.code) == (403, "insufficient_scope")
    challenge = f'Bearer error="insufficient_scope", scope="{read} {write}"'
    assert refusal.headers["www-authenticate"] == challenge
    assert len(backend.requests) == before
    with deal.connect("/rooms/7", token=token(world, deal, read, write)) as client:
        client.send("hello")
        assert client.recv(5) == "hello"
    with deal.connect("/elsewhere") as client:
        client.send("hello")
        assert client.recv(5) == "hello"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_who_may_not_send_receives_and_what_they_send_arrives_nowhere(
    world: World, deal: Deal, backend: Backend, secure: bool
) -> None:
    write = f"w{deal.api.pk}"
    design(world, deal, {"name": "/*", "publish_scopes": [write]})
    received = backend.counts["received"]
    with deal.connect("/?push=3", secure=secure) as client:
        assert client.protocol.extensions == []  # a message left out would break what comes after it
        assert [client.recv(5) for _ in range(3)] == ["push 0", "push 1", "push 2"]
        for message in ("text", b"binary", "x" * 100_000, ["in ", "pieces"]):
            client.send(message)
        assert client.ping().wait(5)  # what is free passes, and the session goes on
    assert backend.counts["received"] == received
    with deal.connect(token=token(world, deal, write), secure=secure) as client:
        assert client.protocol.extensions != []
        client.send("allowed")
        assert client.recv(5) == "allowed"
    total = until(lambda: (found := usage(world, deal))["throttled"] and found["sessions"] == 2 and found, 5)
    assert (total["throttled"], total["events_in"], total["events_out"]) == (4, 1, 4)


def test_who_may_not_receive_sends_and_hears_nothing(world: World, deal: Deal, backend: Backend) -> None:
    read = f"r{deal.api.pk}"
    design(world, deal, {"name": "/*", "subscribe_scopes": [read]})
    received = backend.counts["received"]
    with deal.connect("/?push=2") as client:
        client.send("hello")
        until(lambda: backend.counts["received"] == received + 1)
        with pytest.raises(TimeoutError):
            client.recv(0.3)
    total = until(lambda: (found := usage(world, deal))["throttled"] == 3 and found, 5)
    assert (total["events_in"], total["events_out"]) == (1, 0)


def test_a_topic_to_receive_only_takes_nothing_from_anybody(world: World, deal: Deal, backend: Backend) -> None:
    design(world, deal, {"name": "/news", "publish": False}, {"name": "/inbox", "subscribe": False})
    received = backend.counts["received"]
    with deal.connect("/news?push=1") as client:
        assert client.recv(5) == "push 0"
        client.send("mine")
        assert client.ping().wait(5)
        assert backend.counts["received"] == received
    with deal.connect("/inbox?push=1") as client:
        client.send("hello")
        until(lambda: backend.counts["received"] == received + 1)
        with pytest.raises(TimeoutError):
            client.recv(0.3)


def test_who_may_neither_send_nor_receive_is_refused(world: World, deal: Deal) -> None:
    read, write = f"r{deal.api.pk}", f"w{deal.api.pk}"
    design(world, deal, {"name": "/*", "subscribe_scopes": [read], "publish_scopes": [write]})
    refusal = deal.knock()
    assert (refusal.status, refusal.code) == (403, "insufficient_scope")
    with deal.connect("/?push=1", token=token(world, deal, read)) as client:
        assert client.recv(5) == "push 0"


def test_a_revision_with_other_topics_counts_for_who_is_connected(world: World, deal: Deal, backend: Backend) -> None:
    write = f"w{deal.api.pk}"
    received = backend.counts["received"]
    with (
        deal.connect("/a?push=1", compression=None) as plain,
        deal.connect("/a?push=1") as deflated,
        deal.connect("/b", compression=None) as elsewhere,
    ):
        for client in (plain, deflated):
            assert client.recv(5) == "push 0"
        design(world, deal, {"name": "/a", "publish_scopes": [write]})
        assert closed(elsewhere)[0] == 1008  # its topic is gone
        assert closed(deflated)[0] == 4403  # it may not send any more, and its compression needs every message
        plain.send("left out")
        assert plain.ping().wait(5)
        assert backend.counts["received"] == received
        design(world, deal, {"name": "/a"})
        until(lambda: _echoes(plain, backend, received), 5)


def _echoes(client: Any, backend: Backend, received: int) -> bool:
    client.send("again")
    client.ping().wait(5)
    return backend.counts["received"] > received


def test_the_gateway_of_a_context_with_the_version_inside(world: World, backend: Backend) -> None:
    paul = world.actors["paul"]
    api = designs.api_create(
        actor=paul, name="Inside", context="/{version}/inside", version="3", endpoint=backend.url,
        business_plans=["Unlimited"],
    )  # fmt: skip
    world.transition(api, "publish")
    assert knock(world.gateway, "/3/inside").code == "missing_credentials"
    assert knock(world.gateway, "/inside").code == "not_found"
    assert make_default(world, api) == 200
    assert knock(world.gateway, "/inside/room").code == "missing_credentials"


def renew(world: World, client: Any, fresh: str) -> int:
    """The client goes on with another token."""
    connection = client.response.headers["X-Request-ID"]
    url = f"http://127.0.0.1:{world.gateway.portal}/api/v1/connections/{connection}/token"
    return httpx.put(url, headers={"Authorization": f"Bearer {fresh}"}, timeout=10).status_code


def test_a_token_with_fewer_scopes_takes_a_direction_away_from_a_live_session(
    world: World, deal: Deal, backend: Backend
) -> None:
    write = f"w{deal.api.pk}"
    design(world, deal, {"name": "/*", "publish_scopes": [write]})
    strong, weak = token(world, deal, "default", write), token(world, deal)
    with (
        deal.connect(token=strong, compression=None) as plain,
        deal.connect(token=strong) as deflated,
    ):
        for client, status in ((plain, 200), (deflated, 403)):
            client.send("hello")
            assert client.recv(5) == "hello"
            assert renew(world, client, weak) == status
        received = backend.counts["received"]
        until(lambda: not _echoes_at_once(plain, backend), 5)
        received = backend.counts["received"]
        plain.send("left out")
        assert plain.ping().wait(5)
        assert backend.counts["received"] == received
        deflated.send("its compression needs every message, so it goes on with the token it has")
        assert deflated.recv(5).startswith("its")


def _echoes_at_once(client: Any, backend: Backend) -> bool:
    before = backend.counts["received"]
    client.send("again")
    client.ping().wait(5)
    return backend.counts["received"] > before


def test_a_ticket_for_a_mapped_topic_opens_that_topic(world: World, deal: Deal, backend: Backend) -> None:
    design(world, deal, ROOMS)
    url = f"http://127.0.0.1:{world.gateway.portal}/api/v1/tickets"
    headers = {"Authorization": f"Bearer {deal.token}"}
    body = {"api": str(deal.api.pk), "topic": "/rooms/7"}
    for asked, answer in (("/rooms/8", 401), ("/rooms/7", "answered")):
        minted = httpx.post(url, json=body, headers=headers, timeout=10)
        assert minted.status_code == 201, minted.text
        ticket = minted.json()["ticket"]
        assert reached(world, deal, f"{deal.path}{asked}?ticket={ticket}&x=1", credential=False) == answer
    assert backend.requests[-1].path == "/base/rooms?key=1&room=7&x=1"
