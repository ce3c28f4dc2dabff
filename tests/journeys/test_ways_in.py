"""Ways in besides the token, in a real browser: a test key, an API key, and a page that connects with a ticket.

Everything is real: the process that `up` starts, a Chromium, the gateway, the demo backend.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from tests.journeys.conftest import Installation, Watched
from wsportal.env import Ports

pytestmark = pytest.mark.browser

TALK = """url => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send("hello from a page");
    socket.onmessage = event => { resolve(event.data); socket.close(1000); };
    socket.onclose = event => reject(new Error(`closed with ${event.code}`));
})"""


def sign_in(page: Page, path: str, name: str) -> None:
    """As one of the people that `up` seeds: the password is the name."""
    page.goto(path)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Your account")).to_contain_text(name)


def echo(wsportal: Installation, key: str) -> None:
    url = f"ws://localhost:{Ports.shifted(wsportal.offset).gateway}/echo/1.0.0"
    with connect(url, additional_headers={"ApiKey": key}, proxy=None) as client:
        client.send("hello by key")
        assert client.recv(5) == "hello by key"


def test_from_a_test_key_to_a_page_that_connects_with_a_ticket(wsportal: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(page, "/publisher/", "publisher")
    page.get_by_role("link", name="Echo").first.click()
    page.get_by_role("link", name="Security").click()
    accept_keys_from_this_page(page, wsportal)
    page.get_by_role("button", name="Make a test key").click()
    test_key = page.locator("#test-key-text").inner_text()
    expect(page.locator("#test-line-1")).to_contain_text(
        f"wscat -c 'ws://localhost:{Ports.shifted(wsportal.offset).gateway}"
    )
    echo(wsportal, test_key)
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, "/devportal/applications/", "subscriber")
    page.get_by_role("link", name="DefaultApplication").click()
    page.get_by_role("link", name="Make an API key").click()
    page.get_by_label("Permitted addresses").fill("somewhere")
    page.get_by_role("button", name="Make API key").click()
    expect(page.get_by_text("Line 1: 'somewhere' is not an IP address")).to_be_visible()
    page.get_by_label("Permitted addresses").fill("127.0.0.0/8\n::1")
    page.get_by_role("button", name="Make API key").click()
    key = page.locator("#api-key").inner_text()
    echo(wsportal, key)

    page.goto("/devportal/")
    page.get_by_role("link", name="Echo").first.click()  # this page may talk to the gateway
    ticket = mint(wsportal, key)
    assert page.evaluate(TALK, ticket["url"]) == "hello from a page"
    assert "localhost" in ticket["renew_url"]


def accept_keys_from_this_page(page: Page, wsportal: Installation) -> None:
    """A first attempt is told what is wrong beside the field."""
    page.get_by_label("API keys").check()
    origins = page.get_by_label("Pages that may connect")
    origins.fill(f"{wsportal.portal}/")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is not an origin")).to_be_visible()
    origins.fill(wsportal.portal)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The security settings are saved.")).to_be_visible()


def mint(wsportal: Installation, key: str) -> dict[str, Any]:
    """What the server behind a page does for it."""
    wish = {"context": "/echo", "version": "1.0.0", "origin": wsportal.portal}
    made = httpx.post(f"{wsportal.portal}/api/v1/tickets", json=wish, headers={"ApiKey": key}, timeout=10)
    assert made.status_code == 201, made.text
    ticket: dict[str, Any] = made.json()
    return ticket
