"""Somebody who has come in many times with one head is let in by what is remembered of it: not a moment too long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken

from apis.services import denying
from tests.gateway.backends import Backend, until
from tests.gateway.test_credentials import secure
from tests.gateway.test_live_control import CASES
from tests.gateway.world import Deal, World

OFTEN = 5  # from the third time on a head is known, from the fourth what it came to


def come_often(deal: Deal) -> None:
    for _ in range(OFTEN):
        assert deal.knock().status == 101


@pytest.mark.parametrize("case", CASES)
def test_a_change_refuses_who_came_often(world: World, backend: Backend, case: str) -> None:
    act, _, status = CASES[case]
    deal = world.deal(backend.url)
    come_often(deal)
    act(world, deal)
    until(lambda: deal.knock().status == status, 2)
    assert [deal.knock().status for _ in range(3)] == [status] * 3


def test_a_policy_denies_who_came_often_until_it_is_taken_back(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    come_often(deal)
    policy = denying.deny_policy_create(actor=world.actors["adam"], ip="127.0.0.1", api=deal.api)
    try:
        until(lambda: deal.knock().status == 403, 2)
        assert deal.knock().code == "denied"
    finally:
        denying.deny_policy_delete(actor=world.actors["adam"], policy=policy)
    until(lambda: deal.knock().status == 101, 2)


def test_a_token_that_expires_lets_nobody_in_who_came_often(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    rows = AccessToken.objects.filter(application__key_pair__application=deal.application)
    rows.update(expires=timezone.now() + timedelta(seconds=3))
    come_often(deal)
    until(lambda: deal.knock().status == 401, 5)
    assert deal.knock().code == "invalid_token"


def test_plans_count_who_came_often(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url, plan={"limits": [{"kind": "handshakes", "amount": OFTEN + 1, "per": "day"}]})
    come_often(deal)
    assert [deal.knock().status for _ in range(3)] == [101, 429, 429]


def test_the_backend_is_told_the_same_each_time_but_for_key_and_id(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    seen = []
    for _ in range(OFTEN):
        with deal.connect("/rooms/7", additional_headers={"Origin": "https://app.example"}) as client:
            client.send("hello")
            assert client.recv(5) == "hello"
        seen.append(backend.requests[-1])
    facts = [
        (one.path, [pair for pair in one.headers.raw_items() if pair[0] not in {"x-request-id", "Sec-WebSocket-Key"}])
        for one in seen
    ]
    assert facts == facts[:1] * OFTEN
    assert len({one.headers["X-Request-ID"] for one in seen}) == OFTEN
    assert len({one.headers["Sec-WebSocket-Key"] for one in seen}) == OFTEN
    assert all("Authorization" not in one.headers for one in seen)


def test_an_api_takes_new_origins_while_somebody_comes_often(world: World, backend: Backend) -> None:
    deal = world.deal(backend.url)
    page = {"Origin": "https://app.example"}
    for _ in range(OFTEN):
        assert deal.knock(**page).status == 101
    secure(world, deal.api, origins=["https://new.example"])
    until(lambda: deal.knock(**page).status == 403, 2)
    assert deal.knock(**page).code == "origin_not_allowed"
