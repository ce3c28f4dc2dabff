"""The frame inspector: one session, in whichever process, seen by those who may and written down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from apis.models import HistoryEntry
from apis.services import securing
from gateway.models import Inspection, SeenFrame
from tests.gateway.backends import Backend, until
from tests.gateway.test_live_sessions import id_of, in_directory, known
from tests.gateway.world import Deal, GatewayProcess, World
from wsportal.certificates import KeyPairFiles


@pytest.fixture(scope="module")
def other(
    world: World, database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A second gateway process on the same database."""
    process = GatewayProcess(database, certificate, tmp_path_factory.mktemp("other"))
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


class Looker:
    """Somebody who asks for the frames of a session again and again."""

    def __init__(self, world: World, who: str, session: str) -> None:
        self.world, self.who, self.session = world, who, session
        self.next: int | None = None
        self.frames: list[dict[str, Any]] = []

    def look(self) -> dict[str, Any]:
        query = "" if self.next is None else f"?since={self.next}"
        answer = self.world.gateway.rest(self.world.people[self.who], "GET", f"/sessions/{self.session}/frames{query}")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        self.next = body["next"]
        self.frames += body["frames"]
        return body

    def sees(self, count: int) -> list[dict[str, Any]]:
        until(lambda: (self.look(), len(self.frames) >= count)[1], 6, f"{count} frames are seen")
        return self.frames


def tapped(looker: Looker, client: Any) -> None:
    """Wait until the process that carries the session shows what is sent."""

    def shows() -> bool:
        client.send("?")
        client.recv(5)
        looker.look()
        return bool(looker.frames)

    until(shows, 6, "the session is looked at")
    time.sleep(1.2)
    looker.look()
    looker.frames.clear()


def allow_payloads(world: World, deal: Deal, *mask: str) -> None:
    settings = {"inspect_payload": True, "mask": list(mask)}
    securing.security_configure(actor=world.actors["paul"], api=deal.api, settings=settings)


@pytest.mark.parametrize("where", ["here", "there"])
def test_frames_are_seen_with_direction_type_size_and_verdict_but_no_payload(
    world: World, backend: Backend, other: GatewayProcess, where: str
) -> None:
    deal = world.deal(backend.url)
    gateway = world.gateway if where == "here" else known(other, deal)
    with deal.connect(gateway=gateway, compression=None, ping_interval=None) as client:
        in_directory(client)
        looker = Looker(world, "pia", id_of(client))
        assert looker.look()["payload"] is False
        tapped(looker, client)
        client.send("hello")
        client.recv(5)
        client.send(b"\x00\x01")
        client.recv(5)
        frames = looker.sees(4)
    facts = [(one["direction"], one["type"], one["size"], one["verdict"], one["payload"]) for one in frames]
    assert sorted(facts) == sorted(
        (direction, kind, size, "passed", None)
        for kind, size in (("text", 5), ("binary", 2))
        for direction in ("in", "out")
    )
    numbers = [one["number"] for one in frames]
    assert numbers == sorted(set(numbers))
    entry = HistoryEntry.objects.filter(action="inspect_session").first()
    assert entry is not None
    assert (entry.actor_name, entry.api, entry.detail["payload"]) == ("pia", deal.api, False)
    assert id_of(client) in entry.subject


def test_payloads_are_seen_masked_where_the_owner_says_so(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    allow_payloads(world, deal, "/card")
    with deal.connect(compression=None, ping_interval=None) as client:
        in_directory(client)
        looker = Looker(world, "pia", id_of(client))
        assert looker.look()["payload"] is True
        tapped(looker, client)
        client.send(json.dumps({"card": 4111, "name": "sam"}))
        client.recv(5)
        frames = looker.sees(2)
        assert [json.loads(one["payload"]) for one in frames] == [{"card": "***", "name": "sam"}] * 2
    assert not SeenFrame.objects.filter(session_id=id_of(client), payload__contains="4111").exists()
    entry = HistoryEntry.objects.filter(action="inspect_session").first()
    assert entry is not None
    assert entry.detail["payload"] is True


def test_every_look_is_written_down_once_and_ends_by_itself(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect(compression=None, ping_interval=None) as client:
        in_directory(client)
        before = HistoryEntry.objects.filter(action="inspect_session").count()
        lookers = [Looker(world, who, id_of(client)) for who in ("pia", "adam")]
        for _ in range(3):
            for looker in lookers:
                assert looker.look()["running"]
        assert HistoryEntry.objects.filter(action="inspect_session").count() == before + 2
        tapped(lookers[0], client)
        Inspection.objects.filter(session_id=id_of(client)).update(ends_at="2000-01-01T00:00:00Z")
        assert not lookers[0].look()["running"], "its time is over"
        assert HistoryEntry.objects.filter(action="inspect_session").count() == before + 2
        lookers[0].next = None
        assert lookers[0].look()["running"], "somebody who wants to go on begins anew"
        assert HistoryEntry.objects.filter(action="inspect_session").count() == before + 3


def test_the_frames_are_not_for_everybody(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        in_directory(client)
        path = f"/sessions/{id_of(client)}/frames"
        for who, status in (("sam", 403), ("eve", 404), ("carol", 404), ("vic", 404)):
            assert world.gateway.rest(world.people[who], "GET", path).status_code == status, who
        assert world.gateway.rest(world.people["pia"], "GET", f"{path}?since=x").status_code == 400
    assert not HistoryEntry.objects.filter(action="inspect_session", subject__contains=id_of(client)).exists()


def test_a_flood_is_not_kept_but_counted(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect("?silent", compression=None, ping_interval=None) as client:
        in_directory(client)
        looker = Looker(world, "pia", id_of(client))
        looker.look()
        until(lambda: (client.send("x"), looker.look(), looker.frames)[2], 6)
        for _ in range(3_000):
            client.send("x")
        until(lambda: (looker.look(), any(one["verdict"] == "dropped" for one in looker.frames))[1], 6)
        assert SeenFrame.objects.filter(session_id=id_of(client)).count() <= 1_001
