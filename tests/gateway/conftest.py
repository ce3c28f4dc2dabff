"""What the tests of the gateway share: one real server process, and backends behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from gateway.loop import new_event_loop
from tests.apis.conftest import rest
from tests.databases import copied, on_file
from tests.gateway.backends import Backend
from tests.gateway.ends import Corridor, Session
from tests.gateway.world import GatewayProcess, World
from wsportal.certificates import KeyPairFiles, self_signed

__all__ = ["rest"]
HERE = Path(__file__).parent


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asynchronous tests run on the loop that the gateway runs on."""
    return {"gateway": new_event_loop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Soaks take minutes: they run when they are asked for by `-m soak`. Worlds and transactions have files apart."""
    _keep_apart(items)
    if "soak" not in (config.option.markexpr or ""):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="a soak: run it with -m soak"))


def _keep_apart(items: list[pytest.Item]) -> None:
    """Raises: UsageError where a module has tests in the gateway's database and tests with a transaction of their own.

    The world of a module stays until its last test: the transaction would be in the gateway's way.
    """
    here = [one for one in items if isinstance(one, pytest.Function) and one.path.is_relative_to(HERE)]
    worlds = {one.path.name for one in here if "world" in one.fixturenames}
    for one in here:
        alone = "db" in one.fixturenames or one.get_closest_marker("django_db")
        if alone and "world" not in one.fixturenames and one.path.name in worlds:
            raise pytest.UsageError(f"{one.nodeid} has its own transaction: it belongs into a module without `world`.")
        if alone and "world" in one.fixturenames:
            raise pytest.UsageError(f"{one.nodeid} asks for `world` and for a transaction that its gateway cannot see.")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> KeyPairFiles:
    """A self-signed certificate for localhost."""
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def database(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database file of the gateway, in which no test with a transaction of its own (`db`) ever writes.

    pytest-django makes its file only for tests that ask for it, which ours do not: then one is made for the copy.
    """
    file = str(tmp_path_factory.mktemp("database") / "gateway.sqlite3")
    names = connection.settings_dict
    with django_db_blocker.unblock():
        made = [] if names["NAME"] == names["TEST"]["NAME"] else setup_databases(verbosity=0, interactive=False)
        copied(file)
        teardown_databases(made, verbosity=0)
    return file


@pytest.fixture(scope="session")
def gateway(
    database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """The gateway of `up` in a process of its own, on a database of its own.

    It trusts the tests' certificate, so that a backend may speak TLS, too.
    """
    trust = {"SSL_CERT_FILE": str(certificate.cert)}
    process = GatewayProcess(database, certificate, tmp_path_factory.mktemp("gateway"), **trust)
    yield process
    code = process.stop()
    log = process.log.read_text()
    assert code == 0, log
    assert "Traceback" not in log, log


@pytest.fixture(scope="module")
def world(gateway: GatewayProcess, database: str, django_db_blocker: Any) -> Iterator[World]:
    """People and plans in the database that the gateway looks at, for all tests of a module."""
    with django_db_blocker.unblock(), on_file(database):
        yield World(gateway)
        gateway.settle()
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """A backend that echoes."""
    made = Backend()
    yield made
    made.stop()


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tls"])
def corridor(world: World, request: pytest.FixtureRequest) -> Iterator[Corridor]:
    """An API of the default plan, all of it plain or all of it TLS."""
    made = Corridor(world, request.param)
    yield made
    made.close()


@pytest.fixture
def session(corridor: Corridor) -> Iterator[Session]:
    """A session of it, with both ends in the test's hands."""
    with corridor.session() as made:
        yield made
