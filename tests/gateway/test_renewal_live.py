"""A new certificate for the gateway while people talk: they go on, and whoever comes now is shown the new one."""

from __future__ import annotations

import secrets
import shutil
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.gateway.backends import Backend
from tests.gateway.world import Deal, World
from tests.starts import Start, free_offset
from wsportal.certificates import KeyPairFiles, self_signed
from wsportal.env import Ports

OFFSET = free_offset()


@pytest.fixture
def pair(tmp_path: Path) -> KeyPairFiles:
    """The files that the gateway is told to use."""
    return self_signed(tmp_path)


@pytest.fixture
def deal(world: World, backend: Backend) -> Deal:
    """Made before the gateway starts, which would otherwise hear of it a moment later."""
    return world.deal(backend.url)


@pytest.fixture
def start(database: str, tmp_path: Path, pair: KeyPairFiles, deal: Deal) -> Iterator[Start]:
    made = Start(
        "serve",
        "gateway",
        "--port-offset",
        str(OFFSET),
        DJANGO_SECRET_KEY=secrets.token_urlsafe(50),
        DATABASE_URL=f"sqlite:///{database}",
        VAR_DIR=str(tmp_path),
        ALLOWED_UPSTREAM_NETWORKS="loopback",
        GATEWAY_TLS_CERT=str(pair.cert),
        GATEWAY_TLS_KEY=str(pair.key),
        DRAIN_SECONDS="0",
    )
    made.until('"listening"')
    yield made
    assert made.stop(signal.SIGTERM, 15) == 0


def session(deal: Deal, trusted: Path) -> connect:
    """A client that trusts this certificate only."""
    return connect(
        f"wss://localhost:{Ports.shifted(OFFSET).gateway_tls}{deal.path}",
        additional_headers={"Authorization": f"Bearer {deal.token}"},
        ssl=ssl.create_default_context(cafile=str(trusted)),
        proxy=None,
        open_timeout=30,
    )


def says(client: ClientConnection, words: str) -> None:
    client.send(words)
    assert client.recv(10) == words


def test_a_session_outlives_the_certificate_that_it_began_with(
    deal: Deal, start: Start, pair: KeyPairFiles, tmp_path: Path
) -> None:
    old = Path(shutil.copy(pair.cert, tmp_path / "old.crt"))
    (tmp_path / "next").mkdir()
    new = self_signed(tmp_path / "next")
    with session(deal, old) as before:
        says(before, "with the old one")
        shutil.copy(new.cert, pair.cert)
        shutil.copy(new.key, pair.key)
        start.process.send_signal(signal.SIGHUP)
        start.until("certificate_renewed")
        with session(deal, new.cert) as after:
            says(after, "with the new one")
        with pytest.raises(ssl.SSLCertVerificationError):
            session(deal, old).__enter__()
        says(before, "still here")
