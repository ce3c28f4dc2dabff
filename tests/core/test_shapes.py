"""The nested things that carol and adam configure: limits of plans, and of an API's sessions."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.shapes import (
    DEFAULT_RUNTIME,
    RUNTIME_CHECKS,
    burst,
    default_runtime,
    limits,
    runtime_limits,
    runtime_of,
    whole,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_any_json_gets_an_answer_and_never_an_exception(value: Any) -> None:
    for check in (limits, burst):
        _, problems = check(value)
        assert all(isinstance(path, str) and text for path, text in problems.items())


EVENTS = {"kind": "events", "amount": 10, "per": "minute"}


def test_a_limit_counts_both_directions_unless_told() -> None:
    assert limits([EVENTS]) == ([{**EVENTS, "direction": "both"}], {})
    assert limits([]) == ([], {})


def test_limits_of_different_kind_period_or_direction_stand_side_by_side() -> None:
    rows = [
        {**EVENTS, "direction": "in"},
        {**EVENTS, "direction": "out"},
        {**EVENTS, "per": "day", "direction": "in"},
        {"kind": "bytes", "amount": 2**53 - 1, "per": "year", "direction": "both"},
        {"kind": "handshakes", "amount": 1, "per": "second", "direction": "both"},
    ]
    assert limits(copy.deepcopy(rows)) == (rows, {})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (None, ""),
        ({}, ""),
        ([EVENTS] * 11, ""),
        ([EVENTS, dict(EVENTS, amount=11)], ""),
        (["x"], "0"),
        ([{**EVENTS, "kind": "frames"}], "0/kind"),
        ([{**EVENTS, "kind": None}], "0/kind"),
        ([{**EVENTS, "amount": 0}], "0/amount"),
        ([{**EVENTS, "amount": -5}], "0/amount"),
        ([{**EVENTS, "amount": 2**53}], "0/amount"),
        ([{**EVENTS, "amount": 1.0}], "0/amount"),
        ([{**EVENTS, "amount": "10"}], "0/amount"),
        ([{"kind": "events", "per": "day"}], "0/amount"),
        ([{**EVENTS, "per": "week"}], "0/per"),
        ([{**EVENTS, "direction": "up"}], "0/direction"),
        ([{**EVENTS, "kind": "handshakes", "direction": "in"}], "0/direction"),
        ([EVENTS, {**EVENTS, "per": "day", "unit": "k"}], "1/unit"),
    ],
)
def test_bad_limits_are_named_by_row_and_field(value: Any, path: str) -> None:
    _, problems = limits(value)
    assert list(problems) == [path]


@pytest.mark.parametrize("value", [None, {"amount": 5, "per": "second"}, {"amount": 1, "per": "minute"}])
def test_good_bursts(value: Any) -> None:
    assert burst(value) == (value, {})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], ""),
        ({}, ""),
        ({"amount": 5}, ""),
        ({"amount": 5, "per": "second", "x": 1}, ""),
        ({"amount": 0, "per": "second"}, "amount"),
        ({"amount": 5, "per": "hour"}, "per"),
    ],
)
def test_bad_bursts(value: Any, path: str) -> None:
    assert list(burst(value)[1]) == [path]


def test_a_whole_number_is_no_boolean_no_text_and_no_fraction() -> None:
    check = whole(1, 10)
    assert [check(value) == "" for value in (1, 10, 0, 11, True, "5", 5.0, None)] == [True, True] + [False] * 6


# What an API asks of every session --------------------------------------------------------------------------------

STRICT = {
    "max_message_bytes": 125,
    "max_session_s": 31_622_400,
    "idle_s": 86_400,
    "keepalive_s": 5,
    "slow_consumer_s": 1,
    "max_sessions": 1,
    "max_sessions_per_application": 1_000_000,
    "max_sessions_per_ip": 3,
}


def test_an_api_asks_nothing_of_a_session_unless_told() -> None:
    assert runtime_limits({}) == (DEFAULT_RUNTIME, {})
    assert DEFAULT_RUNTIME == {
        "max_message_bytes": None,
        "max_session_s": None,
        "idle_s": 0,
        "keepalive_s": 0,
        "slow_consumer_s": 60,
        "max_sessions": None,
        "max_sessions_per_application": None,
        "max_sessions_per_ip": None,
    }


def test_complete_runtime_limits_come_back_as_they_are_and_what_is_left_out_is_filled_in() -> None:
    assert runtime_limits(dict(STRICT)) == (STRICT, {})
    full, problems = runtime_limits({"idle_s": 30})
    assert (full, problems) == ({**DEFAULT_RUNTIME, "idle_s": 30}, {})
    full["idle_s"] = 5
    default_runtime()["max_sessions"] = 5
    assert (DEFAULT_RUNTIME["idle_s"], DEFAULT_RUNTIME["max_sessions"]) == (0, None)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("max_message_bytes", [None, 125, 67_108_864], [0, 124, 67_108_865]),
        ("max_session_s", [None, 1, 31_622_400], [0, 31_622_401]),
        ("idle_s", [0, 86_400], [None, -1, 86_401]),
        ("keepalive_s", [0, 5, 3_600], [None, -1, 1, 4, 3_601]),
        ("slow_consumer_s", [1, 3_600], [None, 0, 3_601]),
        ("max_sessions", [None, 1, 1_000_000], [0, 1_000_001]),
        ("max_sessions_per_application", [None, 1], [0, -1]),
        ("max_sessions_per_ip", [None, 1], [0, -1]),
    ],
)
def test_each_runtime_limit_has_its_bounds(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert runtime_limits({name: value}) == ({**DEFAULT_RUNTIME, name: value}, {})
    for value in [*bad, True, False, 7.0, "7", [7], {}]:
        assert list(runtime_limits({name: value})[1]) == [name], value


def test_what_is_no_runtime_limit_is_named() -> None:
    assert list(runtime_limits({"naps": 1, "idle_s": -1})[1]) == ["naps", "idle_s"]
    for value in (None, [], "idle_s", 7):
        assert runtime_limits(value) == (DEFAULT_RUNTIME, {"": "This should be an object."})


@given(st.dictionaries(st.sampled_from([*RUNTIME_CHECKS, "naps"]), st.none() | st.integers() | st.floats() | st.text()))
def test_runtime_limits_without_problems_are_stable(value: dict[str, Any]) -> None:
    full, problems = runtime_limits(value)
    assert full.keys() == RUNTIME_CHECKS.keys()
    if not problems:
        assert runtime_limits(full) == (full, {})


def test_a_design_that_was_frozen_before_there_were_runtime_limits_has_the_defaults() -> None:
    assert runtime_of({"name": "Chat"}) == DEFAULT_RUNTIME
    assert runtime_of({"runtime": STRICT}) == STRICT
