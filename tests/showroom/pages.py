"""Everything there is to see in the showroom: pages by the resolver, so that a new one is seen by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from playwright.sync_api import APIResponse, BrowserContext, Page, expect

from tests.apis.addresses import filled
from tests.showroom.catalogue import BACK, PASSWORD, TROUBLES
from tests.showroom.no_pages import no_pages as said
from tests.showroom.server import Showroom

AREAS: Final[dict[str, tuple[str, ...]]] = {
    "publisher": ("publisher",),
    "devportal": ("devportal",),
    "admin": ("admin/",),
    "docs": ("api/v1/",),
    "troubles": (),
    "entrance": ("",),
}
"""How the addresses of an area begin; each address is of the first area that it fits."""
WHO: Final = {
    "publisher": "paul",
    "devportal": "sam",
    "entrance": "",
    "admin": "adam",
    "docs": "sam",
    "troubles": "vic",
}
"""Who looks at an area; nobody has signed in at the entrance, and vic, who has no role, is refused."""
OWN_COMMENT: Final = "publisher/apis/<uuid:api_id>/comments/<uuid:comment_id>/"
"""Who wrote a comment may change it: paul's is the reply."""
_APPS: Final = "admin/^^(?P<app_label>"
_NAME: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}")


@dataclass(frozen=True)
class Seen:
    """A page: where, and a name for files."""

    path: str
    name: str


def addresses(area: str, room: Showroom) -> Iterator[tuple[str, str]]:
    """Every address of an area, as it stands in urls.py and filled in; some more in which there is something to see.

    Raises: KeyError for a parameter that `tests.apis.addresses` does not know.
    """
    for route in room.routes:
        if _area(route) != area:
            continue
        if route.startswith(_APPS):
            yield from ((route, f"/admin/{app}/") for app in route.removeprefix(_APPS).partition(")")[0].split("|"))
        elif "^" not in route:
            yield route, filled(route, {**room.ids, "comment": room.ids["reply"]} if route == OWN_COMMENT else room.ids)
    yield from (("", address) for address in _more(area, room))


def _area(route: str) -> str:
    return next(area for area, starts in AREAS.items() if route.startswith(starts))


def _more(area: str, room: Showroom) -> tuple[str, ...]:
    if area == "entrance":
        return ("/nowhere/",)
    if area == "devportal":
        return (_consent(room.ids),)
    if area == "publisher":
        return (f"/publisher/apis/{'0' * 8}-0000-4000-8000-{'0' * 12}/",)
    if area == "troubles":
        doors = "/publisher/", "/devportal/applications/", "/oauth2/authorize?client_id=nobody"
        return (*doors, *(f"/trouble/{what}" for what in TROUBLES))
    return ()


def _consent(ids: dict[str, str]) -> str:
    asked = f"response_type=code&client_id={ids['client_id']}&redirect_uri={BACK}&state=s"
    return f"/oauth2/authorize?{asked}&code_challenge={'a' * 43}&code_challenge_method=S256"


def pages(area: str, context: BrowserContext, room: Showroom) -> list[Seen]:
    """Those of them that answer with a whole page: no fragment, no file, no address that only takes forms."""
    return survey(area, context, room)[0]


def survey(area: str, context: BrowserContext, room: Showroom) -> tuple[list[Seen], set[str]]:
    """The pages of an area, and the addresses, as they stand in urls.py, that lead to none."""
    found: dict[str, Seen] = {}
    names: Counter[str] = Counter()  # a list and one of its rows have the same: no picture takes another's place
    led = set()
    for route, address in dict.fromkeys(addresses(area, room)):
        answer = context.request.get(address, headers={"Accept": "text/html"})
        if not _is_page(answer) or (route and answer.status != HTTPStatus.OK):
            continue
        led.add(route)
        path = answer.url.partition("localhost")[2].partition("/")[2].partition("#")[0]
        if path not in found:
            name = named(f"/{path}")
            found[path] = Seen(f"/{path}", f"{name}-{again}" if (again := names[name]) else name)
            names[name] += 1
    return list(found.values()), {route for route in room.routes if _area(route) == area} - led


def no_pages(area: str, room: Showroom) -> set[str]:
    """The addresses of an area of which the table says that they are no pages."""
    return said(route for route in room.routes if _area(route) == area)


def _is_page(answer: APIResponse) -> bool:
    return "text/html" in answer.headers.get("content-type", "") and "<html" in answer.text()[:400]


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
