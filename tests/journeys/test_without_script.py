"""The main job in a browser that runs no script: forms are forms, and what hurts asks on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.showroom import faults, pages
from tests.showroom.server import Showroom, showroom

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def room() -> Iterator[Showroom]:
    with showroom() as opened:
        yield opened


def browser_of(chromium: Browser, room: Showroom, who: str) -> Page:
    context = chromium.new_context(base_url=room.home, viewport=faults.DESK, java_script_enabled=False)
    context.set_default_timeout(30_000)
    page = context.new_page()
    pages.sign_in(page, who)
    return page


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).first.click()


def test_an_api_is_designed_published_talked_about_and_taken_back(chromium: Browser, room: Showroom) -> None:
    page = browser_of(chromium, room, "paul")
    page.goto("/publisher/apis/new")
    page.get_by_label("Name", exact=True).fill("Paper")
    page.get_by_label("Context", exact=True).fill("/pa per")
    page.get_by_label("Version", exact=True).fill("1.0.0")
    press(page, "CREATE")
    expect(page.locator("#context-problem")).not_to_be_empty()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Paper")
    page.get_by_label("Context", exact=True).fill("/paper")
    page.get_by_label("Endpoint", exact=True).fill("wss://paper.example.com/socket")
    page.get_by_label("Bronze", exact=False).first.check()
    press(page, "CREATE & PUBLISH")
    expect(page.get_by_role("heading", name="Paper")).to_contain_text("Published")
    overview = page.url
    _write_about_it(page, overview)
    _take_it_back(page, overview)
    page.context.close()


def _write_about_it(page: Page, overview: str) -> None:
    page.goto(f"{overview}documents/new")
    page.get_by_label("Name", exact=True).fill("First steps")
    page.get_by_label("Text", exact=True).last.fill("Begin **here**.")
    press(page, "Save")
    expect(page.get_by_role("main")).to_contain_text("First steps")
    page.goto(f"{overview}comments/")
    page.get_by_label("Your comment", exact=True).fill("It is there.")
    press(page, "Send")
    expect(page.get_by_role("article")).to_contain_text("It is there.")
    page.goto(f"{overview}topics/edit")
    page.get_by_label("Name", exact=True).fill("/news")
    press(page, "Save")
    expect(page.get_by_role("main")).to_contain_text("/news")


def _take_it_back(page: Page, overview: str) -> None:
    page.goto(overview)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("main")).to_contain_text("This cannot be undone")
    page.get_by_role("main").get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Paper")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    press(page, "Delete")
    expect(page.get_by_role("heading", name="APIs")).to_be_visible()
    expect(page.get_by_role("main")).not_to_contain_text("/paper")


def test_sam_subscribes_and_unsubscribes(chromium: Browser, room: Showroom) -> None:
    page = browser_of(chromium, room, "sam")
    page.goto("/devportal/?search=Sensor")
    page.get_by_role("link", name="Sensor Stream").first.click()
    page.get_by_label("Application", exact=True).select_option(label="Trading Desk")
    press(page, "Subscribe")
    expect(page.locator("#access")).to_contain_text("Trading Desk")
    page.get_by_role("main").get_by_text("Unsubscribe", exact=True).first.click()
    expect(page.get_by_role("main")).to_contain_text("Unsubscribe")
    press(page, "Unsubscribe")
    expect(page.get_by_role("main")).not_to_contain_text("Change plan")
    page.context.close()
