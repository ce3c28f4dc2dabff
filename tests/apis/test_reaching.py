"""Before an API is published somebody looks whether its upstreams can be reached: on its pages and by REST."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from apis.checking import asking
from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import designs, trying
from apis.services.attempts import Attempts
from gateway.reaching import unreachable_now
from tests.apis.browsing import Visit, at
from tests.apis.conftest import Rest

WARNING = "refuses connections: nothing listens there."


@pytest.fixture(autouse=True)
def _somebody_looks(_nobody_is_dialled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "lookers", [unreachable_now])


@pytest.fixture
def open_port() -> Iterator[int]:
    """Of a backend that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Bound, so that nobody else takes it, and not listening."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        yield door.getsockname()[1]


@pytest.fixture
def leading_to(draft: Api, paul: Person) -> Callable[[int], Api]:
    return lambda port: designs.api_update(
        actor=Actor.of(paul), api=draft, endpoint=f"ws://127.0.0.1:{port}", business_plans=["Gold"]
    )


def looked_at(api: Api) -> str:
    return f"/publisher/fragments/reach/{api.pk}"


@pytest.mark.parametrize("page", ["", "lifecycle/"], ids=["overview", "lifecycle"])
def test_the_pages_that_lead_to_publication_ask_and_are_warned(
    paul: Person, leading_to: Callable[[int], Api], closed_port: int, page: str
) -> None:
    api = leading_to(closed_port)
    assert f'hx-get="{looked_at(api)}"' in Visit(paul).see(at(api, page)).html
    found = Visit(paul).see(looked_at(api))
    assert f"The gateway cannot reach ws://127.0.0.1:{closed_port} just now: 127.0.0.1:{closed_port} {WARNING}" in (
        found.words
    )
    assert f'href="{at(api, "endpoints/")}"' in found.html


def test_what_can_be_reached_needs_no_word(paul: Person, leading_to: Callable[[int], Api], open_port: int) -> None:
    assert Visit(paul).see(looked_at(leading_to(open_port))).words == ""


def test_a_program_asks_for_the_look(
    rest: Callable[..., Rest], paul: Person, leading_to: Callable[[int], Api], closed_port: int
) -> None:
    path = f"/apis/{leading_to(closed_port).pk}/checks"

    def codes(query: str) -> list[str]:
        return [row["code"] for row in rest(paul).get(path + query).ok()["results"]]

    assert "upstream_unreachable" not in codes("")
    assert "upstream_unreachable" not in codes("?look=false")
    assert codes("?look=true").count("upstream_unreachable") == 1
    rest(paul).get(f"{path}?look=perhaps").refused(400)


def test_nobody_looks_without_end(
    rest: Callable[..., Rest], paul: Person, leading_to: Callable[[int], Api], closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(trying, "LOOKS", Attempts("endpoint-look", limit=1))
    api = leading_to(closed_port)
    rest(paul).get(f"/apis/{api.pk}/checks?look=true").ok()
    rest(paul).get(f"/apis/{api.pk}/checks?look=true").refused(429)
    assert Visit(paul).see(looked_at(api)).words == ""


def test_who_may_not_see_the_design_learns_nothing(
    sam: Person, leading_to: Callable[[int], Api], open_port: int
) -> None:
    assert Visit(sam).see(looked_at(leading_to(open_port))).status == 404
