"""Deny policies at the door and on those who are inside, in every process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apis.models import DenyPolicy
from apis.services import denying
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, GatewayProcess, World, closed, knock
from wsportal.certificates import KeyPairFiles

PROMISED_S = 1.0  # CONTRACT section 4
MARGIN_S = 0.7  # two busy cores

CONDITIONS: dict[str, Callable[[World, Deal], dict[str, Any]]] = {
    "the API": lambda world, deal: {"api": deal.api},
    "the application": lambda world, deal: {"application": deal.application},
    "the application at the API": lambda world, deal: {"application": deal.application, "api": deal.api},
    "the person at the API": lambda world, deal: {"person": world.people["sam"], "api": deal.api},
    "the address at the API": lambda world, deal: {"ip": "127.0.0.1", "api": deal.api},
    "the network at the API": lambda world, deal: {"ip_range": "127.0.0.0/8", "api": deal.api},
    "all other addresses at the API": lambda world, deal: {
        "ip_range": "10.0.0.0/8", "invert": True, "api": deal.api,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def other(
    world: World, database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A second gateway process on the same database."""
    process = GatewayProcess(database, certificate, tmp_path_factory.mktemp("other"))
    yield process
    assert process.stop() == 0


@pytest.fixture(autouse=True)
def _no_policies_of_other_tests(world: World) -> Iterator[None]:
    yield
    for policy in DenyPolicy.objects.all():
        denying.deny_policy_delete(actor=world.actors["adam"], policy=policy)


def deny(world: World, **values: Any) -> DenyPolicy:
    return denying.deny_policy_create(actor=world.actors["adam"], **values)


@pytest.mark.parametrize("case", CONDITIONS)
def test_a_policy_closes_whom_it_meets_in_every_process_and_nobody_else(
    world: World, backend: Backend, other: GatewayProcess, case: str
) -> None:
    deal, bystanders = world.deal(backend.url), world.deal(backend.url)
    bearer = {"Authorization": f"Bearer {deal.token}"}
    until(lambda: knock(other, bystanders.path).status == 401, 5)
    with deal.connect() as here, deal.connect(gateway=other) as there, bystanders.connect(gateway=other) as bystander:
        policy = deny(world, **CONDITIONS[case](world, deal))
        began = time.monotonic()
        assert [closed(client)[0] for client in (here, there)] == [4403, 4403]
        assert time.monotonic() - began < PROMISED_S + MARGIN_S
        for gateway in (world.gateway, other):
            answer = knock(gateway, deal.path, **bearer)
            assert (answer.status, answer.code) == (403, "denied")
        bystander.send("still here")
        assert bystander.recv(5) == "still here"
    denying.deny_policy_update(actor=world.actors["adam"], policy=policy, enabled=False)
    until(lambda: all(knock(one, deal.path, **bearer).status == 101 for one in (world.gateway, other)), 3)


def test_a_policy_that_meets_somebody_else_changes_nothing(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        deny(world, person=world.people["eve"])
        deny(world, ip="192.0.2.7")
        deny(world, api=deal.api, ip_range="127.0.0.0/8", invert=True)
        time.sleep(PROMISED_S)
        client.send("still here")
        assert client.recv(5) == "still here"
        assert deal.knock().status == 101


def test_a_policy_ends_by_itself(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    deny(world, api=deal.api, expires_at=timezone.now() + timedelta(seconds=2))
    until(lambda: deal.knock().status == 403, PROMISED_S)
    until(lambda: deal.knock().status == 101, 5)


def test_a_rest_write_holds_for_the_next_handshake(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    assert deal.knock().status == 101
    made = world.gateway.rest(world.people["adam"], "POST", "/deny-policies", {"application": str(deal.application.pk)})
    assert made.status_code == 201
    assert deal.knock().code == "denied"
    assert world.gateway.rest(world.people["adam"], "DELETE", f"/deny-policies/{made.json()['id']}").status_code == 204
    assert deal.knock().status == 101


def test_a_denied_client_cannot_tell_by_whom(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    policy = deny(world, application=deal.application, description="secret suspicion")
    until(lambda: deal.knock().status == 403, PROMISED_S)
    body = deal.knock().body.decode()
    assert str(policy.pk) not in body
    assert "suspicion" not in body
    assert not any("suspicion" in text for text in [Path(deal.gateway.log).read_text()])
