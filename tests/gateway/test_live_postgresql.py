"""The directory of live sessions, commands and the inspector on a real PostgreSQL server (shipped by pip)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.engines import PostgreSQL
from tests.gateway.backends import Backend, until
from tests.gateway.test_postgresql import STORY, manage, told
from tests.gateway.world import GatewayProcess, closed, knock
from wsportal.certificates import KeyPairFiles

LISTED = """
import json
from apis.models import Person
from apis.permissions import Actor
from gateway import inspecting, live
paul = Actor.of(Person.objects.get(username="paul"))
found = live.fresh(list(live.sessions_visible(paul)))
frames = [inspecting.glimpse(paul, row.pk, None).running for row in found]
print(json.dumps([[row.pk, row.events_in, row.credits[0]["left"], frames] for row in found]))
"""
FRAMES = """
import json
from gateway.models import SeenFrame
print(json.dumps(sorted(set(SeenFrame.objects.values_list("direction", "kind", "verdict")))))
"""
CLOSE = """
from apis.models import Api, Person
from apis.permissions import Actor
from gateway import live
paul = Actor.of(Person.objects.get(username="paul"))
live.sessions_close(actor=paul, api=Api.objects.get().pk, code=4000)
"""
DENY = """
from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import denying
denying.deny_policy_create(actor=Actor.of(Person.objects.get(username="adam")), ip_range="127.0.0.0/8")
"""
GONE = """
import json
from gateway.models import GatewayProcess, LiveSession
print(json.dumps([LiveSession.objects.count(), GatewayProcess.objects.count()]))
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty PostgreSQL database with our tables."""
    server = PostgreSQL()
    manage(server.url, "migrate", "--verbosity=0")
    yield server.url
    server.stop()


def test_live_sessions_on_postgresql(url: str, backend: Backend, certificate: KeyPairFiles, tmp_path: Path) -> None:
    token = told(url, STORY.replace("BACKEND", backend.url))["token"]
    gateway = GatewayProcess(url, certificate, tmp_path)
    bearer = {"Authorization": f"Bearer {token}"}
    try:
        with connect(gateway.url("/chat/1.0.0"), additional_headers=bearer, proxy=None) as client:
            assert client.response is not None
            for _ in range(3):
                client.send("x")
                client.recv(5)
            name = client.response.headers["X-Request-ID"]
            until(lambda: told(url, LISTED) == [[name, 3, 5, [True]]], 15)
            time.sleep(1)  # its process has heard that somebody looks
            client.send("x")
            client.recv(5)
            until(lambda: told(url, FRAMES) == [["in", "text", "passed"], ["out", "text", "passed"]], 15)
            manage(url, "shell", "--verbosity=0", "-c", CLOSE)
            assert closed(client)[0] == 4000
        with connect(gateway.url("/chat/1.0.0"), additional_headers=bearer, proxy=None) as client:
            manage(url, "shell", "--verbosity=0", "-c", DENY)
            assert closed(client)[0] == 4403
        assert knock(gateway, "/chat/1.0.0", **bearer).code == "denied"
    finally:
        assert gateway.stop() == 0
    assert told(url, GONE) == [0, 0], "a process that stops takes its sessions out of the directory"
    assert "Traceback" not in gateway.log.read_text()
