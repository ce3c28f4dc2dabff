"""A whole wsportal as `manage.py up` starts it, and a browser that watches what goes wrong on its pages."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.starts import free_offset, up
from wsportal.env import Ports

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
        return f"http://localhost:{Ports.shifted(self.offset).portal}"

    @property
    def demo_backend(self) -> str:
        return f"ws://localhost:{Ports.shifted(self.offset).demo}"

    def rest(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        """POST as the seeded administrator: with a personal token, or with the password to mint one."""
        credential = f"Bearer {token}" if token else f"Basic {b64encode(b'admin:admin').decode()}"
        headers = {"Authorization": credential, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.portal}/api/v1{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def wsportal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """`manage.py up` on free ports with a folder of its own, stopped at the end as Ctrl-C does."""
    offset = free_offset()
    start = up(tmp_path_factory.mktemp("up") / "var", offset)
    try:
        start.until("wsportal is up")
        yield Installation(offset)
        assert start.stop() == 0
    finally:
        start.kill()


# Not for the session: while it lasts this thread has a running loop, in which Django refuses the database.
@pytest.fixture(scope="module")
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
