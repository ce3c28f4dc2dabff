"""A failing URL is left alone for a while; one probe finds out when it is back."""

from __future__ import annotations

import pytest

from apis.shapes_endpoint import SUSPENSION_ERRORS
from gateway.core.snapshot import SuspensionPolicy
from gateway.core.suspension import CONNECT_FAILED, DIAL_ERRORS, SERVER_ERROR, Suspension

ALL = frozenset(DIAL_ERRORS)


def policy(**changes: object) -> SuspensionPolicy:
    values: dict = {"errors": ALL, "initial_s": 30.0, "max_s": 300.0, "factor": 2.0, **changes}
    return SuspensionPolicy(**values)


def test_the_errors_that_can_be_configured_are_those_that_are_counted() -> None:
    assert set(SUSPENSION_ERRORS) == DIAL_ERRORS


def test_pauses_grow_by_the_factor_up_to_the_longest() -> None:
    url, now = Suspension(policy()), 1000.0
    for pause in (30, 60, 120, 240, 300, 300):
        assert url.may_try(now)
        url.failed(CONNECT_FAILED, now)
        assert url.wait_s(now) == pause
        assert not url.may_try(now + pause - 0.001)
        now += pause


def test_the_first_handshake_after_a_pause_is_the_probe_and_the_others_wait_for_its_answer() -> None:
    url = Suspension(policy())
    url.failed(CONNECT_FAILED, 0.0)
    assert url.may_try(30.0)
    assert not url.may_try(30.0)
    assert not url.may_try(99.0)
    url.succeeded()
    assert url.may_try(99.0)
    assert url.may_try(99.0)


def test_a_probe_whose_client_left_makes_room_for_the_next() -> None:
    url = Suspension(policy())
    url.failed(CONNECT_FAILED, 0.0)
    assert url.may_try(30.0)
    url.abandoned()
    assert url.may_try(31.0)


def test_success_forgets_the_growth() -> None:
    url = Suspension(policy())
    url.failed(CONNECT_FAILED, 0.0)
    url.may_try(30.0)
    url.failed(CONNECT_FAILED, 30.0)
    assert url.wait_s(30.0) == 60
    url.may_try(90.0)
    url.succeeded()
    url.failed(CONNECT_FAILED, 100.0)
    assert url.wait_s(100.0) == 30


def test_dials_that_fail_together_are_one_failure() -> None:
    url = Suspension(policy(factor=10.0))
    for _ in range(20):
        assert url.may_try(0.0)
    for moment in range(20):
        url.failed(CONNECT_FAILED, moment / 10)
    assert url.paused_until == 30.0


@pytest.mark.parametrize("retries", [1, 3])
def test_forgiven_failures_come_before_a_pause(retries: int) -> None:
    url = Suspension(policy(retries=retries))
    for moment in range(retries):
        url.failed(CONNECT_FAILED, float(moment))
        assert url.may_try(float(moment))
    url.failed(CONNECT_FAILED, 9.0)
    assert url.wait_s(9.0) == 30


def test_a_retry_delay_leaves_the_url_alone_for_that_long() -> None:
    url = Suspension(policy(retries=1, retry_delay_s=2.0))
    url.failed(CONNECT_FAILED, 0.0)
    assert not url.may_try(1.9)
    assert url.may_try(2.0)
    url.failed(CONNECT_FAILED, 2.0)
    assert url.wait_s(2.0) == 30


@pytest.mark.parametrize(
    "changes", [{"initial_s": 0.0}, {"errors": frozenset()}, {"errors": frozenset({SERVER_ERROR})}]
)
def test_an_error_that_does_not_count_suspends_nothing(changes: dict) -> None:
    url = Suspension(policy(**changes))
    for moment in range(10):
        url.failed(CONNECT_FAILED, float(moment))
        assert url.may_try(float(moment))


def test_a_probe_that_ends_in_an_uncounted_error_brings_the_url_back() -> None:
    url = Suspension(policy(errors=frozenset({CONNECT_FAILED})))
    url.failed(CONNECT_FAILED, 0.0)
    assert url.may_try(30.0)
    url.failed(SERVER_ERROR, 30.0)
    assert url.may_try(30.0)
    assert url.may_try(30.0)
