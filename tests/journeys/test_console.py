"""The test console in a real browser: connect, say hello, hear it, leave; and be refused in words."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Installation, Watched

pytestmark = pytest.mark.browser

# A browser notes a handshake that was refused by itself.
REFUSED = re.compile(r"console at \S+: WebSocket connection to .* failed.*", re.S)


def sign_in(page: Page, path: str, name: str) -> None:
    """As one of the people that `up` seeds: the password is the name."""
    page.goto(path)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Your account")).to_contain_text(name)


@pytest.fixture
def console(wsportal: Installation, watched: Watched) -> Page:
    """The console of Echo, in the browser of somebody who creates and publishes."""
    page = watched.page
    sign_in(page, "/publisher/", "publisher")
    page.get_by_role("link", name="Echo").first.click()
    menu = page.get_by_role("navigation", name="Pages of this API")
    menu.get_by_role("link", name="Test console").click()
    expect(page.get_by_role("heading", name="Connection")).to_be_visible()
    return page


def test_from_connect_to_hello_to_1000(console: Page) -> None:
    connect(console)
    composer = console.get_by_role("textbox", name="Message", exact=True)
    expect(composer).to_be_focused()
    composer.fill("hello")
    console.keyboard.press("Control+Enter")
    log = console.get_by_role("log")
    expect(log.locator("[data-way='sent']")).to_contain_text("hello")
    expect(log.locator("[data-way='received']")).to_contain_text("hello")
    expect(console.locator("[data-count='received']")).to_have_text("1 messages, 5 B")
    bytes_travel_too(console)
    a_message_is_sent_again_and_again(console)
    the_log_is_narrowed_and_downloaded(console)
    console.get_by_role("button", name="Disconnect").click()
    expect(log).to_contain_text("Closed with code 1000: normal closure.")
    nothing_secret_is_kept(console)


def connect(page: Page) -> None:
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator("[data-console-state]")).to_have_text("Connected")


def bytes_travel_too(page: Page) -> None:
    page.get_by_label("Kind of message").select_option("hex")
    page.get_by_role("textbox", name="Message", exact=True).fill("00 f")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("[data-console-problem]")).to_contain_text("This is no hex")
    page.get_by_role("textbox", name="Message", exact=True).fill("00 ff")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("[data-way='received']").nth(1)).to_contain_text("00 ff")
    page.get_by_label("Kind of message").select_option("text")


def a_message_is_sent_again_and_again(page: Page) -> None:
    page.get_by_role("textbox", name="Message", exact=True).fill('{"n":1}')
    page.get_by_role("button", name="Format JSON").click()
    expect(page.get_by_role("textbox", name="Message", exact=True)).to_have_value('{\n  "n": 1\n}')
    page.get_by_label("How often").fill("3")
    page.get_by_label("Every … ms").fill("20")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("[data-way='received']")).to_have_count(5)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()


def the_log_is_narrowed_and_downloaded(page: Page) -> None:
    page.get_by_label("Only messages with these words").fill("hello")
    expect(page.locator(".console-row")).to_have_count(2)
    page.get_by_label("Only messages with these words").fill("")
    expect(page.locator(".console-row")).to_have_count(11)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download", exact=True).click()
    lines = waiting.value.path().read_text().splitlines()
    assert len(lines) == 11
    assert '"text":"hello"' in lines[1]


def nothing_secret_is_kept(page: Page) -> None:
    page.get_by_role("textbox", name="Message", exact=True).fill("keep me")
    page.get_by_role("button", name="Keep it").click()
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href, document.cookie])")
    assert "keep me" in kept
    assert "wst_" not in kept
    assert "ticket" not in kept


def test_a_blocked_api_closes_and_refuses_in_words(wsportal: Installation, watched: Watched, console: Page) -> None:
    connect(console)
    api = re.search(r"/apis/([0-9a-f-]{36})/", console.url)
    assert api
    token = wsportal.rest("/tokens", {"name": "console"})["token"]
    wsportal.rest(f"/apis/{api[1]}/transitions", {"action": "block"}, token)
    try:
        expect(console.get_by_role("log")).to_contain_text("Closed with code 1008")
        console.get_by_role("button", name="Connect", exact=True).click()
        expect(console.locator("[data-console-refused]")).to_contain_text("(503, api_blocked): This API is blocked")
        console.reload()
        expect(console.get_by_text("so the gateway lets nobody in")).to_be_visible()
    finally:
        wsportal.rest(f"/apis/{api[1]}/transitions", {"action": "republish"}, token)
    watched.faults[:] = [fault for fault in watched.faults if not REFUSED.fullmatch(fault)]


def test_why_a_browser_was_refused_is_asked_of_the_portal(watched: Watched, console: Page) -> None:
    console.get_by_label("Connect with").select_option("none")
    console.get_by_role("button", name="Connect", exact=True).click()
    expect(console.locator("[data-console-refused]")).to_contain_text(
        "The gateway refused the connection (401, missing_credentials): No usable credential was sent"
    )
    expect(console.locator("[data-console-state]")).to_have_text("Not connected")
    watched.faults[:] = [fault for fault in watched.faults if not REFUSED.fullmatch(fault)]


def test_a_subscriber_tries_an_api_with_a_token_of_an_application(wsportal: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(page, "/devportal/applications/", "subscriber")
    page.goto("/devportal/")
    page.get_by_role("link", name="Echo").first.click()
    page.get_by_role("link", name="Try it in this browser").click()
    expect(page.get_by_label("Connect with")).to_contain_text("A production token of DefaultApplication")
    connect(page)
    page.get_by_role("textbox", name="Message", exact=True).fill("hello by token")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("[data-way='received']")).to_contain_text("hello by token")
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("log")).to_contain_text("Closed with code 1000")
