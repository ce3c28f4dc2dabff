"""Beginning an API: a draft that outlives its page and its session, a sample, and the way to publication by clicks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Installation, Watched

pytestmark = pytest.mark.browser

PASSWORD = "walks-the-dog-7"
LAPSED = re.compile(r"console at \S+: .*\b401\b.*")


@pytest.fixture
def people(wsportal: Installation) -> None:
    """ines, who creates and publishes."""
    token = wsportal.rest("/tokens", {"name": "beginning"})["token"]
    wsportal.rest("/people", {"username": "ines", "password": PASSWORD, "roles": ["creator", "publisher"]}, token)


def test_from_a_draft_and_a_sample_to_a_published_api(wsportal: Installation, watched: Watched, people: None) -> None:
    page = watched.page
    sign_in(page, "/publisher")
    a_draft_is_offered_again_and_discarded(page)
    what_is_typed_after_the_session_ended_is_not_lost(page)
    watched.faults[:] = [fault for fault in watched.faults if not LAPSED.fullmatch(fault)]
    a_sample_becomes_an_api(page)
    publishing_is_asked_about(page)
    blocking_says_what_it_takes(page)


def sign_in(page: Page, path: str = "") -> None:
    if path:
        page.goto(path)
    page.get_by_label("User name").fill("ines")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Your account")).to_contain_text("ines")


def a_draft_is_offered_again_and_discarded(page: Page) -> None:
    page.get_by_role("link", name="CREATE API").click()
    page.get_by_role("link", name="Design a new WebSocket API").click()
    page.get_by_label("Name", exact=True).press_sequentially("Half")
    expect(page.get_by_text("Draft kept at")).to_be_visible()
    page.goto("/publisher/create/")
    expect(page.get_by_text("Draft of")).to_be_visible()
    page.get_by_role("link", name="Design a new WebSocket API").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Half")
    page.get_by_role("button", name="Discard the draft").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    expect(page.get_by_text("This is what you typed")).to_have_count(0)


def what_is_typed_after_the_session_ended_is_not_lost(page: Page) -> None:
    page.context.clear_cookies(name=re.compile("session"))
    page.get_by_label("Name", exact=True).press_sequentially("Afterwards")
    expect(page.get_by_text("Your sign-in has ended or changed.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Afterwards")
    sign_in(page, "/publisher/apis/new")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Afterwards")


def a_sample_becomes_an_api(page: Page) -> None:
    page.goto("/publisher/create/")
    page.get_by_role("link", name="Chat rooms").click()
    expect(page.get_by_role("heading", name="What it holds")).to_be_visible()
    name = page.get_by_label("Name", exact=True)
    name.clear()
    name.press_sequentially("Echo")
    expect(page.get_by_text("Name Echo already exists.")).to_be_visible()
    name.clear()
    name.press_sequentially("Journey rooms")
    page.get_by_role("button", name="CREATE", exact=True).click()
    expect(page.get_by_text("Journey rooms 1.0.0 is created from the sample Chat rooms.")).to_be_visible()
    expect(page.get_by_role("link", name="Not deployed yet")).to_be_visible()


def publishing_is_asked_about(page: Page) -> None:
    page.get_by_role("link", name="Lifecycle", exact=True).click()
    expect(page.get_by_role("img", name="The lifecycle of an API, now Created")).to_be_visible()
    page.get_by_role("button", name="Test the production endpoint").click()
    expect(page.get_by_text("It answered 101")).to_be_visible()
    page.get_by_role("button", name="Publish", exact=True).click()
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_contain_text("Nothing is deployed. Publishing deploys a first revision.")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Journey rooms 1.0.0 is published.")).to_be_visible()
    page.get_by_role("link", name="Deployments", exact=True).click()
    expect(page.get_by_text("The same as what you see.")).to_be_visible()


def blocking_says_what_it_takes(page: Page) -> None:
    page.get_by_role("link", name="Lifecycle", exact=True).click()
    page.get_by_role("button", name="Block…").click()
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_contain_text("Nobody is connected now.")
    expect(dialog).to_contain_text("It disappears from the developer portal.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("img", name="The lifecycle of an API, now Published")).to_be_visible()
