"""An environment with two hosts: each API answers on its own, and on names that are nobody's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apis import selectors
from apis.models import Environment
from apis.services import environments, publishing
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, World

PARTNERS = "partners.example.com"


@pytest.fixture
def deal(world: World, backend: Backend) -> Iterator[Deal]:
    """An API on the further host of the environment, which has none again afterwards."""
    adam, row = world.actors["adam"], Environment.objects.get(name="Default")
    further = [{"host": PARTNERS, "ws_port": 9099}]
    environments.environment_update(actor=adam, environment=row, vhosts=further)
    deal = world.deal(backend.url)
    _deploy(world, deal, PARTNERS)
    yield deal
    _deploy(world, deal, "localhost")
    environments.environment_update(actor=adam, environment=row, vhosts=[])


def _deploy(world: World, deal: Deal, host: str) -> None:
    publishing.revision_deploy(
        actor=world.actors["paul"],
        revision=selectors.revision_get(deal.api, 1),
        environments=[{"name": "Default", "vhost": host}],
    )


def _on(deal: Deal, host: str) -> int:
    return deal.knock(Host=host).status


def test_an_api_answers_on_its_own_host_and_on_names_that_are_nobodys(deal: Deal) -> None:
    until(lambda: _on(deal, "localhost:9099") == 404, 10)
    assert deal.knock(Host="localhost").code == "not_found"
    for host in (PARTNERS, f"{PARTNERS.upper()}:9099", "127.0.0.1:9099", "gateway-7.internal"):
        assert _on(deal, host) == 101, host


def test_it_moves_to_another_host_at_once_also_for_who_came_often(world: World, deal: Deal) -> None:
    until(lambda: _on(deal, "localhost") == 404, 10)
    assert {_on(deal, PARTNERS) for _ in range(5)} == {101}
    _deploy(world, deal, "localhost")
    until(lambda: _on(deal, PARTNERS) == 404, 10)
    assert _on(deal, "localhost") == 101
