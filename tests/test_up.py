"""A newcomer starts wsportal, does what the screen says, and stops it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.starts import ROOT, Start, eventually, free_offset, is_free, up
from wsportal import start_screen
from wsportal.env import Ports

LAST_LINE = "/api/v1/usage"


@dataclass
class Running:
    start: Start
    folder: Path
    offset: int

    @property
    def ports(self) -> Ports:
        return Ports.shifted(self.offset)

    @property
    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "localhost.crt"))

    def get(self, url: str) -> tuple[int, str]:
        context = self.trusting if url.startswith("https") else None
        with urllib.request.urlopen(url, timeout=20, context=context) as answer:
            return answer.status, answer.read().decode()

    def commands(self) -> dict[int, list[str]]:
        """What the screen gives to copy, number -> lines."""
        found: dict[int, list[str]] = {}
        for line in self.start.lines:
            if heading := re.match(r"([123])\. ", line):
                found[int(heading[1])] = []
            elif found and line and not found.get(3):
                found[max(found)].append(line)
        return found

    def copy(self, *numbers: int) -> str:
        """Paste commands of the screen into one shell, wscat's left out. Returns: what they printed."""
        lines = [line for number in numbers for line in self.commands()[number] if not line.startswith("npx wscat")]
        return shell("\n".join(lines)).strip()


def shell(script: str) -> str:
    if not shutil.which("curl"):
        assert os.environ.get("CI") != "true", "the screen's commands need curl"
        pytest.skip("the screen's commands need curl: apt-get install curl")
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("up") / "var"
    offset = free_offset()
    start = up(folder, offset)
    try:
        start.until(LAST_LINE)
        yield Running(start, folder, offset)
        assert start.stop() == 0
    finally:
        start.kill()


def test_the_screen_tells_where_to_click_and_who_to_be(running: Running) -> None:
    output = running.start.output
    for page in ("/publisher", "/devportal", "/admin", "/api/v1/docs"):
        assert f"https://localhost:{running.ports.portal_tls}{page}" in output
        assert f"http://localhost:{running.ports.portal}{page}" in output
    assert f"ws://localhost:{running.ports.gateway}/echo/1.0.0" in output
    assert f"wss://localhost:{running.ports.gateway_tls}/echo/1.0.0" in output
    for person in ("admin", "creator", "publisher", "subscriber", "visitor"):
        assert re.search(rf"^ +{person} ", output, re.MULTILINE)
    assert "first start in" in output


def test_every_page_it_names_answers_on_both_portal_addresses(running: Running) -> None:
    urls = re.findall(r"https?://localhost:\d+/(?:publisher|devportal|admin|api/v1/docs)(?=\s)", running.start.output)
    assert len(urls) == 8
    for url in urls:
        status, body = running.get(url)
        assert status == 200
        assert "<html" in body


def test_styles_are_served_without_a_collecting_step(running: Running) -> None:
    base = f"https://localhost:{running.ports.portal_tls}"
    _, page = running.get(f"{base}/login")
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', page)
    assert sheets
    assert all(running.get(base + sheet)[0] == 200 for sheet in sheets)


def test_both_gateway_ports_say_that_they_are_up(running: Running) -> None:
    for url in (f"http://localhost:{running.ports.gateway}", f"https://localhost:{running.ports.gateway_tls}"):
        assert json.loads(running.get(f"{url}/health")[1])["status"] == "up"


def test_metrics_are_on_the_portals_and_not_on_the_gateway(running: Running) -> None:
    status, text = running.get(f"http://localhost:{running.ports.portal}/metrics")
    assert status == 200
    assert "wsportal_sessions" in text
    assert "process_cpu_seconds_total" in text
    with pytest.raises(urllib.error.HTTPError):
        running.get(f"http://localhost:{running.ports.gateway}/metrics")


def test_the_first_command_gets_a_token_the_second_an_echo_the_third_the_usage(running: Running) -> None:
    before = usage(running)
    assert re.fullmatch(r"\S{20,}\nhello", running.copy(1, 2))
    eventually(lambda: usage(running)["events_out"] >= before["events_out"] + 1, "in the usage", timeout=5)
    after = usage(running)
    assert (after["events_in"], after["sessions"]) == (before["events_in"] + 1, before["sessions"] + 1)


def usage(running: Running) -> dict[str, Any]:
    return json.loads(running.copy(1, 3).splitlines()[-1])["total"]


def test_the_wscat_line_names_the_same_address_and_token(running: Running) -> None:
    (line,) = [line for line in running.commands()[2] if line.startswith("npx wscat")]
    assert line.endswith(f'-c ws://localhost:{running.ports.gateway}/echo/1.0.0 -H "Authorization: Bearer $TOKEN"')


