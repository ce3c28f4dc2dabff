"""Charts in a browser: in the reader's language and light, on paper, and as tables for who has no script."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.showroom import pages
from tests.showroom.server import Showroom, showroom

pytestmark = pytest.mark.browser
PICTURE = "canvas => canvas.toDataURL()"


@pytest.fixture(scope="module")
def room() -> Iterator[Showroom]:
    """A portal full of things, without a gateway."""
    with showroom() as opened:
        yield opened


def paul(chromium: Browser, room: Showroom, language: str = "en", *, script: bool = True) -> Page:
    """A page of paul's browser."""
    context = chromium.new_context(
        base_url=room.home, locale=language, color_scheme="light", java_script_enabled=script
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    pages.sign_in(page, "paul")
    return page


def drawn(page: Page) -> Locator:
    """The first chart, once it is there."""
    canvas = page.locator("canvas[data-chart]").first
    expect(canvas).to_be_visible()
    page.wait_for_function("() => window.Chart && window.Chart.getChart(document.querySelector('canvas[data-chart]'))")
    return canvas


def test_a_chart_follows_the_light_and_speaks_german(chromium: Browser, room: Showroom) -> None:
    page = paul(chromium, room, "de")
    for path in (f"/publisher/apis/{room.ids['api']}/analytics/", f"/publisher/apis/{room.ids['api']}/"):
        pages.open_page(page, path)
        canvas = drawn(page)
        assert json.loads(canvas.get_attribute("data-names") or "") == ["Von Clients", "An Clients"]
        light = canvas.evaluate(PICTURE)
        page.locator("[data-toggle-theme]").click()
        page.wait_for_function("light => document.querySelector('canvas[data-chart]').toDataURL() !== light", arg=light)
        page.locator("[data-toggle-theme]").click()
        page.wait_for_function("light => document.querySelector('canvas[data-chart]').toDataURL() === light", arg=light)
    page.context.close()


def test_the_same_numbers_are_a_table(chromium: Browser, room: Showroom) -> None:
    page = paul(chromium, room)
    pages.open_page(page, f"/publisher/apis/{room.ids['api']}/")
    drawn(page)
    card = page.locator(".usage-card")
    card.locator("summary").click()
    cells = card.locator("tbody tr td:nth-child(3)").all_inner_texts()
    said = card.locator("[data-usage=events_in]").inner_text()
    assert sum(int(cell.replace(",", "")) for cell in cells) == int(said.replace(",", ""))
    page.context.close()


def test_on_paper_there_is_no_navigation_and_it_is_black_on_white(chromium: Browser, room: Showroom) -> None:
    page = paul(chromium, room)
    pages.open_page(page, f"/publisher/apis/{room.ids['api']}/analytics/")
    drawn(page)
    page.locator("[data-toggle-theme]").click()
    page.emulate_media(media="print")
    for gone in (".navbar", ".side-menu", ".breadcrumb", ".btn"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    colours = "() => [document.body, document.querySelector('.card h2')].map(one => getComputedStyle(one))"
    assert page.evaluate(f"({colours})().map(one => one.color)") == ["rgb(0, 0, 0)", "rgb(0, 0, 0)"]
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.context.close()


def test_without_a_script_there_are_tables_and_no_empty_frames(chromium: Browser, room: Showroom) -> None:
    page = paul(chromium, room, script=False)
    page.goto(f"/publisher/apis/{room.ids['api']}/analytics/")
    expect(page.locator("canvas").first).to_be_hidden()
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("columnheader", name="Messages in").first).to_be_visible()
    page.context.close()
