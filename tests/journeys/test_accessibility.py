"""Nobody is kept out by how a page is made: axe on every page, in light, dark and on a phone; the keyboard.

The pages come from the resolver (tests/showroom), so a new one is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.showroom import faults, pages
from tests.showroom.no_pages import ROWS
from tests.showroom.server import Showroom, showroom

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def room() -> Iterator[Showroom]:
    """A portal full of things, without a gateway."""
    with showroom() as opened:
        yield opened


def visitor(chromium: Browser, room: Showroom, who: str, **looks: object) -> BrowserContext:
    """The browser of somebody who has signed in."""
    context = chromium.new_context(
        base_url=room.home,
        viewport=faults.DESK,
        color_scheme="light",
        reduced_motion="reduce",
        **looks,  # type: ignore[arg-type]
    )
    context.set_default_timeout(30_000)
    if who:
        page = context.new_page()
        pages.sign_in(page, who)
        page.close()
    return context


@pytest.mark.parametrize("area", sorted(pages.AREAS))
def test_every_address_is_a_page_without_a_grave_fault_or_said_to_be_none(
    chromium: Browser, room: Showroom, area: str
) -> None:
    context = visitor(chromium, room, pages.WHO[area])
    page = context.new_page()
    found = []
    seen, none = pages.survey(area, context, room)
    assert none == pages.no_pages(area, room)
    for one in seen:
        pages.open_page(page, one.path)
        found += [f"{one.name}: {fault}" for fault in faults.look(page)]
    context.close()
    assert not found, "\n".join(found)


def test_refused_forms_and_open_dialogs_have_no_grave_fault(chromium: Browser, room: Showroom) -> None:
    context = visitor(chromium, room, "paul")
    page = context.new_page()
    overview = f"/publisher/apis/{room.ids['api']}/"
    for path, opener, what in (
        ("/publisher/apis/new", "", "a refused design"),
        (f"{overview}topics/", "Add a topic", "the dialog of a topic"),
        (overview, "Delete", "the question before deleting"),
        (overview, "New version", "the dialog of a new version"),
    ):
        pages.open_page(page, path)
        if opener:
            page.get_by_role("main").or_(page.locator(".page-header")).get_by_text(opener, exact=True).first.click()
            expect(page.get_by_role("dialog")).to_be_visible()
        else:
            page.get_by_label("Context").press_sequentially("/ec ho")
            expect(page.locator("[aria-invalid='true']")).to_be_visible()
        assert faults.look(page) == [], what
    context.close()


def test_being_told_what_somebody_else_changed_meanwhile_has_no_grave_fault(chromium: Browser, room: Showroom) -> None:
    context = visitor(chromium, room, "paul")
    here, there = context.new_page(), context.new_page()
    for page, title in ((here, "Mine"), (there, "Theirs")):
        pages.open_page(page, f"/publisher/apis/{room.ids['api']}/info/")
        page.get_by_label("Display name").fill(title)
    for page, status in ((there, 200), (here, 409)):
        with page.expect_navigation() as shown:
            page.get_by_role("main").get_by_role("button", name="Save", exact=True).click()
        assert shown.value.status == status
    expect(here.get_by_text("Somebody else changed this meanwhile.")).to_be_visible()
    assert faults.look(here) == []
    context.close()


def test_a_dialog_keeps_the_focus_and_gives_it_back(chromium: Browser, room: Showroom) -> None:
    context = visitor(chromium, room, "paul")
    page = context.new_page()
    pages.open_page(page, f"/publisher/apis/{room.ids['api']}/")
    opener = page.locator(".page-header").get_by_role("button", name="Delete")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("!document.hasFocus() || document.activeElement === document.body "
                             "|| document.activeElement.closest('dialog') !== null")  # fmt: skip
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    context.close()


def test_the_first_tab_leads_past_the_menu(chromium: Browser, room: Showroom) -> None:
    context = visitor(chromium, room, "sam")
    page = context.new_page()
    page.goto("/devportal/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), "the next stop is in the content"
    context.close()


def test_what_scrolls_is_reached_by_the_keyboard(chromium: Browser, room: Showroom) -> None:
    context = visitor(chromium, room, "sam")
    page = context.new_page()
    page.goto(f"/devportal/apis/{room.ids['api']}/documents/{room.ids['document']}/")
    example = page.locator(".markdown pre").first
    page.set_viewport_size({"width": 320, "height": 700})
    expect(example).to_have_attribute("tabindex", "0")
    page.set_viewport_size({"width": 1600, "height": 700})
    expect(example).not_to_have_attribute("tabindex", "0")
    context.close()


def test_what_is_said_to_be_no_page_is_an_address(room: Showroom) -> None:
    assert set(room.routes) >= ROWS
