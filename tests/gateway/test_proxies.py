"""Behind proxies: the client keeps its address and scheme, and nobody else can give themselves one."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gateway.core.proxy_protocol import SIGNATURE
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, GatewayProcess, World, free_port
from wsportal.certificates import KeyPairFiles

EXAMPLES = Path(__file__).resolve().parents[2] / "deploy"
SAM = "127.0.0.5"  # where sam connects from; the proxies connect from 127.0.0.1
SPOOF = {"X-Forwarded-For": "198.51.100.66", "X-Forwarded-Proto": "http", "Forwarded": "for=198.51.100.66;proto=http"}
Begin = Callable[..., GatewayProcess]


@pytest.fixture
def begin(database: str, certificate: KeyPairFiles, tmp_path: Path) -> Iterator[Begin]:
    """Starts a gateway that trusts the proxies at 127.0.0.1."""
    started: list[GatewayProcess] = []

    def start(**settings: str) -> GatewayProcess:
        trust = {"TRUSTED_PROXIES": "127.0.0.1", **settings}
        started.append(GatewayProcess(database, certificate, tmp_path, **trust))
        return started[-1]

    yield start
    for process in started:
        assert process.stop() == 0
        assert "Traceback" not in process.log.read_text()


def from_sam(port: int, first: bytes = b"", source: str = SAM) -> socket.socket:
    """A connection from an address of our choice, and what is said on it before anything else."""
    connection = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
    connection.sendall(first)
    return connection


def session(deal: Deal, port: int, trust: ssl.SSLContext | None = None, **facts: Any) -> connect:
    """sam's client, not connected yet, through whatever listens on that port."""
    headers = {"Authorization": f"Bearer {deal.token}", **facts.pop("headers", SPOOF)}
    url = f"{'wss' if trust else 'ws'}://localhost:{port}{deal.path}"
    for attempt in (1, 2, 3):
        sock = from_sam(port, **facts)
        try:
            return connect(url, sock=sock, additional_headers=headers, ssl=trust, proxy=None, open_timeout=20)
        except InvalidStatus as refused:
            # HAProxy 2.6 now and then reads nothing of a request on a fresh TLS connection ("cR", 408 of its own after
            # `timeout http-request`): the gateway never hears of that client, so it is not what is tested here.
            if refused.response.status_code != 408 or attempt == 3:
                raise
    raise AssertionError


def told(backend: Backend) -> dict[str, str]:
    """What the backend was last told about its client."""
    headers = backend.requests[-1].headers
    return {name: headers[name] for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded")}


def talks(session: connect) -> None:
    with session as client:
        client.send("through")
        assert client.recv(10) == "through"


# -- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "headers", "address", "proto"),
    [
        (SAM, SPOOF, SAM, "http"),  # nobody trusts sam's own word
        ("127.0.0.1", {"X-Forwarded-For": "198.51.100.1"}, "198.51.100.1, 127.0.0.1", "http"),
        (
            "127.0.0.1",
            {"X-Forwarded-For": "9.9.9.9, 198.51.100.1", "X-Forwarded-Proto": "https"},
            "198.51.100.1, 127.0.0.1",
            "https",
        ),
    ],
)
def test_the_backend_is_told_of_the_client_that_a_trusted_proxy_names(
    world: World, backend: Backend, begin: Begin, source: str, headers: dict[str, str], address: str, proto: str
) -> None:
    deal = world.deal(backend.url)
    gateway = begin()
    talks(session(deal, gateway.ws_port, source=source, headers=headers))
    facts = told(backend)
    assert facts["X-Forwarded-For"] == address
    assert facts["X-Forwarded-Proto"] == proto
    client, *rest = address.split(", ")
    assert facts["Forwarded"].startswith(f"for={client};")
    assert facts["Forwarded"].endswith("".join(f", for={one}" for one in rest))
    until(lambda: f"client={client} " in gateway.log.read_text().replace("\x1b[0m", ""))


# -- the PROXY protocol -----------------------------------------------------------------------------------------------


