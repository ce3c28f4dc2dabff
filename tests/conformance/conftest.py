"""A gateway for the suite: it trusts the tests' certificate, so that an upstream may speak TLS, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.conftest import certificate, database, world
from tests.gateway.world import GatewayProcess
from wsportal.certificates import KeyPairFiles

__all__ = ["certificate", "database", "world"]


@pytest.fixture(scope="session")
def gateway(
    database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A real gateway process on the tests' database."""
    trust = {"SSL_CERT_FILE": str(certificate.cert)}
    process = GatewayProcess(database, certificate, tmp_path_factory.mktemp("conformance"), **trust)
    yield process
    code = process.stop()
    log = process.log.read_text()
    assert code == 0, log
    assert "Traceback" not in log, log
