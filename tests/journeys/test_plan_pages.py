"""API plans in a browser: adam makes one in the administration, gives it to an API, and the gateway counts by it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from websockets.sync.client import connect

from tests.journeys.conftest import Installation, Watched
from tests.journeys.test_administration import ID, sign_in

pytestmark = pytest.mark.browser


def test_an_api_plan_from_its_form_to_the_handshake(wsportal: Installation, watched: Watched) -> None:
    page = watched.page
    sign_in(page)
    page.locator('#nav-sidebar-apps a[href="/admin/apis/apiplan/"]').click()
    page.goto("/admin/apis/apiplan/add/")
    page.locator("#id_name").fill("Office first")
    page.locator("[name=limits-0-amount]").fill("1000")
    page.locator("[name=conditions-0-group]").fill("office")
    page.locator("[name=conditions-0-value]").fill("somewhere")
    page.locator("[name=group_limits-0-group]").fill("office")
    page.locator("[name=group_limits-0-amount]").fill("77")
    page.locator("[name=group_limits-0-per]").select_option("day")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("This should be an IP address, or a network such as 10.0.0.0/8.")).to_be_visible()
    page.locator("[name=conditions-0-value]").fill("127.0.0.0/8")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("77 events per day where address is 127.0.0.0/8")).to_be_visible()

    page.goto("/publisher/")
    page.get_by_role("link", name="Echo", exact=False).first.click()
    page.get_by_role("link", name="Runtime", exact=True).click()
    found = ID.search(page.url)
    assert found is not None
    page.get_by_label(re.compile("Office first")).check()
    page.get_by_role("button", name="Save the API plan").click()
    expect(page.get_by_text("The API plan is Office first.")).to_be_visible()
    assert '"api-events-per-day"' in policies(wsportal, found[0])

    page.locator('[name=api_plan][value=""]').check()
    page.get_by_role("button", name="Save the API plan").click()
    expect(page.get_by_text("The API has no plan of its own.")).to_be_visible()


def policies(wsportal: Installation, api: str) -> str:
    """The policies that a handshake is answered with, by an application of adam's own."""
    token = wsportal.rest("/tokens", {"name": "plans"})["token"]
    application = wsportal.rest("/applications", {"name": "Planned"}, token)["id"]
    wsportal.rest("/subscriptions", {"api": api, "application": application, "business_plan": "Bronze"}, token)
    order = {"key_type": "production"}
    access = wsportal.rest(f"/applications/{application}/generate-token", order, token)["access_token"]
    gateway = wsportal.portal.replace("http:", "ws:").replace(str(9763 + wsportal.offset), str(9099 + wsportal.offset))
    with connect(f"{gateway}/echo/1.0.0", additional_headers={"Authorization": f"Bearer {access}"}) as client:
        assert client.response is not None
        return client.response.headers["RateLimit-Policy"]
