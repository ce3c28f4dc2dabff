"""A certificate is renewed while people are connected: they stay, and whoever comes next sees the new one."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.starts import Start, eventually, free_offset
from wsportal.certificates import KeyPairFiles, self_signed
from wsportal.env import Ports
from wsportal.renewal import LOOK_S, Certificate

Serve = Callable[[], Start]


@pytest.fixture
def pairs(tmp_path: Path) -> list[KeyPairFiles]:
    """Two certificates, and a third place whose files are in use."""
    made = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        made.append(self_signed(tmp_path / name))
    return [*made, copied(made[0], KeyPairFiles(tmp_path / "live.crt", tmp_path / "live.key"))]


def copied(pair: KeyPairFiles, to: KeyPairFiles) -> KeyPairFiles:
    shutil.copy(pair.cert, to.cert)
    shutil.copy(pair.key, to.key)
    return to


def shown(port: int) -> str:
    """The certificate that a client is shown (PEM)."""
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def same(pair: KeyPairFiles, pem: str) -> bool:
    return ssl.PEM_cert_to_DER_cert(pair.cert.read_text()) == ssl.PEM_cert_to_DER_cert(pem)


@pytest.fixture
def port() -> int:
    return free_offset()


@pytest.fixture
def serve(tmp_path: Path, pairs: list[KeyPairFiles], port: int) -> Iterator[Serve]:
    started: list[Start] = []

    def begin() -> Start:
        facts = {
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
            "DATABASE_URL": f"sqlite:///{tmp_path}/production.sqlite3",
            "VAR_DIR": str(tmp_path),
            "GATEWAY_TLS_CERT": str(pairs[2].cert),
            "GATEWAY_TLS_KEY": str(pairs[2].key),
        }
        assert Start("migrate", "--verbosity", "0", **facts).ended() == 0
        start = Start("serve", "gateway", "--port-offset", str(port), **facts)
        started.append(start)
        start.until('"listening"')
        return start

    yield begin
    for start in started:
        start.kill()


def test_sighup_takes_up_a_new_certificate_and_no_connection_is_lost(
    serve: Serve, pairs: list[KeyPairFiles], port: int
) -> None:
    start = serve()
    tls = Ports.shifted(port).gateway_tls
    old, new, live = pairs
    assert same(old, shown(tls))
    trusting = ssl.create_default_context(cafile=str(old.cert))
    with (
        socket.create_connection(("127.0.0.1", tls)) as raw,
        trusting.wrap_socket(raw, server_hostname="localhost") as connected,
    ):
        copied(new, live)
        start.process.send_signal(signal.SIGHUP)
        start.until("certificate_renewed")
        assert same(new, shown(tls))
        connected.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connected.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    shutil.copy(old.key, live.key)  # half of another pair
    start.process.send_signal(signal.SIGHUP)
    start.until("certificate_kept")
    assert same(new, shown(tls))
    assert start.stop(signal.SIGTERM) == 0
    (line,) = [line for line in start.lines if "certificate_kept" in line]
    assert json.loads(line)["level"] == "error"


def test_new_files_are_found_without_a_signal(serve: Serve, pairs: list[KeyPairFiles], port: int) -> None:
    start = serve()
    _, new, live = pairs
    copied(new, live)
    eventually(lambda: same(new, shown(Ports.shifted(port).gateway_tls)), "the new certificate", LOOK_S + 10)
    assert start.stop(signal.SIGTERM) == 0


def test_a_certificate_and_its_key_may_come_one_after_the_other(pairs: list[KeyPairFiles]) -> None:
    _, new, live = pairs
    certificate = Certificate(live)
    context = certificate.context
    assert certificate.renew(always=False) is False
    shutil.copy(new.cert, live.cert)
    assert certificate.renew(always=False) is False
    shutil.copy(new.key, live.key)
    assert certificate.renew(always=False) is True
    assert certificate.context is context
    assert certificate.renew(always=False) is False


@pytest.mark.parametrize(
    "spoil", [lambda path: path.write_text("nonsense"), os.unlink, lambda path: path.write_text("")]
)
def test_files_that_are_none_change_nothing(pairs: list[KeyPairFiles], spoil: Callable[[Path], object]) -> None:
    old, _, live = pairs
    certificate = Certificate(live)
    spoil(live.cert)
    assert certificate.renew() is False
    server, client = certificate.context, ssl.create_default_context(cafile=str(old.cert))
    assert handshakes(server, client)


def handshakes(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    """Whether a client that trusts one certificate only gets through, in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ends[0].version() is not None
