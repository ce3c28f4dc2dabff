"""Every page and every operation, asked by everybody: nobody gets in where they have no business, nothing is a 500.

The tables are tests/apis/rights_pages.py, rights_admin.py and rights_rest.py; who is who, is told in whole_world.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apis.models import Api
from apis.services import comments, trying
from apis.services.attempts import Attempts
from tests.apis.addresses import filled, routes
from tests.apis.rights import EVERY_OBJECT, of_operation, of_page, outcome, row, rows_of
from tests.apis.rights_admin import ADMIN
from tests.apis.rights_pages import PAGES
from tests.apis.rights_rest import OPERATIONS
from tests.apis.whole_world import WHO, World, apart, build, undone

pytestmark = pytest.mark.django_db
PAGE_ROWS = {**rows_of(PAGES), **rows_of(ADMIN)}
OPERATION_ROWS = rows_of(OPERATIONS)
WHERE = {"admin/": "ADMIN in tests/apis/rights_admin.py", "": "PAGES in tests/apis/rights_pages.py"}
OFFERS = [route for route in PAGE_ROWS if route.startswith("devportal/apis/<uuid:api_id>/")]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), apart():
        yield build()


@pytest.fixture(autouse=True)
def _nobody_asks_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "TRIALS", Attempts("many", limit=10_000))
    monkeypatch.setattr(comments, "SPEECH", Attempts("much", limit=10_000))


def pages() -> list[str]:
    """The addresses that have a row of their own: not REST, which the schema lists, and not what only redirects."""
    found = (route or "/" for route in routes())
    return [one for one in found if not one.startswith("api/") and "^" not in one and not one.endswith(EVERY_OBJECT)]


def test_every_page_has_a_row() -> None:
    for route in pages():
        where = next(name for start, name in WHERE.items() if route.startswith(start))
        assert route in PAGE_ROWS, f"{route} is new: say in {where} who may see it and who may send its form"


def test_every_row_has_a_page() -> None:
    gone = PAGE_ROWS.keys() - set(pages())
    assert not gone, f"there is no such address any more, so its row goes: {', '.join(sorted(gone))}"


def test_every_operation_has_a_row_and_every_row_an_operation() -> None:
    paths = Client().get("/api/v1/schema").json()["paths"]
    there = {f"{method} {path}" for path, methods in paths.items() for method in methods}
    new = sorted(there - OPERATION_ROWS.keys())
    assert not new, f"say in OPERATIONS in tests/apis/rights_rest.py who may do: {', '.join(new)}"
    gone = sorted(OPERATION_ROWS.keys() - there)
    assert not gone, f"there is no such operation any more, so its row goes: {', '.join(gone)}"


@pytest.mark.parametrize("route", PAGE_ROWS)
def test_a_page_is_for_whom_it_should_be(world: World, route: str) -> None:
    seen, sent = PAGE_ROWS[route]
    assert named(of_page(world, route, "get")) == named(row(seen)), "GET"
    assert named(of_page(world, route, "post")) == named(row(sent)), "POST"


@pytest.mark.parametrize("operation", OPERATION_ROWS)
def test_an_operation_is_for_whom_it_should_be(world: World, operation: str) -> None:
    method, path = operation.split()
    assert named(of_operation(world, method, path)) == named(row(OPERATION_ROWS[operation]))


def named(outcomes: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(WHO, outcomes, strict=True))


def test_every_object_of_the_administration_has_no_page_but_its_own(world: World) -> None:
    """Django's address without a page leads on to the object, and the history that it keeps itself is not offered."""
    for route in [one for one in routes() if one.endswith(EVERY_OBJECT)]:
        leads_on = not route.endswith("/history/") and not route.startswith("admin/r/")  # "view on site": there is none
        for name, expected in {"nobody": "in", "sam": "in", "adam": "yes" if leads_on else "404"}.items():
            answer = world.browser(name).get(filled(route, world.ids))
            assert outcome(answer) == expected, (route, name)


@pytest.mark.parametrize("route", OFFERS)
def test_what_is_offered_to_some_is_there_for_nobody_else(world: World, route: str) -> None:
    """carol's API is for `partners` now: not for sam, who has subscribed, nor for olaf, who creates others."""
    with undone():
        Api.objects.filter(pk=world.ids["api"]).update(visible_roles=["partners"])
        for method in ("get", "post"):
            for name in ("nobody", "vic", "sam", "eve", "olaf"):
                answer = getattr(world.browser(name), method)(filled(route, world.ids), {"confirmed": "yes"})
                assert outcome(answer) in {"in", "403", "404", "405"}, (method, name, answer.status_code)
