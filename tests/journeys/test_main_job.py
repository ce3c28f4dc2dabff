"""The main job from end to end: paul designs and publishes, sam subscribes, a WebSocket client talks.

Everything is real: the process that `up` starts, a Chromium, the gateway, the demo backend.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.journeys.conftest import Installation, Watched

pytestmark = pytest.mark.browser

PASSWORD = "walks-the-dog-7"
EVENTS = 6  # what the small plan allows: three messages and their echoes


@pytest.fixture
def people(wsportal: Installation) -> None:
    """paul and sam, and a plan that is soon spent."""
    token = wsportal.rest("/tokens", {"name": "journey"})["token"]
    for name, roles in {"paul": ["creator", "publisher"], "sam": ["subscriber"]}.items():
        wsportal.rest("/people", {"username": name, "password": PASSWORD, "roles": roles}, token)
    limits = [{"kind": "events", "amount": EVENTS, "per": "year"}]
    wsportal.rest("/business-plans", {"name": "Tiny", "limits": limits}, token)


def test_from_the_design_of_an_api_to_messages_under_its_plan(
    wsportal: Installation, watched: Watched, people: None
) -> None:
    page = watched.page
    sign_in(page, "/publisher", "paul")
    design(page, wsportal)
    publish(page)
    configure(page)
    address = page.url.removesuffix("history/")
    sign_out(page)
    sign_in(page, "/devportal/applications/", "sam")
    url, token = subscribe(page)
    talk_until_the_plan_is_spent(url, token)
    sign_out(page)
    sign_in(page, address, "paul")
    usage_shows_what_was_sent(page)


def sign_in(page: Page, path: str, name: str) -> None:
    page.goto(path)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Your account")).to_contain_text(name)


def sign_out(page: Page) -> None:
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()


def design(page: Page, wsportal: Installation) -> None:
    """Fill the form with one mistake after the other; each is told while typing and goes away when mended."""
    page.get_by_role("link", name="CREATE API").click()
    page.get_by_role("link", name="Design a new WebSocket API").click()
    expect(page.get_by_role("heading", name="Design a New WebSocket API")).to_be_visible()
    create = page.get_by_role("button", name="CREATE", exact=True)
    expect(create).to_be_disabled()
    told(page, "Name", "Journey!", "Name should not contain trailing or leading spaces")
    mended(page, "Name", "Journey")
    told(page, "Context", "/echo", "/echo context already exists.")
    mended(page, "Context", "journey")
    told(page, "Version", "1 0", "Version should not contain spaces")
    mended(page, "Version", "1.0.0")
    expect(page.get_by_text("API will be exposed via /journey/1.0.0 at the gateway.")).to_be_visible()
    expect(create).to_be_enabled()
    told(page, "Endpoint", "http://localhost", "it must start with ws:// or wss://")
    expect(create).to_be_disabled()
    with kept_as_draft(page, wsportal.demo_backend.rpartition(":")[2]):
        mended(page, "Endpoint", wsportal.demo_backend)


def kept_as_draft(page: Page, text: str) -> AbstractContextManager[Any]:
    """Leaves when a draft with this text in it has been kept."""
    return page.expect_response(
        lambda answer: "/publisher/drafts/" in answer.url and text in (answer.request.post_data or "")
    )


def told(page: Page, label: str, text: str, problem: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.clear()
    field.press_sequentially(text)
    expect(page.get_by_text(problem)).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")


def mended(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.clear()
    field.press_sequentially(text)
    expect(field).not_to_have_attribute("aria-invalid", "true")


def publish(page: Page) -> None:
    """The draft survives a reload; CREATE & PUBLISH waits for a plan, then does all of it."""
    button = page.get_by_role("button", name="CREATE & PUBLISH")
    expect(button).to_be_disabled()
    page.reload()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Journey")
    expect(button).to_be_disabled()
    page.get_by_label("Tiny").check()
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_text("Journey 1.0.0 is published and deployed.")).to_be_visible()
    for done in ("Endpoint", "Revision 1 on Default", "Business plan(s)", "Published"):
        steps = page.get_by_label("The way to publication")
        expect(steps.get_by_role("link", name=done, exact=True)).to_be_visible()


def configure(page: Page) -> None:
    """The cogwheel beside the endpoint: an error keeps the dialog open, a test says that the backend is there, then the
    new timeout and a password are stored and recorded; the password is not seen again."""
    page.get_by_role("navigation", name="Pages of this API").get_by_role("link", name="Endpoints").click()
    page.get_by_role("button", name="Configure the production endpoint").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("summary", has_text="Timeouts").click()
    dialog.get_by_label("Connect", exact=True).fill("soon")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("This should be a whole number between 1 and 120000.")).to_be_visible()
    expect(dialog.get_by_label("Connect", exact=True)).to_have_value("soon")
    dialog.get_by_label("Connect", exact=True).fill("1500")
    dialog.locator("summary", has_text="Security").click()
    expect(dialog.get_by_label("User name").first).not_to_be_visible()
    dialog.get_by_label("Type", exact=True).select_option("basic")
    dialog.get_by_label("User name").first.fill("gateway")
    dialog.get_by_label("Password", exact=True).first.fill("open sesame")
    dialog.get_by_role("button", name="Test endpoint").click()
    expect(dialog.get_by_text("It answered 101: a client would be connected now.")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("connect 1.5 s, handshake 10 s, never idle")).to_be_visible()
    page.get_by_role("button", name="Configure the production endpoint").click()
    password = dialog.get_by_label("Password", exact=True).first
    expect(password).to_have_value("")
    expect(password).to_have_attribute("placeholder", "set – leave empty to keep")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("navigation", name="Pages of this API").get_by_role("link", name="History").click()
    entry = page.get_by_role("listitem").filter(has_text="Configured an endpoint")
    expect(entry).to_contain_text(re.compile(r"connect[^0-9]*5000\s*1500"))
    expect(entry).to_contain_text(re.compile("password", re.IGNORECASE))
    expect(entry).not_to_contain_text("sesame")
    expect(entry).to_contain_text("paul")


def subscribe(page: Page) -> tuple[str, str]:
    """An application, a subscription under the small plan, keys, a token. Returns: the gateway's URL and the token."""
    page.get_by_role("link", name="Create application").click()
    page.get_by_label("Name", exact=True).fill("Phone")
    page.get_by_role("button", name="Create application").click()
    page.get_by_role("navigation", name="Portals").get_by_role("link", name="Developer portal").click()
    page.get_by_role("link", name="Journey", exact=True).click()
    url = page.locator("#url-1").inner_text()
    page.get_by_label("Application", exact=True).select_option(label="Phone")
    page.get_by_label("Business plan", exact=True).select_option(label=f"Tiny: {EVENTS} events per year")
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("link", name="Go to the keys of Phone").click()
    keys = page.get_by_role("region", name="Production keys")
    keys.get_by_role("button", name="Generate keys").click()
    expect(keys.get_by_text("Consumer secret", exact=True)).to_be_visible()
    keys.get_by_role("button", name="Generate token").click()
    expect(keys.get_by_text("Access token", exact=True)).to_be_visible()
    return url, page.locator("#production-token").inner_text()


def talk_until_the_plan_is_spent(url: str, token: str) -> None:
    """Three messages and their echoes are the plan; the fourth is answered with close code 4429."""
    with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as client:
        for number in range(EVENTS // 2):
            client.send(f"hello {number}")
            assert client.recv(timeout=5) == f"hello {number}"
        client.send("one too many")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4429
    reason = json.loads(closed.value.rcvd.reason)
    assert reason["code"] == "quota_exceeded"
    assert reason["retry_after"] > 0


def usage_shows_what_was_sent(page: Page) -> None:
    """At most two seconds behind, the overview shows the session and its messages."""
    deadline = time.monotonic() + 10
    while True:
        page.reload()
        usage = page.get_by_role("region", name="Usage")
        expect(usage).to_contain_text("Sessions opened")
        if "Messages from clients 3" in " ".join(usage.inner_text().split()) or time.monotonic() > deadline:
            break
    words = " ".join(usage.inner_text().split())
    assert "Sessions opened 1 " in words
    assert "Messages from clients 3 " in words
    assert "Messages to clients 3 " in words
    expect(usage.locator("canvas")).to_be_visible()
