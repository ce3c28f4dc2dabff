"""A topic that needs a scope, from the dialog to a live connection."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.journeys.conftest import Installation, Watched

pytestmark = pytest.mark.browser


def test_a_topic_with_a_scope_from_the_dialog_to_a_connection(wsportal: Installation, watched: Watched) -> None:
    page = watched.page
    token = wsportal.rest("/tokens", {"name": "topics"})["token"]
    design = {"name": "Rooms", "context": "/rooms", "version": "1.0.0", "endpoint": wsportal.demo_backend}
    api = wsportal.rest("/apis?publish=true", {**design, "business_plans": ["Unlimited"]}, token)["id"]
    sign_in(page)
    page.goto(f"/publisher/apis/{api}/scopes/")
    name_a_scope(page)
    page.get_by_role("link", name="Topics", exact=True).click()
    add_a_topic(page)
    deploy(page)

    application = wsportal.rest("/applications", {"name": "Roommate"}, token)["id"]
    wsportal.rest("/subscriptions", {"api": api, "application": application, "business_plan": "Unlimited"}, token)
    url = wsportal.portal.replace("http:", "ws:").replace(str(9763 + wsportal.offset), str(9099 + wsportal.offset))

    def knock(*scopes: str) -> connect:
        order = {"key_type": "production", "scopes": list(scopes)}
        access = wsportal.rest(f"/applications/{application}/generate-token", order, token)["access_token"]
        headers = {"Authorization": f"Bearer {access}"}
        return connect(f"{url}/rooms/1.0.0/r/7", additional_headers=headers, proxy=None, open_timeout=10)

    with pytest.raises(InvalidStatus) as refused, knock():
        pass
    assert refused.value.response.status_code == 403
    assert 'scope="rooms:talk"' in refused.value.response.headers["WWW-Authenticate"]
    with knock("rooms:talk") as client:
        client.send("hello")
        assert client.recv(5) == "hello"


def sign_in(page: Page) -> None:
    page.goto("/publisher/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("admin")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/publisher/")


def name_a_scope(page: Page) -> None:
    page.get_by_role("link", name="Add a scope").click()
    page.get_by_label("Name", exact=True).fill("rooms:talk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("rooms:talk is saved.")).to_be_visible()


def add_a_topic(page: Page) -> None:
    """First with a mistake, which stands beside its field and keeps what was typed."""
    page.get_by_role("link", name="Add a topic").click()
    sheet = page.locator("#sheet")
    sheet.get_by_label("Name").fill("/r/{room")
    sheet.get_by_label("URL mapping").fill("/chat?room={uri.var.room}")
    sheet.get_by_label("rooms:talk to connect").check()
    sheet.get_by_role("button", name="Save").click()
    expect(sheet.locator("#name-problem")).to_contain_text("A parameter is a whole segment")
    expect(sheet.get_by_label("URL mapping")).to_have_value("/chat?room={uri.var.room}")
    sheet.get_by_label("Name").fill("/r/{room}")
    sheet.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The topic /r/{room} is saved.")).to_be_visible()
    expect(page.locator("tr", has_text="/r/{room}")).to_contain_text("rooms:talk to connect")


def deploy(page: Page) -> None:
    page.get_by_role("link", name="Deploy a new revision").click()
    page.get_by_label("Default", exact=True).first.check()
    page.get_by_role("button", name="Create revision").click()
    page.get_by_role("button", name="Deploy", exact=True).click()  # a topic has gone, which would break clients
    expect(page.get_by_text("Revision 2", exact=True).first).to_be_visible()
    page.get_by_role("link", name="Topics", exact=True).click()
    expect(page.get_by_text("differ from these")).to_have_count(0)
