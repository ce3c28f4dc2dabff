"""What carol types outlives a sign-in that ends, what is sent twice is done once, and long names fit a phone."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Installation, Watched

pytestmark = pytest.mark.browser

PASSWORD = "walks-the-dog-8"
BACKEND = "wss://typed.example.com/socket"
REFUSED = re.compile(r"console at \S+: .*\b(401|403)\b.*")


@pytest.fixture
def api_at(wsportal: Installation, watched: Watched) -> str:
    """The address of the pages about an API with the longest names there may be, and carol signed in."""
    word = uuid4().hex
    token = wsportal.rest("/tokens", {"name": f"typed {word}"})["token"]
    wsportal.rest("/people", {"username": f"carol-{word}", "password": PASSWORD, "roles": ["creator"]}, token)
    design = {"name": (word * 2)[:50], "context": "/" + (word * 7)[:199], "version": word[:30], "endpoint": BACKEND}
    api = wsportal.rest("/apis", design, token)["id"]
    watched.page.goto("/login")
    sign_in(watched.page, f"carol-{word}")
    return f"/publisher/apis/{api}/"


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Your account")).to_contain_text(name)


def end_session(page: Page) -> str:
    """As if it had lapsed. Returns: who was signed in."""
    name = page.get_by_label("Your account").inner_text().strip()
    page.context.clear_cookies(name=re.compile("session"))
    return name


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def test_what_was_typed_stands_in_its_form_again_after_a_new_sign_in(watched: Watched, api_at: str) -> None:
    page = watched.page
    page.goto(f"{api_at}business/")
    page.get_by_label("Business owner").fill("Ida Bell")
    name = end_session(page)
    press(page, "Save")
    sign_in(page, name)
    expect(page.get_by_label("Business owner")).to_have_value("Ida Bell")
    expect(page.get_by_text("This is what you typed before your sign-in ended.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Business owner")).to_have_value("")


def test_rows_that_were_added_and_choices_are_there_again_but_no_password(watched: Watched, api_at: str) -> None:
    page = watched.page
    page.goto(f"{api_at}endpoints/production/")
    addresses = page.locator("input[name='url']")
    before = addresses.count()
    press(page, "Add a URL")
    addresses.nth(before).fill("wss://last.example.com/")
    page.locator("select[name='strategy']").select_option("failover")
    name = end_session(page)
    press(page, "Save")
    assert "password" not in page.evaluate("sessionStorage.getItem('typed')")
    sign_in(page, name)
    expect(addresses).to_have_count(before + 1)
    expect(addresses.nth(before)).to_have_value("wss://last.example.com/")
    expect(addresses.first).to_have_value(BACKEND)
    expect(page.locator("select[name='strategy']")).to_have_value("failover")


def test_a_dialog_goes_on_as_a_page_of_its_own(watched: Watched, api_at: str) -> None:
    page = watched.page
    page.goto(f"{api_at}topics/")
    page.get_by_role("link", name="Add a topic").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("/kept")
    name = end_session(page)
    dialog.locator("button.btn-primary").click()
    sign_in(page, name)
    expect(page.get_by_role("main").get_by_label("Name", exact=True)).to_have_value("/kept")
    watched.faults[:] = [fault for fault in watched.faults if not REFUSED.search(fault)]


def test_a_form_from_before_somebody_signed_in_elsewhere_is_led_back_to_with_its_text(
    watched: Watched, api_at: str
) -> None:
    page = watched.page
    page.goto(f"{api_at}business/")
    page.get_by_label("Technical owner").fill("Tom Tech")
    name = page.get_by_label("Your account").inner_text().strip()
    page.context.clear_cookies()
    other = page.context.new_page()
    other.goto("/login")
    sign_in(other, name)
    other.close()
    press(page, "Save")
    page.get_by_role("link", name="Back to the form").click()
    expect(page.get_by_label("Technical owner")).to_have_value("Tom Tech")
    press(page, "Save")
    expect(page.get_by_text("Saved.")).to_be_visible()
    watched.faults[:] = [fault for fault in watched.faults if not REFUSED.search(fault)]


def test_a_button_that_is_pressed_twice_does_it_once(watched: Watched, api_at: str) -> None:
    page = watched.page
    page.goto(f"{api_at}comments/")
    page.get_by_label("Your comment").fill("Only once")
    page.get_by_role("button", name="Send", exact=True).dblclick()
    said = page.get_by_role("article").get_by_role("paragraph").filter(has_text="Only once")
    expect(said.first).to_be_visible()
    page.reload()
    expect(said).to_have_count(1)


@pytest.mark.parametrize(
    "tail", ["", "info/", "topics/", "deployments/"], ids=["overview", "info", "topics", "deployments"]
)
def test_the_longest_names_do_not_widen_a_page_on_a_phone(watched: Watched, api_at: str, tail: str) -> None:
    page = watched.page
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(f"{api_at}{tail}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_a_file_that_is_too_large_is_said_so_before_it_is_sent(watched: Watched, api_at: str) -> None:
    page = watched.page
    page.goto(f"{api_at}info/")
    picture = page.get_by_label("Picture", exact=True)
    picture.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"x" * ((1 << 20) + 1)})
    expect(page.get_by_text("A file has at most 1 MiB here.")).to_be_visible()
    expect(picture).to_have_value("")


def test_what_could_not_be_sent_is_said_in_carols_language_and_stays(watched: Watched, api_at: str) -> None:
    page = watched.page
    page.set_extra_http_headers({"Accept-Language": "de"})
    page.goto("/publisher/apis/new")
    page.locator("#id_name").fill("Unsent")
    page.context.set_offline(True)
    page.locator("[data-design-form]").evaluate("form => form.requestSubmit()")
    expect(page.locator("[data-complaint]")).to_contain_text("Der Server ist nicht erreichbar.")
    page.context.set_offline(False)
    expect(page.locator("#id_name")).to_have_value("Unsent")
    page.context.clear_cookies(name=re.compile("csrf"))
    page.locator("[data-design-form]").evaluate("form => form.requestSubmit()")
    expect(page.locator("[data-complaint]")).to_contain_text("Sie dürfen das nicht")
    expect(page.locator("#id_name")).to_have_value("Unsent")
    expected = re.compile(r": (htmx:|Failed to load resource).*|.*\b403\b")
    watched.faults[:] = [fault for fault in watched.faults if not expected.search(fault)]
