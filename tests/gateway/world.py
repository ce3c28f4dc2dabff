"""A gateway that really runs, and people who design, publish and subscribe in its database."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import configuring, demo, designs, keys, people, plans, subscribing
from tests.conftest import PASSWORD, ROLES
from wsportal import env
from wsportal.certificates import KeyPairFiles

# Each worker of a parallel run has ports of its own: from finding one free to listening on it takes seconds.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = range(22000 + WORKER % 4 * 250, 22000 + WORKER % 4 * 250 + 250)
SETTLED_S = 90.0  # more than tests.gateway.process.settle takes at most
_ports = count(os.getpid())
_numbers = count(1)


def free_port() -> int:
    """A port of ours that nobody uses."""
    while True:
        port = PORTS[next(_ports) % len(PORTS)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class GatewayProcess:
    """One server process on a database, as `up` runs it, on ports of its own.

    Args:
        database: the SQLite file, or the URL of another database.
        certificate: for the TLS port.
        folder: where its log goes.
        descriptors: how many it may have open; 0 for as many as the machine allows.
        host: the address of its own ports; the portal's stays on loopback.
        record_s: longest usage record, in seconds; 0 for the gateway's own.
        threads: of its database; 0 for the gateway's own number.
        settings: further environment variables.
    """

    def __init__(
        self,
        database: str,
        certificate: KeyPairFiles,
        folder: Path,
        *,
        descriptors: int = 0,
        host: str = "127.0.0.1",
        record_s: int = 0,
        threads: int = 0,
        **settings: str,
    ) -> None:
        self.host = host
        self.portal, self.ws_port, self.wss_port = free_port(), free_port(), free_port()
        self.log = folder / f"gateway-{self.ws_port}.log"
        self.certificate = certificate
        facts = {
            "portal": self.portal,
            "ws": self.ws_port,
            "wss": self.wss_port,
            "cert": str(certificate.cert),
            "key": str(certificate.key),
            "host": host,
            **({"descriptors": descriptors} if descriptors else {}),
            **({"record_s": record_s} if record_s else {}),
            **({"threads": threads} if threads else {}),
        }
        environment = {
            **os.environ,
            "WSPORTAL_MODE": "test",
            "DATABASE_URL": database if "://" in database else f"sqlite:///{database}",
            "VAR_DIR": str(folder),
            "DJANGO_SECRET_KEY": env.SECRET_KEY,  # what the test seals the gateway must read
            **settings,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.gateway.process", json.dumps(facts)],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                cwd=Path(__file__).resolve().parents[2],
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == b"ready\n", self.log.read_text()

    def url(self, path: str, secure: bool = False) -> str:
        return f"{'wss' if secure else 'ws'}://localhost:{self.wss_port if secure else self.ws_port}{path}"

    def tls(self) -> ssl.SSLContext:
        """What a client trusts: the gateway's own certificate."""
        return ssl.create_default_context(cafile=str(self.certificate.cert))

    def health(self) -> dict[str, Any]:
        return httpx.get(f"http://{self.host}:{self.ws_port}/health").json()

    def rest(self, person: Person, method: str, path: str, body: Any = None) -> httpx.Response:
        """A call of the REST API of the same process, as this person."""
        _, token = people.personal_token_mint(person=person, name="test")
        url = f"http://127.0.0.1:{self.portal}/api/v1{path}"
        return httpx.request(method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    def settle(self) -> None:
        """Wait until its sessions are over and everything about them is written."""
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGUSR2)
        assert select.select([self.process.stdout], [], [], SETTLED_S)[0], "the gateway has not said anything"
        assert self.process.stdout.readline() == b"settled\n", self.log.read_text()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()


@dataclass
class Deal:
    """One published API, sam's subscription to it and a token."""

    gateway: GatewayProcess
    api: Api
    application: Application
    subscription: Subscription
    token: str

    @property
    def path(self) -> str:
        return self.api.path

    def connect(
        self,
        rest: str = "",
        *,
        token: str | None = None,
        secure: bool = False,
        gateway: GatewayProcess | None = None,
        **options: Any,
    ) -> connect:
        """A real client, with the token in a header."""
        gateway = gateway or self.gateway
        headers = {"Authorization": f"Bearer {token or self.token}", **options.pop("additional_headers", {})}
        if secure:
            options["ssl"] = gateway.tls()
        url = gateway.url(self.path + rest, secure)
        return connect(url, additional_headers=headers, proxy=None, open_timeout=30, **options)

    def knock(self, rest: str = "", *, token: str | None = None, **headers: str) -> Answer:
        """A handshake by hand, to see every byte of a refusal."""
        own = {"Authorization": f"Bearer {self.token if token is None else token}"} if token != "" else {}
        return knock(self.gateway, self.path + rest, **{**own, **headers})


