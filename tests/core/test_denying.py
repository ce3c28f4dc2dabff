"""Deny policies, compiled: everything that is set must be met, and nothing else is asked."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.denying import NOBODY, DenyList, DenyRule, address_of
from gateway.core.selection import Selection

SAM = {"api_id": "chat", "application_id": "phone", "end_user": "sam", "client": "192.0.2.7"}
NOW = 1_800_000_000.0


def span(low: str, high: str = "", **more: Any) -> dict[str, Any]:
    return {"low": address_of(low), "high": address_of(high or low), **more}


CASES: list[tuple[dict[str, Any], bool]] = [
    ({"api_id": "chat"}, True),
    ({"api_id": "other"}, False),
    ({"application_id": "phone"}, True),
    ({"application_id": "other"}, False),
    ({"end_user": "sam"}, True),
    ({"end_user": "eve"}, False),
    ({"api_id": "chat", "application_id": "phone", "end_user": "sam"}, True),
    ({"api_id": "chat", "end_user": "eve"}, False),
    (span("192.0.2.7"), True),
    (span("192.0.2.8"), False),
    (span("192.0.2.7", api_id="other"), False),
    (span("192.0.2.0", "192.0.2.7"), True),
    (span("192.0.2.7", "192.0.2.255"), True),
    (span("192.0.2.8", "192.0.2.255"), False),
    (span("192.0.2.0", "192.0.2.255", invert=True), False),
    (span("10.0.0.0", "10.255.255.255", invert=True), True),
    (span("192.0.2.7", invert=True), False),
    (span("192.0.2.8", invert=True, api_id="chat"), True),
    (span("2001:db8::", "2001:db8::ffff"), False),
    (span("2001:db8::", "2001:db8::ffff", invert=True), True),
    ({"api_id": "chat", "expires_at": NOW + 1}, True),
    ({"api_id": "chat", "expires_at": NOW}, False),
    ({"api_id": "chat", "expires_at": NOW - 1}, False),
]


@pytest.mark.parametrize(("conditions", "denied"), CASES)
def test_a_policy_meets_sam_or_not(conditions: dict[str, Any], denied: bool) -> None:
    rule = DenyRule("p", **conditions)
    assert (DenyList.of([rule]).find(**SAM, now=NOW) is rule) == denied


def test_one_of_many_is_enough_and_none_costs_nothing() -> None:
    rules = [DenyRule(str(n), end_user=f"person {n}") for n in range(1000)] + [DenyRule("me", application_id="phone")]
    found = DenyList.of(rules).find(**SAM, now=NOW)
    assert found is not None
    assert found.policy_id == "me"
    assert NOBODY.find(**SAM, now=NOW) is None


@pytest.mark.parametrize("client", ["::ffff:192.0.2.7", "192.0.2.7"])
def test_ipv4_in_ipv6_is_the_same_client(client: str) -> None:
    rule = DenyRule("p", **span("192.0.2.7"))
    assert DenyList.of([rule]).find("chat", "phone", "sam", client, NOW)


@pytest.mark.parametrize("client", ["", "unix:", "not an address", "fe80::1%eth0"])
def test_a_client_without_a_usable_address_is_met_by_no_exact_address(client: str) -> None:
    assert DenyList.of([DenyRule("p", **span("192.0.2.7"))]).find("chat", "phone", "sam", client, NOW) is None


def test_a_selection_says_the_same_after_its_journey_as_json() -> None:
    for which in (
        Selection(session="1"),
        Selection(api="a", key_type="sandbox", apis=frozenset({"a"}), applications=frozenset()),
        Selection(client="192.0.2.7"),
    ):
        assert Selection.from_json(which.as_json()) == which
