"""No page asks the database more the more there is: with 1,000 APIs and 10,000 subscriptions, fewer than twelve times,
but for those in MORE.

How long pages take is measured by benchmarks/pages.py, and told in docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.apis.addresses import filled
from tests.apis.crowd import gather
from tests.apis.rights import row, rows_of
from tests.apis.rights_admin import ADMIN
from tests.apis.rights_pages import PAGES
from tests.apis.whole_world import WHO, World, apart, build, undone

pytestmark = pytest.mark.django_db
MOST = 11  # queries; two of them are the session and its person
MORE = {
    "publisher/apis/<uuid:api_id>/": 17,  # every finding before publication looks at something of its own
    "publisher/apis/<uuid:api_id>/lifecycle/": 16,
    "publisher/apis/<uuid:api_id>/comments/": 13,
    "publisher/apis/<uuid:api_id>/definition/": 13,
    "publisher/apis/<uuid:api_id>/deployments/": 14,
    "publisher/apis/<uuid:api_id>/deployments/compare/": 17,
    "publisher/apis/<uuid:api_id>/history/": 13,
    "publisher/apis/<uuid:api_id>/info/": 15,
    "publisher/apis/<uuid:api_id>/security/": 12,
    "publisher/apis/<uuid:api_id>/runtime/": 12,
    "publisher/apis/<uuid:api_id>/topics/": 13,
    "publisher/apis/<uuid:api_id>/topics/edit": 13,
    "publisher/apis/<uuid:api_id>/scopes/": 14,
    "publisher/apis/<uuid:api_id>/analytics/": 14,
    "publisher/apis/<uuid:api_id>/console/": 12,
    "publisher/apis/<uuid:api_id>/subscriptions/": 15,
    "publisher/apis/<uuid:api_id>/subscriptions/<uuid:subscription_id>/": 14,
    "publisher/apis/<uuid:api_id>/subscriptions/<uuid:subscription_id>/statement/": 13,
    "publisher/apis/<uuid:api_id>/sessions/": 17,
    "publisher/apis/<uuid:api_id>/sessions/<str:session_id>/": 22,  # the inspector is switched on by the look
    "publisher/apis/<uuid:api_id>/sessions/<str:session_id>/close/": 12,
    "publisher/fragments/health/<uuid:api_id>/<str:key_type>": 12,
    "devportal/apis/<uuid:api_id>/": 23,  # subscriptions, keys, comments, ratings and documents on one page
    "devportal/applications/<uuid:application_id>/": 13,
    "admin/apis/api/": 14,
}
"""Pages that ask more, and how often at most: the same whatever there is. Nothing is added here; numbers fall."""
ANSWERS_400 = "oauth2/authorize"  # which needs the parameters of a client
LISTS = [route for route in rows_of(ADMIN) if route.startswith("admin/") and route.count("/") == 3 and "<" not in route]
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


@pytest.mark.parametrize(("route", "name"), pages())
def test_a_page_asks_the_database_a_few_times(world: World, route: str, name: str) -> None:
    browser = world.browser(name)
    with (
        undone(),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        answer = browser.get(filled(route, world.ids))
    assert answer.status_code < 400
    told = [one["sql"] for one in asked if not one["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]
    assert len(told) <= MORE.get(route, MOST), f"{len(told)} queries:\n" + "\n".join(told)
