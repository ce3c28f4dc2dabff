"""A subscription that waits is none to the gateway; what an administrator decides holds at once, in every process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from apis.models import Approval, Subscription
from apis.services import approving, plans, subscribing
from tests.gateway.backends import Backend, until
from tests.gateway.world import Deal, GatewayProcess, World, closed
from wsportal.certificates import KeyPairFiles

PROMISED_S = 1.0  # CONTRACT section 4
MARGIN_S = 0.7  # two busy cores
CAREFUL: dict[str, Any] = {"limits": [], "approval": True}

Decide = Callable[[World, Approval, str], object]


@pytest.fixture(scope="module")
def other(
    world: World, database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A second gateway process on the same database."""
    process = GatewayProcess(database, certificate, tmp_path_factory.mktemp("other"))
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


def here(world: World, approval: Approval, decision: str) -> None:
    """adam decides over REST, in the gateway's own process."""
    answer = world.gateway.rest(
        world.people["adam"], "POST", f"/approvals/{approval.pk}/decide", {"decision": decision}
    )
    assert answer.is_success, answer.text


def elsewhere(world: World, approval: Approval, decision: str) -> None:
    """adam decides in a process that is no gateway."""
    approving.approval_decide(actor=world.actors["adam"], approval=approval, decision=decision)


def waiting(deal: Deal) -> Approval:
    return Approval.objects.get(subscription=deal.subscription, state="waiting")


def refused(deal: Deal) -> None:
    answer = deal.knock()
    assert (answer.status, answer.code) == (403, "subscription_required")


@pytest.mark.parametrize("decide", [here, elsewhere])
def test_a_client_comes_in_once_it_is_approved_in_every_process(
    world: World, backend: Backend, other: GatewayProcess, decide: Decide
) -> None:
    deal = world.deal(backend.url, plan=CAREFUL)
    assert deal.subscription.state == "on_hold"
    refused(deal)
    decide(world, waiting(deal), "approve")
    began = time.monotonic()
    if decide is here:
        assert deal.knock().status == 101  # the very next handshake
    at_other = Deal(other, deal.api, deal.application, deal.subscription, deal.token)
    for one in (deal, at_other):
        until(lambda one=one: one.knock().status == 101, PROMISED_S + MARGIN_S)  # type: ignore[misc]
    assert time.monotonic() - began < 2 * (PROMISED_S + MARGIN_S)
    with deal.connect() as client:
        client.send("in")
        assert client.recv(5) == "in"


def speak_on(client: ClientConnection) -> None:
    while True:
        client.send("x")
        client.recv(5)


def test_who_is_rejected_stays_outside(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, plan=CAREFUL)
    here(world, waiting(deal), "reject")
    refused(deal)
    answer = world.gateway.rest(world.people["pia"], "POST", f"/subscriptions/{deal.subscription.pk}/unblock")
    assert answer.status_code == 409
    refused(deal)


def test_a_ticket_is_no_way_round(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, plan=CAREFUL)
    answer = httpx.post(
        f"http://127.0.0.1:{world.gateway.portal}/api/v1/tickets",
        json={"api": str(deal.api.pk)}, headers={"Authorization": f"Bearer {deal.token}"}, timeout=30,
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (403, "subscription_required")


def test_a_plan_without_subscription_lets_in_who_waits_for_another(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, plan=CAREFUL)
    free = plans.business_plan_create(actor=world.actors["adam"], name="Free of all", subscriptionless=True)
    names = [*deal.api.business_plans.values_list("name", flat=True), free.name]
    answer = world.gateway.rest(world.people["pia"], "PATCH", f"/apis/{deal.api.pk}", {"business_plans": names})
    assert answer.is_success, answer.text
    assert deal.knock().status == 101


def test_live_sessions_go_on_under_the_old_plan_and_then_under_the_approved_one(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    small = plans.business_plan_create(
        actor=world.actors["adam"], name="Small", approval=True,
        limits=[{"kind": "events", "amount": 1, "per": "day", "direction": "in"}],
    )  # fmt: skip
    offered = {"business_plans": ["Unlimited", small.name]}
    assert world.gateway.rest(world.people["pia"], "PATCH", f"/apis/{deal.api.pk}", offered).is_success
    with deal.connect() as client:
        subscribing.subscription_change_plan(
            actor=world.actors["sam"], subscription=deal.subscription, business_plan=small.name
        )
        for _ in range(3):
            client.send("x")
            assert client.recv(5) == "x"
        here(world, waiting(deal), "approve")
        with pytest.raises(ConnectionClosed):
            speak_on(client)
        assert closed(client)[0] == 4429


def test_a_publisher_removes_a_subscription_and_its_clients_are_out(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    with deal.connect() as client:
        client.send("x")
        client.recv(5)
        began = time.monotonic()
        answer = world.gateway.rest(world.people["pia"], "DELETE", f"/subscriptions/{deal.subscription.pk}")
        assert answer.status_code == 204
        assert closed(client)[0] == 4403
        assert time.monotonic() - began < PROMISED_S + MARGIN_S
    refused(deal)


def test_the_last_use_of_a_subscription_is_known(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    assert deal.subscription.last_used_at is None
    with deal.connect() as client:
        client.send("x")
        client.recv(5)
        until(lambda: Subscription.objects.get(pk=deal.subscription.pk).last_used_at is not None, 15)
