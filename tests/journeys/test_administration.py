"""The administration in a browser: adam designs, publishes, hands out keys and blocks, and a live client feels it."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.journeys.conftest import Installation, Watched

pytestmark = pytest.mark.browser

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_publishing_from_the_administration(wsportal: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(page)
    api = design_and_publish(page, wsportal)
    application = make_an_application_with_keys(page)
    subscribe(page)
    token = wsportal.rest("/tokens", {"name": "administration"})["token"]
    order = {"key_type": "production"}
    access = wsportal.rest(f"/applications/{application}/generate-token", order, token)["access_token"]
    gateway = wsportal.portal.replace("http:", "ws:").replace(str(9763 + wsportal.offset), str(9099 + wsportal.offset))
    with connect(f"{gateway}/lift/1.0.0", additional_headers={"Authorization": f"Bearer {access}"}) as client:
        client.send("going up")
        assert client.recv(timeout=5) == "going up"
        page.goto("/admin/")
        expect(page.locator(".portal-number", has_text="Live sessions")).to_contain_text("1")
        block(page, api)
        assert how_it_ended(client) == 1008


def test_every_page_keeps_to_its_content_policy(wsportal: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(page)
    for link in [item.get_attribute("href") or "" for item in page.locator("#nav-sidebar-apps a").all()]:
        page.goto(link)
        expect(page.locator("#nav-sidebar-apps a.active")).to_have_count(1)
        may_add = page.locator(f'a[href="{link}add/"]').count() > 0
        if page.locator("#result_list tbody th a").count():
            page.locator("#result_list tbody th a").first.click()
            expect(page.locator("#content-main")).to_be_visible()
        if may_add:
            page.goto(f"{link}add/")
            expect(page.locator("#content-main form")).to_be_visible()
    page.goto("/admin/password_change/")
    page.goto("/admin/apis/api/")
    page.get_by_text("Filters").click()
    page.get_by_role("link", name="Pre-released").click()
    expect(page).to_have_url(re.compile("state__exact=prereleased"))


def sign_in(page: Page) -> None:
    """Through the one sign-in of the portals, and back to where one wanted to be."""
    page.goto("/admin/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("admin")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/admin/")


def design_and_publish(page: Page, wsportal: Installation) -> str:
    """Returns: the address of the new API's page."""
    page.get_by_role("link", name="Design an API").click()
    fields = {"#id_name": "Lift!", "#id_context": "/lift", "#id_version": "1.0.0", "#id_endpoint": "http://localhost"}
    for field, text in fields.items():
        page.locator(field).fill(text)
    page.get_by_role("button", name="Create & publish").click()
    expect(page.get_by_text("Name should not contain trailing or leading spaces")).to_be_visible()
    expect(page.get_by_text("it must start with ws:// or wss://")).to_be_visible()
    expect(page.get_by_text("Business plan(s) should not be empty to publish.")).to_be_visible()
    page.locator("#id_name").fill("Lift")
    page.locator("#id_endpoint").fill(wsportal.demo_backend)
    page.get_by_label("Bronze: 1,000 events per minute", exact=True).check()
    page.get_by_role("button", name="Create & publish").click()
    expect(page.get_by_text("Lift 1.0.0 was created and published.")).to_be_visible()
    return page.url


def make_an_application_with_keys(page: Page) -> str:
    """Returns: the id of the application."""
    page.goto("/admin/apis/application/add/")
    page.locator("#id_name").fill("Elevator")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#result_list").get_by_role("link", name="Elevator").click()
    page.get_by_role("link", name="Generate keys…").first.click()
    page.get_by_role("button", name="Generate keys").click()
    expect(page.get_by_text("Copy the secret now")).to_be_visible()
    assert len(page.locator(".portal-secret code").nth(1).inner_text()) == 128
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text("client_credentials")).to_be_visible()
    found = ID.search(page.url)
    assert found is not None
    return found[0]


def subscribe(page: Page) -> None:
    page.get_by_role("link", name="Subscribe…").click()
    page.locator("#id_api").select_option(label="Lift 1.0.0")
    page.locator("#id_business_plan").select_option(label="Bronze")
    expect(page.locator("#id_application option:checked")).to_have_text("Elevator")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("Elevator")


def block(page: Page, api: str) -> None:
    page.goto(api)
    page.get_by_role("link", name="Block…").click()
    expect(page.get_by_role("heading", name="Block: Lift 1.0.0")).to_be_visible()
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_text("Lift 1.0.0 is now Blocked.")).to_be_visible()


def how_it_ended(client: ClientConnection) -> int:
    """The code a live session is closed with, within two seconds."""
    start = time.monotonic()
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=5)
    assert time.monotonic() - start < 2
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code
