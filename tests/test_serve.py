"""An operator starts the planes for production: nothing is made up, everything missing is said in one line."""

from __future__ import annotations

import json
import secrets
import signal
import sqlite3
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.starts import Start, free_offset, is_free
from wsportal.certificates import self_signed
from wsportal.env import Ports

KEY = secrets.token_urlsafe(50)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database that nobody has put anything into."""
    folder = tmp_path_factory.mktemp("serve")
    assert Start("migrate", "--verbosity", "0", **production(folder)).ended() == 0
    return folder


def production(folder: Path, **more: str) -> dict[str, str]:
    return {
        "DJANGO_SECRET_KEY": KEY,
        "DATABASE_URL": f"sqlite:///{folder}/production.sqlite3",
        "VAR_DIR": str(folder),
        **more,
    }


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DJANGO_SECRET_KEY": ""}, "DJANGO_SECRET_KEY is not set"),
        ({"DJANGO_SECRET_KEY": "changeme"}, "DJANGO_SECRET_KEY is a default or too weak"),
        ({"DJANGO_SECRET_KEY": "django-insecure-" + KEY}, "DJANGO_SECRET_KEY is a default or too weak"),
        ({"DJANGO_SECRET_KEY": "a" * 60}, "DJANGO_SECRET_KEY is a default or too weak"),
        ({"PORTAL_TLS_CERT": __file__}, "PORTAL_TLS_CERT and PORTAL_TLS_KEY belong together"),
        ({"GATEWAY_TLS_KEY": "/nowhere.pem"}, "GATEWAY_TLS_KEY names /nowhere.pem"),
        ({"DATABASE_URL": "mysql://us:open-sesame@db/x"}, "DATABASE_URL must start with postgresql://"),
        ({"REDIS_URL": "us:open-sesame@localhost"}, "REDIS_URL must start with redis://"),
        ({"PORTAL_URL": "portal.example"}, "PORTAL_URL"),
        ({"GATEWAY_URL": "https://gateway.example"}, "GATEWAY_URL"),
        ({"METRICS_PORT": "99999"}, "METRICS_PORT"),
        ({"TRUSTED_PROXIES": "proxy.example"}, "TRUSTED_PROXIES"),
        ({"DRAIN_SECONDS": "soon"}, "DRAIN_SECONDS"),
    ],
)
def test_a_wrong_variable_is_one_line_and_is_not_repeated_where_it_is_secret(
    installed: Path, variables: dict[str, str], said: str
) -> None:
    start = Start("serve", "portal", **(production(installed) | variables))
    assert start.ended() == 1
    (line,) = start.lines
    assert line.startswith("wsportal: ")
    assert said in line
    assert KEY not in line
    assert "sesame" not in line


@pytest.mark.parametrize("plane", ["portal", "gateway"])
def test_a_database_without_tables_is_refused_and_left_as_it_is(tmp_path: Path, plane: str) -> None:
    start = Start("serve", plane, **production(tmp_path))
    assert start.ended() == 1
    assert start.lines[-1].endswith("run: python3 manage.py migrate")
    assert tables(tmp_path) == []


def tables(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "production.sqlite3")) as database:
        return [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]


def test_a_certificate_that_is_none_is_one_line(installed: Path) -> None:
    variables = production(installed, GATEWAY_TLS_CERT=__file__, GATEWAY_TLS_KEY=__file__)
    start = Start("serve", "gateway", "--port-offset", str(free_offset()), **variables)
    assert start.ended() == 1
    assert start.lines[-1].startswith(f"wsportal: {__file__}")


@pytest.fixture
def offset() -> int:
    return free_offset()


@pytest.fixture
def serve(installed: Path, offset: int) -> Iterator[Callable[..., Start]]:
    """Starts a plane with a metrics port; stops it as a service manager does."""
    started: list[Start] = []

    def begin(plane: str, **variables: str) -> Start:
        metrics = {"METRICS_PORT": str(Ports.shifted(offset).demo)}  # a port that is free and ours
        start = Start("serve", plane, "--port-offset", str(offset), **production(installed, **metrics, **variables))
        started.append(start)
        start.until("listening")
        return start

    yield begin
    try:
        for start in started:
            assert start.stop(signal.SIGTERM) == 0
            for line in start.lines:
                json.loads(line)  # one JSON object per line, nothing else
    finally:
        for start in started:
            start.kill()


def test_the_portals_run_alone_and_without_tls_where_there_is_no_certificate(
    serve, offset: int, installed: Path
) -> None:
    serve("portal")
    ports = Ports.shifted(offset)
    with urllib.request.urlopen(f"http://localhost:{ports.portal}/login", timeout=20) as answer:
        assert answer.status == 200
    assert is_free(ports.portal_tls)
    assert is_free(ports.gateway)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://localhost:{ports.portal}/metrics", timeout=20)
    assert refused.value.code == 404
    with closing(sqlite3.connect(installed / "production.sqlite3")) as database:
        assert database.execute("select count(*) from apis_person").fetchone() == (0,)


def test_a_websocket_at_the_portals_is_answered_and_not_left_hanging(serve: Callable[..., Start], offset: int) -> None:
    serve("portal")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://localhost:{Ports.shifted(offset).portal}/echo/1.0.0", open_timeout=10).__enter__()
    assert 400 <= refused.value.response.status_code < 600


def test_the_gateway_runs_alone_with_tls_where_there_is_a_certificate(
    serve: Callable[..., Start], offset: int, tmp_path: Path
) -> None:
    pair = self_signed(tmp_path)
    serve("gateway", GATEWAY_TLS_CERT=str(pair.cert), GATEWAY_TLS_KEY=str(pair.key))
    ports = Ports.shifted(offset)
    trusting = ssl.create_default_context(cafile=str(pair.cert))
    for url in (f"http://localhost:{ports.gateway}", f"https://localhost:{ports.gateway_tls}"):
        context = trusting if url.startswith("https") else None
        with urllib.request.urlopen(f"{url}/health", timeout=20, context=context) as answer:
            assert json.load(answer)["status"] == "up"
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://localhost:{ports.gateway}/echo/1.0.0").__enter__()
    assert refused.value.response.status_code == 404  # nothing is seeded here
    assert is_free(ports.portal)


def test_metrics_have_a_port_of_their_own_on_loopback(serve: Callable[..., Start], offset: int) -> None:
    serve("gateway")
    with urllib.request.urlopen(f"http://127.0.0.1:{Ports.shifted(offset).demo}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert "wsportal_sessions 0.0" in text
    assert "process_resident_memory_bytes" in text
