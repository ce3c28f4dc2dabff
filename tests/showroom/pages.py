"""Everything there is to see in the showroom: pages by the resolver, so that a new one is seen by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import BrowserContext, Page, expect

from tests.apis.addresses import filled
from tests.showroom.catalogue import BACK, PASSWORD
from tests.showroom.server import Showroom

AREAS: Final[dict[str, tuple[str, ...]]] = {
    "publisher": ("publisher/",),
    "devportal": ("devportal/",),
    "entrance": ("login", "oauth2/"),
    "admin": ("admin/",),
    "docs": ("api/v1/docs",),
}
WHO: Final = {"publisher": "paul", "devportal": "sam", "entrance": "", "admin": "adam", "docs": "sam"}
"""Who looks at an area; nobody has signed in at the entrance."""
LEFT_OUT: Final = re.compile(r"^admin/(jsi18n|autocomplete|logout|login)/|^admin/.*/(history|delete)/$")
"""Pages of the administration that are wholly django-unfold's and the same for everything."""
_ANYTHING: Final = re.compile(r"\^|<path:(?!object_id>)")
_NAME: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}")


@dataclass(frozen=True)
class Seen:
    """A page: where, and a name for files."""

    path: str
    name: str


def addresses(area: str, room: Showroom) -> Iterator[str]:
    """Every address of an area, filled in.

    Raises: KeyError for a parameter that `tests.apis.addresses` does not know.
    """
    known = set()
    for route in room.routes:
        if not route.startswith(AREAS[area]) or LEFT_OUT.search(route) or _ANYTHING.search(route):
            continue
        address = filled(route, room.ids)
        if address not in known:
            known.add(address)
            yield address
    if area == "entrance":
        yield "/nowhere/"
    if area == "devportal":
        yield _consent(room.ids)
    if area == "publisher":
        yield f"/publisher/apis/{'0' * 8}-0000-4000-8000-{'0' * 12}/"


def _consent(ids: dict[str, str]) -> str:
    asked = f"response_type=code&client_id={ids['client_id']}&redirect_uri={BACK}&state=s"
    return f"/oauth2/authorize?{asked}&code_challenge={'a' * 43}&code_challenge_method=S256"


def pages(area: str, context: BrowserContext, room: Showroom) -> list[Seen]:
    """Those of them that answer with a whole page: no fragment, no file, no address that only takes forms."""
    found: dict[str, Seen] = {}
    for address in addresses(area, room):
        answer = context.request.get(address, headers={"Accept": "text/html"})
        is_page = "text/html" in answer.headers.get("content-type", "") and answer.status in {200, 400, 404}
        if not is_page or "<html" not in answer.text()[:400]:
            continue
        path = answer.url.partition("localhost")[2].partition("/")[2].partition("#")[0]
        found.setdefault(path, Seen(f"/{path}", named(f"/{path}")))
    return list(found.values())


def named(path: str) -> str:
    """A name for a file: the address without ids."""
    words = _NAME.sub("", path.partition("?")[0]).strip("/").replace("/", "-")
    return re.sub(r"-+", "-", words) or "start"


def sign_in(page: Page, name: str) -> None:
    """As a person does, in whichever language; the session stays in the page's context."""
    page.goto("/login")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url(lambda url: "/login" not in url)


def open_page(page: Page, path: str) -> None:
    """Open a page and wait for the pieces that it fetches when it is there."""
    page.goto(path, wait_until="load")
    expect(page.locator(".htmx-request")).to_have_count(0)