@dataclass
class Answer:
    """What a handshake was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document, checked for form (RFC 9457) and against its status and length."""
        assert self.headers["content-type"] == "application/problem+json"
        assert int(self.headers["content-length"]) == len(self.body)
        document: dict[str, Any] = json.loads(self.body)
        assert {"type", "title", "status", "detail", "code"} <= document.keys()
        assert document["status"] == self.status
        return document

    @property
    def code(self) -> str:
        code: str = self.problem["code"]
        return code


def knock(gateway: GatewayProcess, path: str, **headers: str) -> Answer:
    """Send an upgrade request by hand and read the answer to its end."""
    lines = {
        "Host": f"localhost:{gateway.ws_port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    head = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    with socket.create_connection(("127.0.0.1", gateway.ws_port), 30) as connection:
        connection.sendall(head.encode("latin-1"))
        data = b""
        while more := connection.recv(65536):
            data += more
            if data.startswith(b"HTTP/1.1 101") and b"\r\n\r\n" in data:
                break
    top, _, body = data.partition(b"\r\n\r\n")
    first, *rest = top.decode("latin-1").split("\r\n")
    found = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return Answer(int(first.split()[1]), found, body)


class World:
    """People, plans and as many APIs as a test needs, made through the services as in the portals."""

    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.people = {
            name: Person.objects.create_user(
                name, f"{name}@example.com", PASSWORD, roles=[role.value for role in roles]
            )
            for name, roles in ROLES.items()
        }
        self.actors = {name: Actor.of(person) for name, person in self.people.items()}
        demo.seed_essentials(self.actors["adam"])

    def deal(
        self,
        endpoint: str | list[str],
        *,
        plan: dict[str, Any] | None = None,
        application_plan: list[dict[str, Any]] | None = None,
        key_type: str = "production",
        sandbox: bool = True,
        **config: Any,
    ) -> Deal:
        """Publish an API of paul's, and subscribe sam to it.

        Args:
            plan: fields of a business plan of its own; Unlimited without.
            application_plan: limits of an application plan of its own.
            key_type: of the token.
            sandbox: whether sandbox keys have an endpoint, too.
            config: of the endpoint: strategy, timeouts, suspension.
        """
        number = next(_numbers)
        urls = [endpoint] if isinstance(endpoint, str) else endpoint
        plan_name, application_plan_name = "Unlimited", "Unlimited"
        if plan is not None:
            plan_name = plans.business_plan_create(actor=self.actors["adam"], name=f"Plan {number}", **plan).name
        if application_plan is not None:
            made = plans.application_plan_create(
                actor=self.actors["adam"], name=f"Plan {number}", limits=application_plan
            )
            application_plan_name = made.name
        api = designs.api_create(
            actor=self.actors["paul"],
            name=f"Api {number}",
            context=f"/t{number}",
            version="1.0.0",
            endpoint=urls[0],
            business_plans=[plan_name],
        )
        if not sandbox:
            api.endpoints.filter(key_type="sandbox").delete()
        if len(urls) > 1 or config:
            entries = [{"url": url} for url in urls]
            self.configure(api, {"urls": entries, **config})
        self.transition(api, "publish")
        application = subscribing.application_create(
            actor=self.actors["sam"], name=f"App {number}", plan=application_plan_name
        )
        return self.subscribe(api, application, plan_name, key_type)

    def subscribe(self, api: Api, application: Application, plan: str, key_type: str = "production") -> Deal:
        """sam subscribes another application."""
        subscription = subscribing.subscription_create(
            actor=self.actors["sam"], api=api, application=application, business_plan=plan
        )
        token, _ = keys.token_generate(actor=self.actors["sam"], application=application, key_type=key_type)
        return Deal(self.gateway, api, application, subscription, token)

    def transition(self, api: Api, action: str) -> None:
        """paul moves an API along its lifecycle, over REST: so the gateway's very next handshake knows."""
        answer = self.gateway.rest(self.people["paul"], "POST", f"/apis/{api.pk}/transitions", {"action": action})
        assert answer.status_code == 200, answer.text
        api.refresh_from_db()

    def configure(self, api: Api, config: dict[str, Any], key_type: str = "production") -> None:
        """carol turns the cogwheel."""
        configuring.endpoint_configure(actor=self.actors["paul"], api=api, key_type=key_type, config=config)

    def token(self, deal: Deal, key_type: str = "production") -> str:
        """Another token of the same application."""
        token, _ = keys.token_generate(actor=self.actors["sam"], application=deal.application, key_type=key_type)
        return token


def closed(client: ClientConnection, seconds: float = 5.0) -> tuple[int, dict[str, Any]]:
    """Wait for the close; its code, and its reason as JSON."""
    try:
        while True:
            client.recv(seconds)
    except ConnectionClosed as end:
        frame = end.rcvd
        assert frame is not None, "the connection broke without a close frame"
        reason: dict[str, Any] = json.loads(frame.reason or "{}")
        return frame.code, reason