def binary(secure: bool = False) -> bytes:
    payload = socket.inet_aton("198.51.100.7") + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 4711, 443)
    payload += b"\x20\x00\x05" + bytes([secure]) + bytes(4)
    return SIGNATURE + b"\x21\x11" + struct.pack("!H", len(payload)) + payload


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("first", [b"PROXY TCP4 198.51.100.7 127.0.0.1 4711 443\r\n", binary()])
def test_a_proxy_introduces_its_client_before_plain_and_tls_handshakes(
    world: World, backend: Backend, begin: Begin, first: bytes, secure: bool
) -> None:
    deal = world.deal(backend.url)
    gateway = begin(PROXY_PROTOCOL="true")
    port, trust = (gateway.wss_port, gateway.tls()) if secure else (gateway.ws_port, None)
    talks(session(deal, port, trust, first=first, source="127.0.0.1"))
    assert told(backend)["X-Forwarded-For"] == "198.51.100.7"
    assert told(backend)["X-Forwarded-Proto"] == ("https" if secure and first.startswith(b"PROXY") else "http")


def test_a_proxy_says_whether_its_client_came_by_tls(world: World, backend: Backend, begin: Begin) -> None:
    deal = world.deal(backend.url)
    gateway = begin(PROXY_PROTOCOL="true")
    talks(session(deal, gateway.ws_port, first=binary(secure=True), source="127.0.0.1"))
    assert told(backend)["X-Forwarded-Proto"] == "https"


@pytest.mark.parametrize(
    "first", [b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"PROXY TCP4 nonsense\r\n", SIGNATURE + b"\x31\x11\0\0"]
)
def test_a_trusted_peer_that_introduces_nobody_is_closed_without_a_word(begin: Begin, first: bytes) -> None:
    gateway = begin(PROXY_PROTOCOL="true")
    with from_sam(gateway.ws_port, first, source="127.0.0.1") as connection:
        connection.settimeout(5)
        try:
            assert connection.recv(100) == b""
        except ConnectionResetError:
            pass
    until(lambda: "proxy_protocol_malformed" in gateway.log.read_text())


def test_anybody_else_has_nothing_to_introduce(world: World, backend: Backend, begin: Begin) -> None:
    deal = world.deal(backend.url)
    gateway = begin(PROXY_PROTOCOL="true")
    with from_sam(gateway.ws_port, b"PROXY TCP4 198.51.100.7 127.0.0.1 4711 443\r\n\r\n") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    talks(session(deal, gateway.ws_port))
    assert told(backend)["X-Forwarded-For"] == SAM


# -- the examples of the documentation --------------------------------------------------------------------------------


