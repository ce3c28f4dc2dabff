"""Moments of many sessions in one heap, and the live side of an endpoint."""

from __future__ import annotations

import pytest

from gateway.core.deadlines import SLACK, Deadlines
from gateway.core.endpoints import Endpoints, EndpointState
from gateway.core.rejections import Rejection
from gateway.core.snapshot import EndpointSnapshot, SuspensionPolicy
from gateway.core.suspension import CONNECT_FAILED, DIAL_ERRORS

POLICY = SuspensionPolicy(frozenset(DIAL_ERRORS), initial_s=30.0)


def endpoint(*urls: str, strategy: str = "failover", suspension: SuspensionPolicy = POLICY) -> EndpointSnapshot:
    return EndpointSnapshot(tuple((url, 1) for url in urls), strategy, suspension=suspension)


def test_moments_come_in_their_order_and_once() -> None:
    moments = Deadlines()
    for when, name in ((3.0, "c"), (1.0, "a"), (2.0, "b"), (9.0, "a")):
        moments.add(when, name)
    assert moments.next() == 1.0
    assert moments.due(2.0) == ["a", "b"]
    assert moments.due(2.0) == []
    assert moments.due(99.0) == ["c", "a"]
    assert moments.next() is None


def test_sessions_that_are_gone_leave_nothing_behind() -> None:
    moments = Deadlines()
    for number in range(SLACK + 10):
        moments.add(float(number), str(number))
    moments.tidy({"7", "9"})
    assert len(moments) == 2
    assert moments.due(99999.0) == ["7", "9"]


def test_a_url_that_fails_is_passed_over_and_its_sessions_are_not_forgotten() -> None:
    state = EndpointState(endpoint("ws://a", "ws://b"))
    first, second = state.urls
    assert [one.url for one in state.candidates(0.0)] == ["ws://a", "ws://b"]
    first.suspension.failed(CONNECT_FAILED, 0.0)
    assert [one.url for one in state.candidates(1.0)] == ["ws://b"]
    second.suspension.failed(CONNECT_FAILED, 6.5)
    with pytest.raises(Rejection) as caught:
        list(state.candidates(10.0))
    assert caught.value.code == "upstream_suspended"
    assert ("Retry-After", "20") in caught.value.headers


def test_a_changed_endpoint_keeps_what_is_known_of_urls_that_stay() -> None:
    endpoints = Endpoints()
    state = endpoints.of("api", "production", endpoint("ws://a", "ws://b"))
    assert endpoints.of("api", "production", endpoint("ws://a", "ws://b")) is state
    kept = state.urls[0]
    kept.sessions = 3
    kept.suspension.failed(CONNECT_FAILED, 0.0)
    changed = endpoints.of("api", "production", endpoint("ws://c", "ws://a"))
    assert changed.urls[1] is kept
    assert [one.url for one in changed.candidates(1.0)] == ["ws://c"]
    lenient = endpoints.of("api", "production", endpoint("ws://a", suspension=SuspensionPolicy()))
    assert [one.url for one in lenient.candidates(1.0)] == ["ws://a"]
    assert lenient.urls[0].sessions == 3


def test_the_fewest_sessions_win() -> None:
    state = EndpointState(endpoint("ws://a", "ws://b", strategy="least_sessions"))
    state.urls[0].sessions = 2
    assert next(iter(state.candidates(0.0))).url == "ws://b"
