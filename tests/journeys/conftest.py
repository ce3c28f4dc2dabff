"""A whole wsportal as `manage.py up` starts it, and a browser that watches what goes wrong on its pages."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PORTS = {"portal_tls": 9443, "portal": 9763, "gateway": 9099, "gateway_tls": 8099, "demo": 9998}
START_S = 90  # the machine of a test run may be busy
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
# A refused form is answered 400, which Chromium notes by itself. Everything else on the console is a fault.
EXPECTED = "Failed to load resource: the server responded with a status of 400 (Bad Request)"


@dataclass(frozen=True)
class Installation:
    """A running `up`."""

    offset: int

    @property
    def portal(self) -> str:
        return f"http://localhost:{PORTS['portal'] + self.offset}"

    @property
    def demo_backend(self) -> str:
        return f"ws://localhost:{PORTS['demo'] + self.offset}"

    def rest(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        """POST as the seeded administrator: with a personal token, or with the password to mint one."""
        credential = f"Bearer {token}" if token else f"Basic {b64encode(b'admin:admin').decode()}"
        headers = {"Authorization": credential, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.portal}/api/v1{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def _free_offset() -> int:
    """An offset at which none of the five ports is in use."""
    for _ in range(200):
        offset = random.randrange(10_000, 20_000)
        try:
            for port in PORTS.values():
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return offset
    raise RuntimeError("no free ports found")


def _wait_until_up(process: subprocess.Popen[bytes], offset: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    waiting = {PORTS["portal"] + offset, PORTS["gateway"] + offset}
    while waiting:
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"`up` did not come up:\n{log.read_text()}")
        for port in list(waiting):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                waiting.discard(port)
            except OSError:
                time.sleep(0.1)


@pytest.fixture(scope="session")
def wsportal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """`manage.py up` on free ports with a folder of its own, stopped at the end as Ctrl-C does."""
    folder, offset = tmp_path_factory.mktemp("up"), _free_offset()
    log = folder / "output"
    unset = {"WSPORTAL_MODE", "DATABASE_URL", "REDIS_URL", "PORT_OFFSET", "DJANGO_SETTINGS_MODULE"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port-offset", str(offset)],
            cwd=ROOT,
            env={**environment, "VAR_DIR": str(folder / "var")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_up(process, offset, log)
        yield Installation(offset)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium without a window; skipped where there is none, except in CI."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        sentence = f"No browser found ({', '.join(BROWSERS)}). Debian and Ubuntu: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what its console and network said that should not be."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def watch(self, home: str) -> None:
        host = urlsplit(home).netloc

        def hear(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and message.text != EXPECTED:
                self.faults.append(f"console at {self.page.url}: {message.text}")

        def see(request: Request) -> None:
            parts = urlsplit(request.url)
            if parts.scheme not in {"data", "blob"} and parts.netloc != host:
                self.faults.append(f"request to another host: {request.url}")

        self.page.on("console", hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"script at {self.page.url}: {error}"))
        self.page.on("request", see)


@pytest.fixture
def watched(chromium: Browser, wsportal: Installation) -> Iterator[Watched]:
    """A fresh browser session; at the end, nothing may have gone wrong unseen."""
    context = chromium.new_context(base_url=wsportal.portal, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    watched = Watched(context.new_page())
    watched.watch(wsportal.portal)
    yield watched
    context.close()
    assert watched.faults == []
