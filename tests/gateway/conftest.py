"""What the tests of the gateway share: one real server process, and backends behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import uvloop
from django.core.management import call_command
from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from tests.apis.conftest import rest
from tests.gateway.backends import Backend
from tests.gateway.ends import Corridor, Session
from tests.gateway.world import GatewayProcess, World
from wsportal.certificates import KeyPairFiles, self_signed

__all__ = ["rest"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Asynchronous tests run on the loop that the gateway runs on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Soaks take minutes: they run when they are asked for by `-m soak`."""
    if "soak" not in (config.option.markexpr or ""):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="a soak: run it with -m soak"))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> KeyPairFiles:
    """A self-signed certificate for localhost."""
    return self_signed(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The file of the tests' database; pytest-django makes it only for tests that ask for it, which ours do not."""
    names = connection.settings_dict
    if names["NAME"] == names["TEST"]["NAME"]:
        yield names["NAME"]
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    yield names["NAME"]
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def gateway(
    database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """The gateway of `up` in a process of its own, on the tests' database.

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
def world(gateway: GatewayProcess, django_db_blocker: Any) -> Iterator[World]:
    """People and plans in the database that the gateway looks at, for all tests of a module."""
    with django_db_blocker.unblock():
        yield World(gateway)
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
