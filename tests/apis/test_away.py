"""A database that is away for a moment: pages and REST say so, and ask nothing of it to say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from apis.models import Person
from tests.apis.browsing import browser_of


@pytest.fixture(params=[OperationalError, InterfaceError], ids=["refused", "broken"])
def away(sam: Person, request: pytest.FixtureRequest) -> Iterator[Client]:
    """The browser in which sam signed in while the database was still there."""
    browser = browser_of(sam)
    browser.raise_request_exception = False

    def execute(*_: Any, **__: Any) -> None:
        raise request.param("it does not answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", execute)
        yield browser


@pytest.mark.parametrize("path", ["/", "/devportal/", "/devportal/applications/", "/publisher/", "/admin/"])
def test_a_page_says_it_and_when_to_come_back(away: Client, path: str) -> None:
    answer = away.get(path)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    words = answer.content.decode()
    assert "The database does not answer" in words
    assert "Sign out" not in words, "who is signed in stands in the database"


def test_rest_says_it_as_a_problem(away: Client) -> None:
    answer = away.get("/api/v1/apis")
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_another_fault_is_ours(sam: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = browser_of(sam)
    browser.raise_request_exception = False
    monkeypatch.setattr("wsportal.views.redirect", None)
    answer = browser.get("/")
    assert "Something went wrong" in answer.content.decode()
    assert answer.status_code == 500
