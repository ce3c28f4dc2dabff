"""REST is what its schema says, for everybody: no 5xx, no answer that is not described, nothing forbidden taken.

Requests are drawn by schemathesis with a fixed seed; `-m soak` draws many more of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apis.services import comments, trying
from apis.services.attempts import Attempts
from tests.apis.contract import connection_kept, faults, operations
from tests.apis.contract_steps import walked
from tests.apis.whole_world import NOBODY, World, apart, build

pytestmark = pytest.mark.django_db
EVERYBODY = (NOBODY, "vic", "sam", "carol", "pia", "adam")
SLICES = 6  # of all operations, for the workers to share
EXAMPLES = {"adam": 3}  # of each kind and operation; he gets furthest
SOAK = 60
WALKS = 12  # along links


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), connection_kept(), apart():
        yield build()


@pytest.fixture(scope="module")
def described(world: World) -> list[Any]:
    return operations()


@pytest.fixture(autouse=True)
def _nobody_asks_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "TRIALS", Attempts("many", limit=10_000))
    monkeypatch.setattr(comments, "SPEECH", Attempts("much", limit=10_000))


@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("name", EVERYBODY)
def test_answers_are_what_the_schema_says(world: World, described: list[Any], name: str, part: int) -> None:
    found = [told for one in described[part::SLICES] for told in faults(world, name, one, EXAMPLES.get(name, 1))]
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("name", ["adam", "pia", "carol", "sam"])
def test_what_was_created_is_there_can_be_changed_and_is_gone_when_it_was_deleted(world: World, name: str) -> None:
    found = walked(world, name, WALKS)
    assert not found, "\n\n".join(found)


@pytest.mark.soak
@pytest.mark.skipif("'soak' not in (config.option.markexpr or '')", reason="a soak: run it with -m soak")
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("name", EVERYBODY)
def test_answers_are_what_the_schema_says_for_long(world: World, described: list[Any], name: str, part: int) -> None:
    found = [told for one in described[part::SLICES] for told in faults(world, name, one, SOAK)]
    assert not found, "\n\n".join(found)
