"""The certificate of `up`: made once, kept, and replaced when it would fail."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wsportal import certificates
from wsportal.certificates import KeyPairFiles, self_signed


async def test_a_browser_that_trusts_it_may_call_it_by_every_local_name(tmp_path: Path) -> None:
    files = self_signed(tmp_path, "portal.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        trusting = ssl.create_default_context(cafile=str(files.cert))
        for name in ("localhost", "127.0.0.1", "::1", "portal.example"):
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
            writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="other.example")


def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    assert self_signed(tmp_path).key.stat().st_mode & 0o777 == 0o600


def test_the_second_start_keeps_it(tmp_path: Path) -> None:
    before = self_signed(tmp_path).cert.read_bytes()
    assert self_signed(tmp_path).cert.read_bytes() == before


def damage_nothing(files: KeyPairFiles) -> None:
    """The host changes instead."""


def damage_cert(files: KeyPairFiles) -> None:
    files.cert.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")


def lose_key(files: KeyPairFiles) -> None:
    files.key.unlink()


def swap_key(files: KeyPairFiles) -> None:
    other = files.key.parent / "other"
    other.mkdir()
    files.key.write_bytes(self_signed(other).key.read_bytes())


@pytest.mark.parametrize(
    ("damage", "host"),
    [(damage_nothing, "10.0.0.7"), (damage_cert, "localhost"), (lose_key, "localhost"), (swap_key, "localhost")],
)
def test_one_that_would_fail_is_replaced(tmp_path: Path, damage, host: str) -> None:
    files = self_signed(tmp_path)
    before = files.cert.read_bytes()
    damage(files)
    assert self_signed(tmp_path, host).cert.read_bytes() != before
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)


def test_one_that_is_about_to_expire_is_replaced(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - certificates.VALID_FOR + timedelta(days=3)
    files = KeyPairFiles(tmp_path / "localhost.crt", tmp_path / "localhost.key")
    certificates._make(files, certificates.LOCAL_NAMES, long_ago)
    before = files.cert.read_bytes()
    assert self_signed(tmp_path).cert.read_bytes() != before
