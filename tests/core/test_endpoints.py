"""The live side of an endpoint: URLs that fail are left alone and found again, whatever the strategy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from gateway.core.endpoints import Endpoints, EndpointState
from gateway.core.extras import Dynamic
from gateway.core.rejections import Rejection
from gateway.core.snapshot import EndpointSnapshot, SuspensionPolicy
from gateway.core.suspension import CONNECT_FAILED, DIAL_ERRORS

A, B, C = "ws://a", "ws://b", "ws://c"
POLICY = SuspensionPolicy(errors=DIAL_ERRORS, initial_s=10, max_s=40, factor=2)


def endpoint(strategy: str, *weights: int, dynamic: Dynamic | None = None) -> EndpointState:
    urls = tuple(zip((A, B, C), weights or (1, 1, 1), strict=False))
    return EndpointState(EndpointSnapshot(urls, strategy, suspension=POLICY, dynamic=dynamic))


def handshake(state: EndpointState, now: float, down: set[str]) -> str:
    """One handshake, as the dialler does it; the URL that took it, or "" where all failed."""
    for url in state.candidates(now):
        if url.url not in down:
            url.suspension.succeeded()
            url.sessions += 1
            return url.url
        url.suspension.failed(CONNECT_FAILED, now)
    return ""


@pytest.mark.parametrize("strategy", ["round_robin", "failover", "least_sessions", "weighted"])
def test_while_a_url_is_down_nobody_is_lost_and_afterwards_it_has_its_share_again(strategy: str) -> None:
    state = endpoint(strategy, 3, 2, 1)
    before = Counter(handshake(state, 0, set()) for _ in range(60))
    assert A in before
    during = Counter(handshake(state, 1, {A}) for _ in range(60))
    assert A not in during
    assert "" not in during
    after = Counter(handshake(state, 100, set()) for _ in range(60))
    assert A in after
    assert "" not in after


def test_shares_are_by_weight_again_once_a_url_is_back() -> None:
    state = endpoint("weighted", 3, 2, 1)
    for now in range(30):
        handshake(state, now, {A})
    assert Counter(handshake(state, 100, set()) for _ in range(60)) == {A: 30, B: 20, C: 10}


def test_a_url_is_half_open_after_its_pause_one_probe_goes_and_the_others_stay_away() -> None:
    state = endpoint("failover")
    assert handshake(state, 0, {A}) == B
    assert [url.url for url in state.candidates(9.9)] == [B, C]
    probe = next(state.candidates(10))
    assert (probe.url, probe.suspension.state(10)) == (A, "probing")
    assert [url.url for url in state.candidates(10)] == [B, C]
    probe.suspension.failed(CONNECT_FAILED, 11)
    assert probe.suspension.state(12) == "suspended"
    assert [url.url for url in state.candidates(30)] == [B, C]  # the second pause is twice as long
    again = next(state.candidates(31))
    again.suspension.succeeded()
    assert again.suspension.state(31) == "active"
    assert next(state.candidates(31)).url == A


def test_a_probe_that_is_given_up_makes_room_for_another() -> None:
    state = endpoint("failover")
    handshake(state, 0, {A})
    next(state.candidates(10)).suspension.abandoned()
    assert next(state.candidates(10)).url == A


def test_with_all_of_them_down_the_answer_says_when_the_first_may_be_back() -> None:
    state = endpoint("round_robin")
    assert handshake(state, 0, {A, B, C}) == ""
    with pytest.raises(Rejection) as refused:
        list(state.candidates(4))
    assert refused.value.code == "upstream_suspended"
    assert dict(refused.value.headers)["Retry-After"] == "6"


BY_TENANT = Dynamic("header", "X-Tenant", (("blue", C), ("red", B), ("also red", B)))


def test_a_chosen_target_is_dialled_alone_and_has_a_suspension_of_its_own() -> None:
    state = EndpointState(EndpointSnapshot(((A, 1), (B, 1)), suspension=POLICY, dynamic=BY_TENANT))
    assert [url.url for url in state.candidates(0, C)] == [C]
    next(state.candidates(0, C)).suspension.failed(CONNECT_FAILED, 0)
    with pytest.raises(Rejection) as refused:
        list(state.candidates(1, C))
    assert refused.value.code == "upstream_suspended"
    assert [url.url for url in state.candidates(1)] == [A, B]
    assert next(state.candidates(1, B)) is state.urls[1]  # a URL has one state, however it is reached
    assert [url.url for url in state.all()] == [A, B, C]


def test_health_tells_the_state_of_every_url_and_what_counted_against_it() -> None:
    endpoints = Endpoints()
    config = EndpointSnapshot(((A, 1), (B, 1)), "failover", suspension=POLICY)
    state = endpoints.of("api", "production", config)
    first = next(state.candidates(5))
    first.suspension.failed(CONNECT_FAILED, 5)
    first.error = CONNECT_FAILED
    state.urls[1].sessions = 3
    a, b = endpoints.health(6)
    assert (a.api_id, a.key_type, a.url, a.state, a.failures, a.paused_until, a.error) == (
        "api", "production", A, "suspended", 1, 15, CONNECT_FAILED
    )  # fmt: skip
    assert (b.state, b.failures, b.sessions, b.error) == ("active", 0, 3, "")
    assert endpoints.health(15)[0].state == "probing"


def test_a_changed_endpoint_keeps_what_is_known_of_urls_that_stay() -> None:
    endpoints = Endpoints()
    config = EndpointSnapshot(((A, 1), (B, 1)), "failover", suspension=POLICY)
    handshake(endpoints.of("api", "production", config), 0, {A})
    changed = replace(config, urls=((A, 1), (C, 1)))
    assert [url.url for url in endpoints.of("api", "production", changed).candidates(1)] == [C]
    assert changed.leads_to(A)
    assert not changed.leads_to(B)
    assert replace(changed, dynamic=BY_TENANT).leads_to(B)
