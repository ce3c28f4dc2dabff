"""Two gateway processes on one database and one Redis: a module that imports the fixtures has them of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.engines import Redis
from tests.gateway.test_faults_process import running
from tests.gateway.world import GatewayProcess, free_port
from wsportal.certificates import KeyPairFiles


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis of this module's own."""
    made = Redis(tmp_path_factory.mktemp("redis"), free_port())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def fleet(
    database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory, server: Redis
) -> Iterator[list[GatewayProcess]]:
    """Two gateway processes that share what they count and tell."""
    folder = tmp_path_factory.mktemp("fleet")
    with ExitStack() as stack:
        yield [stack.enter_context(running(database, certificate, folder, REDIS_URL=server.url)) for _ in range(2)]
