"""Live control where the gateway processes share a Redis, too: woken at once, and the promise holds without it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from websockets.sync.client import ClientConnection

from tests.gateway.backends import Backend
from tests.gateway.fleet import fleet, server
from tests.gateway.test_live_control_everywhere import CLOSING, ends_within_a_second, goes_on
from tests.gateway.test_live_sessions import in_directory, known, renew, row_of
from tests.gateway.world import GatewayProcess, World, closed, knock

__all__ = ["fleet", "server"]
AT_ONCE = 10


@pytest.mark.parametrize("case", CLOSING)
def test_a_change_is_felt_in_both_processes_by_those_whom_it_concerns(
    world: World, backend: Backend, fleet: list[GatewayProcess], case: str
) -> None:
    act, code = CLOSING[case]
    deal, bystanders = world.deal(backend.url), world.deal(backend.url)
    with ExitStack() as stack:
        clients: list[ClientConnection] = []
        others: list[ClientConnection] = []
        for gateway in fleet:
            known(gateway, deal, bystanders)
            clients.append(stack.enter_context(deal.connect(gateway=gateway)))
            others.append(stack.enter_context(bystanders.connect(gateway=gateway)))
        in_directory(*clients)
        act(world, deal)
        ends_within_a_second(clients, code, time.monotonic())
        goes_on(*others)


def test_a_ticket_opens_one_connection_at_one_of_them(
    world: World, backend: Backend, fleet: list[GatewayProcess]
) -> None:
    deal = world.deal(backend.url)
    for gateway in fleet:
        known(gateway, deal)
    headers = {"Authorization": f"Bearer {deal.token}"}
    url = f"http://127.0.0.1:{fleet[0].portal}/api/v1/tickets"
    minted = httpx.post(url, json={"api": str(deal.api.pk)}, headers=headers, timeout=30)
    assert minted.status_code == 201, minted.text
    path = f"{deal.path}?ticket={minted.json()['ticket']}"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = [one.status for one in pool.map(lambda number: knock(fleet[number % 2], path), range(AT_ONCE))]
    assert sorted(statuses) == [101] + [401] * (AT_ONCE - 1)


def test_a_token_is_renewed_at_the_other_process(world: World, backend: Backend, fleet: list[GatewayProcess]) -> None:
    deal = world.deal(backend.url)
    fresh = world.token(deal)
    with deal.connect(gateway=known(fleet[0], deal)) as client:
        identity = client.response.headers["X-Request-ID"] if client.response else ""
        assert renew(fleet[1], identity, fresh).status_code == 200
        row_of(deal.token).revoke()
        goes_on(client)
        row_of(fresh).revoke()
        assert closed(client)[0] == 4401
