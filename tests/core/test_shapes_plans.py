"""What plans may hold beyond their limits: conditions, keys, permissions, attributes and money."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from typing import Any

import pytest

from apis.shapes import limits
from apis.shapes_plans import (
    KEY_VARIABLES,
    attributes,
    condition,
    groups,
    key_problem,
    money,
    pattern_problem,
    permission,
    permits,
)
from gateway.core.conditions import SEARCHED

IP = {"type": "ip", "value": "10.0.0.0/8"}
EVENTS = {"kind": "events", "amount": 1, "per": "minute"}

CONDITIONS: list[tuple[Any, set[str]]] = [
    (IP, set()),
    ({"type": "ip", "value": "2001:db8::1", "invert": True}, set()),
    ({"type": "ip", "value": "10.0.0.1/8"}, {"value"}),
    ({"type": "ip", "value": "/10/"}, {"value"}),
    ({"type": "ip", "name": "x", "value": "10.0.0.1"}, {"name"}),
    ({"type": "header", "name": "X-Site", "value": "office"}, set()),
    ({"type": "header", "name": "X Site", "value": "office"}, {"name"}),
    ({"type": "header", "name": "Authorization", "value": "/x/"}, {"name"}),
    ({"type": "header", "name": "cookie", "value": "/x/"}, {"name"}),
    ({"type": "header", "value": "office"}, {"name"}),
    ({"type": "query", "name": "a b", "value": "/^[a-z]+$/"}, set()),
    ({"type": "query", "name": "a", "value": "/[/"}, {"value"}),
    ({"type": "claim", "name": "tier", "value": ""}, {"value"}),
    ({"type": "claim", "name": "tier", "value": "x" * 201}, {"value"}),
    ({"type": "claim", "name": "tier", "value": 7}, {"value"}),
    ({"type": "moon", "name": "tier", "value": "7"}, {"type"}),
    ({"type": ["ip"], "value": "10.0.0.1"}, {"type"}),
    ({**IP, "invert": "yes"}, {"invert"}),
    ({**IP, "colour": 1}, {"colour"}),
    ("ip", {""}),
]


@pytest.mark.parametrize(("value", "wrong"), CONDITIONS)
def test_a_condition_is_checked_member_by_member(value: Any, wrong: set[str]) -> None:
    assert set(condition(value)[1]) == wrong


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)*b", "a*b*c*d*", "(a", "a{2,1}", r"(\w+){9}"])
def test_a_pattern_that_may_take_for_ever_is_none(pattern: str) -> None:
    assert pattern_problem(pattern)


@pytest.mark.parametrize(
    "pattern", [r"^Mozilla/5\.0 .*(Android|iPhone).*", r"\(a\)\*\+\?", "[*+?{]+", "(?:a|b)c", "^$"]
)
def test_patterns_that_people_write_are_taken_and_quick(pattern: str) -> None:
    assert not pattern_problem(pattern)
    began = time.perf_counter()
    re.search(pattern, "a" * SEARCHED)
    assert time.perf_counter() - began < 1


GROUPS: list[tuple[Any, set[str]]] = [
    ([], set()),
    ([{"name": "a", "conditions": [IP]}], set()),
    ([{"name": "a", "conditions": [IP], "limits": [EVENTS]}, {"name": "a", "conditions": [IP]}], {"1/name"}),
    ([{"name": "a", "conditions": []}], {"0/conditions"}),
    ([{"name": "a", "conditions": [IP, {**IP, "value": "x"}]}], {"0/conditions/1/value"}),
    ([{"name": "a", "conditions": [IP], "limits": [{**EVENTS, "amount": 0}]}], {"0/limits/0/amount"}),
    ([{"name": "a/b", "conditions": [IP], "more": 1}], {"0/name", "0/more"}),
    ([7], {"0"}),
    ({}, {""}),
    ([{"name": str(n), "conditions": [IP]} for n in range(11)], {""}),
]


@pytest.mark.parametrize(("value", "wrong"), GROUPS)
def test_groups_say_where_they_are_wrong(value: Any, wrong: set[str]) -> None:
    assert set(groups(value)[1]) == wrong


def test_a_key_names_what_there_is_once_each() -> None:
    assert not key_problem(":".join(f"{{{name}}}" for name in KEY_VARIABLES))
    for wrong in ("", "user", "{user}:", "{user}:{user}", "{user}{api}", "{moon}", "{user}:x", 7, None):
        assert key_problem(wrong), wrong


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"mode": "none", "roles": []}, set()),
        ({"mode": "allow", "roles": ["subscriber"]}, set()),
        ({"mode": "deny", "roles": ["creator", "publisher"]}, set()),
        ({}, set()),
        ({"mode": "allow"}, {"roles"}),
        ({"mode": "none", "roles": ["creator"]}, {"roles"}),
        ({"mode": "deny", "roles": ["king"]}, {"roles"}),
        ({"mode": "maybe"}, {"mode"}),
        ({"who": 1}, {""}),
        ([], {""}),
    ],
)
def test_a_permission_names_roles_that_there_are(value: Any, wrong: set[str]) -> None:
    assert set(permission(value)[1]) == wrong


def test_who_may_subscribe_goes_by_roles() -> None:
    rules = {mode: {"mode": mode, "roles": ["creator"]} for mode in ("allow", "deny")}
    assert permits({"mode": "none", "roles": []}, set())
    assert (permits(rules["allow"], {"creator", "subscriber"}), permits(rules["allow"], {"subscriber"})) == (
        True,
        False,
    )
    assert (permits(rules["deny"], {"creator", "subscriber"}), permits(rules["deny"], set())) == (False, True)


def test_attributes_take_no_claim_that_means_something_already() -> None:
    assert attributes({"tier": "gold", "x:y/z": ""}) == ({"tier": "gold", "x:y/z": ""}, {})
    for wrong in (
        {"sub": "eve"},
        {"7": "x"},
        {"a": 7},
        {"a": "x" * 201},
        {"a": "\n"},
        [],
        {str(n): "" for n in range(21)},
    ):
        assert attributes(wrong)[1], wrong


def test_money_loses_nothing() -> None:
    check = money(2)
    for value in (0, "0", 9.9, "9.90", "1e2", 10**7):
        amount, problems = check(value)
        assert amount == Decimal(str(value))
        assert not problems
    assert check(None) == (None, {})
    for value in (-1, "1.234", 1.234, "much", "", True, [], {}, "NaN", "1e999999999", 10**40, float("inf")):
        assert check(value)[1], value


def test_connection_time_has_no_direction() -> None:
    assert not limits([{"kind": "seconds", "amount": 60, "per": "day"}])[1]
    assert set(limits([{"kind": "seconds", "amount": 60, "per": "day", "direction": "in"}])[1]) == {"0/direction"}
