"""How processes talk to a real PostgreSQL: with limits where they serve, patiently where they migrate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines import PostgreSQL
from tests.installation import Installation

SHOW = """
from django.db import connection
from wsportal import env
with connection.cursor() as cursor:
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        cursor.execute(f"SHOW {name}")
        print(name, cursor.fetchone()[0])
"""
CUT_OFF = """
from django.db import connection
from apis.models import Person
Person.objects.count()
connection.close()  # back into the pool
import psycopg
with psycopg.connect(connection.settings_dict["URL"], autocommit=True) as other:
    other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                  "AND backend_type = 'client backend'")
print("STILL", Person.objects.count())
"""
COUNTS = """
from gateway.kept_counters import load, write
for more in (3, 4, -1):
    write([("some counter", 7200, 10800, more)])
print("TAKEN", load(7300)["some counter", 7200])
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    postgresql = PostgreSQL()
    made = Installation(postgresql.url, tmp_path_factory.mktemp("var"))
    made.manage("migrate", "--verbosity=0")
    yield made
    postgresql.stop()


def shown(installation: Installation) -> dict[str, str]:
    lines = installation.manage("shell", "--verbosity=0", "-c", SHOW).strip().splitlines()
    return dict(line.split() for line in lines[-3:])


def test_what_serves_waits_for_nothing_for_ever_and_a_command_is_left_its_time(installation: Installation) -> None:
    assert shown(installation)["statement_timeout"] == "0"
    installation.variables["WSPORTAL_MODE"] = "serve"
    try:
        assert shown(installation) == {
            "statement_timeout": "30s", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "1min",
        }  # fmt: skip
    finally:
        del installation.variables["WSPORTAL_MODE"]


def test_a_connection_that_died_in_the_pool_is_given_to_nobody(installation: Installation) -> None:
    script = CUT_OFF.replace('connection.settings_dict["URL"]', repr(installation.variables["DATABASE_URL"]))
    told = installation.manage("shell", "--verbosity=0", "-c", script)
    assert "STILL 0" in told


def test_processes_without_redis_add_to_one_count_of_a_window(installation: Installation) -> None:
    assert "TAKEN 6" in installation.manage("shell", "--verbosity=0", "-c", COUNTS)
