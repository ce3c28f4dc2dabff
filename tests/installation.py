"""wsportal as an operator has it: processes from the command line on one database, people over REST."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.starts import Start, eventually, free_offset
from wsportal.env import ROOT, Ports

PASSWORD = "walks-the-dog-7"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
PEOPLE = {"paul": ["creator", "publisher"], "sam": ["subscriber"]}


class Installation:
    """Any number of portals and gateways on one database.

    Args:
        database: its URL.
        folder: VAR_DIR.
        variables: further environment variables of every process.
    """

    def __init__(self, database: str, folder: Path, **variables: str) -> None:
        self.variables = {
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
            "DATABASE_URL": database,
            "VAR_DIR": str(folder),
            "ALLOWED_UPSTREAM_NETWORKS": "loopback",
            "DRAIN_SECONDS": "1",
            **variables,
        }
        self.portals: list[Ports] = []
        self.gateways: list[Ports] = []
        self.tokens: dict[str, str] = {}
        self._starts: list[Start] = []

    def manage(self, *arguments: str, given: str = "") -> str:
        """A command of manage.py, to its end. Returns: what it said."""
        kept = {name: value for name, value in os.environ.items() if name not in ("WSPORTAL_MODE", "REDIS_URL")}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**kept, **self.variables},
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self) -> None:
        """Tables, and adam the administrator."""
        self.manage("migrate", "--verbosity=0")
        self.manage("install", "--administrator=adam", given=f"{PASSWORD}\n")

    def serve(self, plane: str, *arguments: str) -> Start:
        """One more process of a plane, on ports of its own, once it accepts."""
        offset = free_offset()
        start = Start("serve", plane, "--port-offset", str(offset), *arguments, **self.variables)
        self._starts.append(start)
        start.until("listening")
        (self.portals if plane == "portal" else self.gateways).append(Ports.shifted(offset))
        return start

    def stop(self) -> None:
        """Every process ends by SIGTERM, without a fault in its log."""
        running = [start for start in self._starts if start.process.poll() is None]
        for start in running:
            start.process.send_signal(signal.SIGTERM)
        for start in running:
            assert start.ended() == 0, start.output

    def kill(self) -> None:
        """Leave nothing behind."""
        for start in self._starts:
            with suppress(OSError):
                start.kill()

    # -- people ---------------------------------------------------------------------------------------------------

    def url(self, path: str, portal: int = -1) -> str:
        return f"http://127.0.0.1:{self.portals[portal].portal}{path}"

    def sign_in(self, *names: str) -> None:
        """A personal token for each."""
        for name in names:
            answer = httpx.post(self.url("/api/v1/tokens"), auth=(name, PASSWORD), json={"name": "test"}, timeout=30)
            assert answer.status_code == 201, answer.text
            self.tokens[name] = answer.json()["token"]

    def ask(self, name: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """A call of the REST API by a person who has signed in."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        return httpx.request(method, self.url(f"/api/v1{path}"), json=body, headers=headers, timeout=30)

    def do(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """The same, which must succeed. Returns: its JSON."""
        answer = self.ask(name, method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def welcome(self) -> None:
        """adam gives paul and sam what they need."""
        self.sign_in("adam")
        for name, roles in PEOPLE.items():
            self.do("adam", "POST", "/people", {"username": name, "password": PASSWORD, "roles": roles})
        self.sign_in(*PEOPLE)

    # -- clients --------------------------------------------------------------------------------------------------

    def access_token(self, keys: dict[str, str]) -> str:
        """sam's program gets a token with its keys."""
        form = {"grant_type": "client_credentials"}
        pair = (keys["consumer_key"], keys["consumer_secret"])
        answer = httpx.post(self.url("/oauth2/token"), data=form, auth=pair, timeout=30)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def connect(self, gateway: int, path: str, token: str) -> ClientConnection:
        """A client of one of the gateways, which has heard of what was published: that takes a second at most."""
        headers = {"Authorization": f"Bearer {token}"}
        where = f"127.0.0.1:{self.gateways[gateway].gateway}{path}"
        url = f"ws://{where}"
        with suppress(AssertionError):  # a path that leads nowhere is for the caller to see
            eventually(lambda: httpx.get(f"http://{where}", headers=UPGRADE).status_code != 404, "known", 5)
        return connect(url, additional_headers=headers, proxy=None, open_timeout=30)


def says(client: ClientConnection, message: str = "hello") -> bool:
    """Whether the message came back; False where the connection was closed instead."""
    try:
        client.send(message)
        return client.recv(10) == message
    except ConnectionClosed:
        return False