def installed(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{program} is not installed here; .ci/run installs it")
    return found


class Front:
    """One of the examples, started as it stands but for its ports and paths.

    Args:
        second: another gateway, for the line that stands there as a comment.
    """

    def __init__(self, name: str, gateway: GatewayProcess, folder: Path, second: GatewayProcess | None = None) -> None:
        self.gateway_port, self.portal_port = free_port(), free_port()
        self.folder = folder
        certificate = gateway.certificate
        (folder / "wsportal.pem").write_text(certificate.cert.read_text() + certificate.key.read_text())
        text = (EXAMPLES / name).read_text()
        if second is not None:
            assert "10.0.0.12:9099" in text
            text = text.replace("# server ", "server ").replace("10.0.0.12:9099", f"127.0.0.1:{second.ws_port}")
        for old, new in {
            "127.0.0.1:9099": f"127.0.0.1:{gateway.ws_port}",
            "127.0.0.1:9763": f"127.0.0.1:{gateway.portal}",
            "listen 8443": f"listen 127.0.0.1:{self.gateway_port}",
            "listen 443": f"listen 127.0.0.1:{self.portal_port}",
            "bind :8443": f"bind 127.0.0.1:{self.gateway_port}",
            "bind :443": f"bind 127.0.0.1:{self.portal_port}",
            "/etc/nginx/wsportal.crt": str(certificate.cert),
            "/etc/nginx/wsportal.key": str(certificate.key),
            "/etc/haproxy/": f"{folder}/",
            "maxconn 20000": "maxconn 200",  # a test machine may allow no more
            "/var/log/nginx/": f"{folder}/",
        }.items():
            text = text.replace(old, new)
        config = folder / name
        config.write_text(text)
        command = {
            "nginx.conf": (
                "nginx",
                "-p",
                str(folder),
                "-c",
                str(config),
                "-g",
                f"daemon off; pid {folder}/pid; error_log stderr;",
            ),
            "haproxy.cfg": ("haproxy", "-db", "-f", str(config)),
        }[name]
        self.log = (folder / f"{name}.log").open("w+")
        self.process = subprocess.Popen([installed(command[0]), *command[1:]], stdout=self.log, stderr=self.log)
        until(self.answers, 10, "the proxy did not start")
        self.trust = gateway.tls()

    def answers(self) -> bool:
        assert self.process.poll() is None, Path(self.log.name).read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.gateway_port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


@pytest.fixture(params=["nginx.conf", "haproxy.cfg"])
def front(request: pytest.FixtureRequest, begin: Begin, tmp_path: Path) -> Iterator[Front]:
    installed("nginx" if request.param == "nginx.conf" else "haproxy")
    settings = {"PROXY_PROTOCOL": "true"} if request.param == "haproxy.cfg" else {}
    made = Front(request.param, begin(**settings), tmp_path)
    yield made
    made.stop()


@pytest.fixture
def deal(world: World, backend: Backend) -> Deal:
    """Made before the gateway of a test starts."""
    return world.deal(backend.url)


def test_through_the_documented_proxy_sam_talks_as_himself(deal: Deal, front: Front, backend: Backend) -> None:
    talks(session(deal, front.gateway_port, front.trust))
    facts = told(backend)
    assert facts["X-Forwarded-For"].split(", ")[0] == SAM
    assert facts["X-Forwarded-Proto"] == "https"
    assert "198.51.100.66" not in " ".join(facts.values())


def test_through_the_documented_proxy_large_messages_and_closes_travel_unchanged(deal: Deal, front: Front) -> None:
    with session(deal, front.gateway_port, front.trust) as client:
        client.send("x" * 900_000)
        assert client.recv(20) == "x" * 900_000
        client.close(4321, "as I like it")
    assert client.close_code == 4321


def test_the_portal_behind_the_documented_proxy_knows_that_it_is_asked_by_tls(deal: Deal, front: Front) -> None:
    with httpx.Client(verify=front.trust, transport=httpx.HTTPTransport(verify=front.trust, local_address=SAM)) as sam:
        page = sam.get(f"https://localhost:{front.portal_port}/login", headers=SPOOF)
        assert page.status_code == 200
        assert any(name.startswith("__Host-") for name in page.cookies)  # a cookie for https only


@pytest.mark.parametrize("name", ["nginx.conf", "haproxy.cfg"])
def test_a_gateway_that_drains_behind_the_documented_proxy_costs_nobody_a_handshake(
    deal: Deal, begin: Begin, tmp_path: Path, name: str
) -> None:
    installed("nginx" if name == "nginx.conf" else "haproxy")
    settings = {"DRAIN_SECONDS": "3", **({"PROXY_PROTOCOL": "true"} if name == "haproxy.cfg" else {})}
    first, second = begin(**settings), begin(**settings)
    front = Front(name, first, tmp_path, second)
    with ExitStack() as stack:
        stack.callback(front.stop)
        held = [stack.enter_context(session(deal, front.gateway_port, front.trust)) for _ in range(6)]
        first.process.terminate()
        while first.process.poll() is None:
            talks(session(deal, front.gateway_port, front.trust))
        talks(session(deal, front.gateway_port, front.trust))  # and once it is gone
        ends = [client.close_code for client in held if wait_for_close(client)]
        assert 0 < len(ends) < 6, "both gateways had sessions"
        assert set(ends) == {1012}


def wait_for_close(client: ClientConnection) -> bool:
    """Whether it was sent away by now."""
    try:
        client.recv(0.2)
    except TimeoutError:
        return False
    except ConnectionClosed:
        return True
    raise AssertionError("nobody sends anything here")
