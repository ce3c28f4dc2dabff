"""No page asks the database more the more there is: with 1,000 APIs and 10,000 subscriptions, fewer than twelve times.

How long pages take is measured by benchmarks/pages.py, and told in docs/performance.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis.permissions import Actor
from apis.services import designs
from tests.apis.addresses import filled
from tests.apis.crowd import gather
from tests.apis.rights import row, rows_of
from tests.apis.rights_admin import ADMIN
from tests.apis.rights_pages import PAGES
from tests.apis.whole_world import WHO, World, apart, build, undone
from tests.conftest import CHAT

pytestmark = pytest.mark.django_db
MOST = 11  # queries; two of them are the session and its person
ANSWERS_400 = "oauth2/authorize"  # which needs the parameters of a client
LISTS = [route for route in rows_of(ADMIN) if route.startswith("admin/") and route.count("/") == 3 and "<" not in route]
OF_AN_API = re.compile(r"publisher/apis/<uuid:api_id>/[^<]*")
SEEN = {route: row(answers[0]) for route, answers in rows_of(PAGES).items()}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), apart():
        made = build()
        gather(made)
        yield made


def pages() -> list[tuple[str, str]]:
    """Every page that somebody may see, with who looks at it: an administrator, and who uses the portal."""
    found = []
    for route, outcomes in SEEN.items():
        if route == ANSWERS_400:
            continue
        allowed = [name for name, one in zip(WHO, outcomes, strict=True) if one == "yes"]
        wanted = ("adam", "carol", "pia") if route.startswith("publisher") else ("adam", "sam", "nobody")
        found += [(route, name) for name in wanted if name in allowed]
    return [*found, *((route, "adam") for route in LISTS)]


def ask_a_few_times(world: World, name: str, address: str) -> None:
    browser = world.browser(name)
    with undone(), CaptureQueriesContext(connection) as asked:
        answer = browser.get(address)
    assert answer.status_code < 400
    told = [one["sql"] for one in asked if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]
    assert len(told) <= MOST, f"{len(told)} queries:\n" + "\n".join(told)


@pytest.mark.parametrize(("route", "name"), pages())
def test_a_page_asks_the_database_a_few_times(world: World, route: str, name: str) -> None:
    ask_a_few_times(world, name, filled(route, world.ids))


@pytest.mark.parametrize(("route", "name"), [one for one in pages() if OF_AN_API.fullmatch(one[0])])
def test_a_page_of_an_api_that_was_just_made_asks_no_more(world: World, route: str, name: str) -> None:
    with undone():
        carol = Actor.of(world.people["carol"])
        design: dict[str, Any] = {**CHAT, "name": "Draft", "context": "/draft", "business_plans": []}
        draft = designs.api_create(actor=carol, **design)
        ask_a_few_times(world, name, filled(route, world.ids | {"api": str(draft.pk)}))