def test_the_token_opens_the_tls_gateway_too(running: Running) -> None:
    headers = {"Authorization": f"Bearer {running.copy(1)}"}
    url = f"wss://localhost:{running.ports.gateway_tls}/echo/1.0.0/ticker"
    with connect(url, additional_headers=headers, ssl=running.trusting) as client:
        assert json.loads(client.recv(timeout=10))["tick"] == 1


def test_what_it_keeps_is_for_its_owner_only(running: Running) -> None:
    assert running.folder.stat().st_mode & 0o077 == 0
    for name in ("secret_key", "localhost.key"):
        assert (running.folder / name).stat().st_mode & 0o777 == 0o600


def test_a_second_start_beside_it_names_the_ports_and_the_way_out(running: Running) -> None:
    second = up(running.folder, running.offset)
    assert second.ended() == 1
    (line,) = second.lines
    assert str(running.ports.portal_tls) in line
    assert "--port-offset" in line


def test_a_second_start_on_the_same_data_is_refused(running: Running) -> None:
    second = up(running.folder, free_offset())
    assert second.ended() == 1
    (line,) = second.lines
    assert "VAR_DIR" in line


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--host", "192.0.2.1"], {}, "--host 192.0.2.1"),
        (["--host", "nowhere.invalid"], {}, "--host nowhere.invalid"),
        (["--port-offset", "many"], {}, "'many'"),
        (["--port-offset", "60000"], {}, "'60000'"),
        ([], {"VAR_DIR": "/proc/nowhere"}, "/proc/nowhere cannot be written"),
        ([], {"DATABASE_URL": "mysql://db/x"}, "DATABASE_URL"),
        ([], {"ALLOWED_UPSTREAM_NETWORKS": "home"}, "ALLOWED_UPSTREAM_NETWORKS"),
    ],
)
def test_what_cannot_work_is_one_line(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], said: str
) -> None:
    start = Start("up", *arguments, **{"VAR_DIR": str(tmp_path), "PORT_OFFSET": str(free_offset()), **variables})
    assert start.ended() == 1
    (line,) = start.lines
    assert line.startswith("wsportal: ")
    assert said in line


def test_ctrl_c_says_goodbye_to_clients_and_the_next_start_has_everything(tmp_path: Path) -> None:
    first = Running(up(tmp_path, offset := free_offset()), tmp_path, offset)
    try:
        first.start.until(LAST_LINE)
        token = first.copy(1)
        url = f"ws://localhost:{first.ports.gateway}/echo/1.0.0/silent"
        with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as client:
            asked = time.monotonic()
            assert first.start.stop(signal.SIGINT) == 0
            assert time.monotonic() - asked < 3
            with pytest.raises(ConnectionClosed) as ended:
                client.recv(timeout=5)
        assert ended.value.rcvd
        assert ended.value.rcvd.code == 1001
        assert all(is_free(port) for port in (first.ports.portal, first.ports.gateway, first.ports.demo))
    finally:
        first.start.kill()

    second = Running(up(tmp_path, offset := free_offset()), tmp_path, offset)
    try:
        second.start.until(LAST_LINE)
        assert "first start" not in second.start.output
        assert "Preparing" not in second.start.output
        # Another offset: the seeded endpoint has moved with the demo backend, and the token of before still is one.
        url = f"ws://localhost:{second.ports.gateway}/echo/1.0.0"
        with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as client:
            client.send("again")
            assert client.recv(timeout=10) == "again"
        assert second.copy(1, 2).endswith("hello")
        # Killed, it cannot tidy up; the demo backend ends all the same.
        second.start.kill()
        eventually(lambda: is_free(second.ports.demo), "free of the demo backend")
    finally:
        second.start.kill()


def screen(host: str, people: dict[str, str]) -> str:
    facts = start_screen.Facts(host, Ports.shifted(0), people, "some-id", "/echo/1.0.0", first=False)
    console = Console(file=(text := StringIO()), width=80)
    start_screen.show(facts, console, seconds=1)
    return text.getvalue()


def test_passwords_are_shown_on_loopback_only() -> None:
    assert re.search("subscriber +subscriber", screen("127.0.0.1", {"subscriber": "subscriber"}))
    outside = screen("0.0.0.0", {"subscriber": "subscriber", "visitor": "no role"})
    assert "the password is the user name" not in outside
    assert "Change these passwords first" in outside
    assert "subscriber, visitor" in outside
    assert "subscriber:subscriber" not in outside


def test_a_changed_password_is_asked_for_instead_of_shown() -> None:
    assert "curl -s -u subscriber -H" in screen("127.0.0.1", {})


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "localhost"), ("0.0.0.0", "localhost"), ("10.0.0.7", "10.0.0.7"), ("fd00::7", "[fd00::7]")],
)
def test_addresses_are_written_as_people_type_them(host: str, name: str) -> None:
    assert f"https://{name}:9443/publisher" in screen(host, {})
