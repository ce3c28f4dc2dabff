"""Live control is complete: every change that can concern a live session, made in one process, felt in two."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from apis.services import configuring, denying, designs, plans, publishing, subscribing
from tests.gateway.backends import Backend, until
from tests.gateway.test_live_control import CASES as CHANGES
from tests.gateway.test_live_control import by_rest
from tests.gateway.test_live_sessions import id_of, in_directory, known, row_of
from tests.gateway.world import Deal, GatewayProcess, World, closed
from wsportal.certificates import KeyPairFiles

PROMISED_S = 1.0  # CONTRACT section 4
MARGIN_S = 0.7  # two busy cores

Act = Callable[[World, Deal], object]


@pytest.fixture(scope="module")
def other(
    world: World, database: str, certificate: KeyPairFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A second gateway process on the same database."""
    process = GatewayProcess(database, certificate, tmp_path_factory.mktemp("other"))
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="module")
def second() -> Iterator[Backend]:
    """Where an endpoint moves to."""
    made = Backend()
    yield made
    made.stop()


def deny(world: World, deal: Deal) -> None:
    denying.deny_policy_create(actor=world.actors["adam"], application=deal.application)


def close_by_rest(world: World, deal: Deal) -> None:
    by_rest("pia", "POST", "/sessions/close", {"api": str(deal.api.pk), "code": 4000})(world, deal)


def redeploy(world: World, deal: Deal) -> None:
    revision = publishing.revision_create(actor=world.actors["paul"], api=deal.api)
    publishing.revision_deploy(actor=world.actors["paul"], revision=revision)


def move(second: Backend) -> Act:
    def act(world: World, deal: Deal) -> None:
        world.configure(deal.api, {"urls": [{"url": second.url}]})

    return act


def change_description(world: World, deal: Deal) -> None:
    subscribing.application_update(actor=world.actors["sam"], application=deal.application, description="new words")


def add_a_url(second: Backend) -> Act:
    def act(world: World, deal: Deal) -> None:
        urls = [one["url"] for one in deal.api.endpoints.get(key_type="production").config["urls"]]
        world.configure(deal.api, {"urls": [{"url": url} for url in [*urls, second.url]]})

    return act


def describe_plan(world: World, deal: Deal) -> None:
    plans.business_plan_update(
        actor=world.actors["adam"], plan=deal.subscription.business_plan, description="as it was"
    )


# The change, and the code with which the sessions that it concerns end; None for those that nobody may feel.
CLOSING: dict[str, tuple[Act, int]] = {
    **{case: (act, code) for case, (act, code, _) in CHANGES.items() if "elsewhere" in case or "SQL" in case},
    "a deny policy is made": (deny, 4403),
    "a publisher closes them": (close_by_rest, 4000),
}
HARMLESS: dict[str, Act] = {
    "the same design is deployed again": redeploy,
    "the application is described anew": change_description,
    "the plan is described anew": describe_plan,
}


def ends_within_a_second(clients: list[ClientConnection], code: int, began: float) -> None:
    assert [closed(client)[0] for client in clients] == [code] * len(clients)
    assert time.monotonic() - began < PROMISED_S + MARGIN_S


def goes_on(*clients: ClientConnection) -> None:
    for client in clients:
        client.send("still here")
        assert client.recv(5) == "still here"


@pytest.mark.parametrize("case", CLOSING)
def test_a_change_is_felt_in_every_process_by_those_whom_it_concerns(
    world: World, backend: Backend, other: GatewayProcess, case: str
) -> None:
    act, code = CLOSING[case]
    deal, bystanders = world.deal(backend.url), world.deal(backend.url)
    known(other, deal, bystanders)
    with (
        deal.connect() as here,
        deal.connect(gateway=other) as there,
        bystanders.connect() as one,
        bystanders.connect(gateway=other) as two,
    ):
        in_directory(here, there)
        act(world, deal)
        ends_within_a_second([here, there], code, time.monotonic())
        goes_on(one, two)


@pytest.mark.parametrize("case", HARMLESS)
def test_a_change_that_takes_nothing_away_is_felt_by_nobody(
    world: World, backend: Backend, other: GatewayProcess, case: str
) -> None:
    deal = world.deal(backend.url, plan={})
    known(other, deal)
    with deal.connect() as here, deal.connect(gateway=other) as there:
        HARMLESS[case](world, deal)
        time.sleep(PROMISED_S)
        goes_on(here, there)


