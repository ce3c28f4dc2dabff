"""A backup of a running installation, by the commands of docs/operations.md, is restored elsewhere and works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import PostgreSQL
from tests.gateway.backends import Backend
from tests.installation import Installation, says
from tests.starts import eventually
from wsportal.env import ROOT

GUARDED = {"type": "basic", "username": "us", "password": "open sesame"}
PATH = "/chat/1.0.0"


def documented(program: str) -> list[str]:
    """The command of docs/operations.md that begins so, as words."""
    (line,) = re.findall(rf"^{re.escape(program)}\b.*$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    return shlex.split(line)


def run(words: list[str], **replaced: str) -> None:
    """A documented command, with its example names replaced by the test's."""
    command = [replaced.get(word, word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    yield made
    made.stop()


def furnish(one: Installation, backend: Backend) -> dict[str, Any]:
    """An API with a secret of its backend, keys, a token, and three messages that count."""
    api = one.do("paul", "POST", "/apis?publish=true", {
        "name": "Chat", "context": "/chat", "version": "1.0.0", "endpoint": backend.url,
        "business_plans": ["Unlimited"],
    })  # fmt: skip
    config = {"urls": [{"url": backend.url}], "security": GUARDED}
    one.do("paul", "PUT", f"/apis/{api['id']}/endpoints/production", config)
    application = one.do("sam", "POST", "/applications", {"name": "Phone"})
    wish = {"api": api["id"], "application": application["id"], "business_plan": "Unlimited"}
    one.do("sam", "POST", "/subscriptions", wish)
    keys = one.do("sam", "POST", f"/applications/{application['id']}/keys", {"key_type": "production"})
    token = one.access_token(keys)
    with one.connect(0, PATH, token) as client:
        assert all(says(client) for _ in range(3))
    eventually(lambda: used(one, application["id"]) == 3, "counted", 30)
    return {"api": api["id"], "application": application["id"], "keys": keys, "token": token}


def used(one: Installation, application: str) -> int:
    total: int = one.do("sam", "GET", f"/usage?application={application}")["total"]["events_in"]
    return total


def tell_that_it_works(one: Installation, facts: dict[str, Any], backend: Backend) -> None:
    """Old tokens, old keys, the backend's secret, what was counted and who may do what: all as before."""
    assert one.do("paul", "GET", "/me")["username"] == "paul"
    assert used(one, facts["application"]) == 3
    for token in (facts["token"], one.access_token(facts["keys"])):
        with one.connect(0, PATH, token) as client:
            assert says(client)
        assert backend.requests[-1].headers["Authorization"] == "Basic " + b64encode(b"us:open sesame").decode()
    one.sign_in("sam")
    assert [row["name"] for row in one.do("sam", "GET", "/applications")["results"]] == ["Phone"]


def back_up_and_restore(
    original: Installation, restored: Installation, backend: Backend, copy: Callable[[], None]
) -> None:
    """The whole story. `copy` takes the backup from the one and puts it into the other's database."""
    try:
        original.install()
        original.serve("portal")
        original.serve("gateway")
        original.welcome()
        facts = furnish(original, backend)
        copy()
        original.do("sam", "POST", "/applications", {"name": "Made after the backup"})
        original.stop()
        restored.tokens = dict(original.tokens)
        restored.manage("migrate", "--verbosity=0")
        restored.serve("portal")
        restored.serve("gateway")
        tell_that_it_works(restored, facts, backend)
        restored.stop()
        stranger = Installation(restored.variables["DATABASE_URL"], Path(restored.variables["VAR_DIR"]))
        with pytest.raises(AssertionError, match=r"secret\(s\) cannot be read"):
            stranger.manage("reseal")
    finally:
        original.kill()
        restored.kill()


def test_a_sqlite_file_is_copied_while_it_is_written_to(tmp_path: Path, backend: Backend) -> None:
    original = Installation(f"sqlite:///{tmp_path}/one.sqlite3", tmp_path / "one")
    restored = Installation(f"sqlite:///{tmp_path}/other.sqlite3", tmp_path / "other")
    restored.variables["DJANGO_SECRET_KEY"] = original.variables["DJANGO_SECRET_KEY"]

    def copy() -> None:
        words = documented('python3 -c "import sqlite3')
        names = {"var/wsportal.sqlite3": f"{tmp_path}/one.sqlite3", "backup.sqlite3": f"{tmp_path}/other.sqlite3"}
        run(words, python3=sys.executable, **names)

    back_up_and_restore(original, restored, backend, copy)


def test_a_postgresql_is_dumped_while_it_is_written_to_and_restored_into_another(
    tmp_path: Path, backend: Backend
) -> None:
    server = PostgreSQL()
    keys = {"ENCRYPTION_KEYS": f"{'n' * 32},{'o' * 32}"}
    original = Installation(server.url, tmp_path / "one", **keys)
    other = server.url.replace("/postgres?", "/restored?")
    assert other != server.url
    restored = Installation(other, tmp_path / "other", **keys)
    restored.variables["DJANGO_SECRET_KEY"] = original.variables["DJANGO_SECRET_KEY"]

    def copy() -> None:
        programs = {name: str(server.programs / name) for name in ("pg_dump", "pg_restore")}
        names = {**programs, "$DATABASE_URL": server.url, "$NEW_DATABASE_URL": other}
        names["--file=wsportal.dump"] = f"--file={tmp_path}/wsportal.dump"
        names["--dbname=$NEW_DATABASE_URL"] = f"--dbname={other}"
        names["wsportal.dump"] = f"{tmp_path}/wsportal.dump"
        run(documented("pg_dump"), **names)
        run([str(server.programs / "psql"), server.url, "--quiet", "--command=CREATE DATABASE restored"])
        run(documented("pg_restore"), **names)

    try:
        back_up_and_restore(original, restored, backend, copy)
    finally:
        server.stop()