def test_an_endpoint_that_moves_takes_its_sessions_along_and_one_more_url_does_not(
    world: World, backend: Backend, second: Backend, other: GatewayProcess
) -> None:
    deal = world.deal(backend.url)
    known(other, deal)
    with deal.connect() as here, deal.connect(gateway=other) as there:
        add_a_url(second)(world, deal)
        time.sleep(PROMISED_S)
        goes_on(here, there)
        move(second)(world, deal)
        ends_within_a_second([here, there], 1012, time.monotonic())


def test_one_key_type_less_closes_its_sessions_only(world: World, backend: Backend, other: GatewayProcess) -> None:
    deal = world.deal(backend.url)
    known(other, deal)
    sandbox = world.token(deal, "sandbox")
    with deal.connect(gateway=other) as production, deal.connect(gateway=other, token=sandbox) as testing:
        subscribing.subscription_block(actor=world.actors["paul"], subscription=deal.subscription, what="production")
        ends_within_a_second([production], 4403, time.monotonic())
        goes_on(testing)


@pytest.mark.parametrize("how", ["the subscription moves to another plan", "the plan itself is changed"])
def test_a_smaller_plan_counts_for_live_sessions_without_a_reconnect(
    world: World, backend: Backend, other: GatewayProcess, how: str
) -> None:
    adam, paul, sam = (world.actors[name] for name in ("adam", "paul", "sam"))
    deal = world.deal(backend.url, plan={})
    limits = [{"kind": "events", "amount": 4, "per": "day", "direction": "in"}]
    known(other, deal)
    with deal.connect(gateway=other) as client:
        for _ in range(6):
            goes_on(client)
        if how.startswith("the plan"):
            plans.business_plan_update(actor=adam, plan=deal.subscription.business_plan, limits=limits)
        else:
            small = plans.business_plan_create(actor=adam, name=f"Small {deal.api.pk}"[:50], limits=limits)
            offered = [deal.subscription.business_plan.name, small.name]
            designs.api_update(actor=paul, api=deal.api, business_plans=offered)
            subscribing.subscription_change_plan(actor=sam, subscription=deal.subscription, business_plan=small.name)
        time.sleep(PROMISED_S)
        code, reason = _spend(client)
    assert (code, reason["code"]) == (4429, "quota_exceeded")


def _spend(client: ClientConnection) -> tuple[int, dict[str, Any]]:
    """Say one thing after another until the plan is spent."""
    for _ in range(20):
        with suppress(ConnectionClosed):
            client.send("x")
    return closed(client)


def test_a_larger_plan_lets_a_held_session_go_on_without_a_reconnect(
    world: World, backend: Backend, other: GatewayProcess
) -> None:
    limits = [{"kind": "events", "amount": 3, "per": "day", "direction": "in"}]
    deal = world.deal(backend.url, plan={"limits": limits, "on_spent": "hold"})
    known(other, deal)
    with deal.connect(gateway=other, compression=None) as client:
        for _ in range(3):
            goes_on(client)
        client.send("held")
        with pytest.raises(TimeoutError):
            client.recv(0.5)
        plans.business_plan_update(actor=world.actors["adam"], plan=deal.subscription.business_plan, limits=[])
        assert client.recv(PROMISED_S + MARGIN_S) == "held"
        for _ in range(5):
            goes_on(client)


def test_runtime_limits_count_for_live_sessions_at_once(world: World, backend: Backend, other: GatewayProcess) -> None:
    deal = world.deal(backend.url)
    known(other, deal)
    with deal.connect(gateway=other, compression=None, ping_interval=None) as client:
        goes_on(client)
        configuring.runtime_configure(actor=world.actors["paul"], api=deal.api, limits={"max_message_bytes": 200})
        time.sleep(PROMISED_S)
        client.send("x" * 201)
        assert closed(client)[0] == 1009


def test_a_ticket_is_renewed_under_the_id_that_it_was_answered_with(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    bearer = {"Authorization": f"Bearer {deal.token}"}
    portal = f"http://127.0.0.1:{world.gateway.portal}/api/v1"
    made = httpx.post(f"{portal}/tickets", json={"api": str(deal.api.pk)}, headers=bearer, timeout=10)
    assert made.status_code == 201, made.text
    url = world.gateway.url(f"{deal.path}?ticket={made.json()['ticket']}")
    fresh = world.token(deal)
    with connect(url, proxy=None) as client:
        assert id_of(client) == made.json()["connection_id"]
        path = f"{portal}/connections/{made.json()['connection_id']}/token"
        answer = httpx.put(path, headers={"Authorization": f"Bearer {fresh}"}, timeout=10)
        assert answer.status_code == 200, answer.text
        row_of(deal.token).revoke()
        time.sleep(PROMISED_S)
        goes_on(client)
    until(lambda: world.gateway.health()["sessions"] == 0, 5)
