"""The nested things that carol and adam configure: endpoints and the limits of plans."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.shapes import (
    DEFAULT_RUNTIME,
    DEFAULT_SUSPENSION,
    DEFAULT_TIMEOUTS,
    RUNTIME_CHECKS,
    burst,
    default_runtime,
    endpoint_config,
    limits,
    runtime_limits,
    runtime_of,
    whole,
)

URL = {"url": "ws://backend:9998"}


def allow(url: str) -> str:
    return ""


def test_one_url_is_enough_and_everything_else_gets_its_default() -> None:
    config, problems = endpoint_config({"urls": [URL]}, allow)
    assert problems == {}
    assert config == {
        "urls": [{"url": "ws://backend:9998", "weight": 1}],
        "strategy": "round_robin",
        "timeouts": DEFAULT_TIMEOUTS,
        "suspension": DEFAULT_SUSPENSION,
    }


def test_a_complete_config_comes_back_as_it_is_and_stays_valid() -> None:
    given_config = {
        "urls": [{"url": "ws://a", "weight": 3}, {"url": "wss://b/x?y=1", "weight": 1}],
        "strategy": "weighted",
        "timeouts": {"connect_ms": 1, "handshake_ms": 120_000, "idle_s": 86_400},
        "suspension": {
            "errors": ["connect_failed"], "initial_ms": 1000, "max_ms": 1000,
            "factor": 1.5, "retries": 100, "retry_delay_ms": 60_000,
        },
    }  # fmt: skip
    config, problems = endpoint_config(copy.deepcopy(given_config), allow)
    assert (config, problems) == (given_config, {})
    assert endpoint_config(config, allow) == (config, {})


def test_completing_a_config_does_not_touch_what_was_given_nor_the_defaults() -> None:
    value = {"urls": [URL], "timeouts": {"idle_s": 5}}
    config, _ = endpoint_config(value, allow)
    config["suspension"]["errors"].append("x")
    config["timeouts"]["connect_ms"] = 7
    assert value == {"urls": [URL], "timeouts": {"idle_s": 5}}
    assert "x" not in endpoint_config({"urls": [URL]}, allow)[0]["suspension"]["errors"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"urls": []}, "urls"),
        ({"urls": "ws://a"}, "urls"),
        ({"urls": [URL] * 2}, "urls"),
        ({"urls": [{"url": f"ws://{n}.example"} for n in range(11)]}, "urls"),
        ({"urls": ["ws://a"]}, "urls/0"),
        ({"urls": [{"weight": 1}]}, "urls/0"),
        ({"urls": [{"url": 5}]}, "urls/0"),
        ({"urls": [{"url": "http://a"}]}, "urls/0/url"),
        ({"urls": [URL, {"url": ""}]}, "urls/1/url"),
        ({"urls": [{"url": "ws://a", "weight": 0}]}, "urls/0/weight"),
        ({"urls": [{"url": "ws://a", "weight": True}]}, "urls/0/weight"),
        ({"urls": [{"url": "ws://a", "weight": "1"}]}, "urls/0/weight"),
        ({"urls": [{"url": "ws://a", "wieght": 1}]}, "urls/0/wieght"),
        ({"strategy": "random"}, "strategy"),
        ({"strategy": None}, "strategy"),
        ({"strategy": ["failover"]}, "strategy"),
        ({"timeouts": None}, "timeouts"),
        ({"timeouts": {"connect_ms": 0}}, "timeouts/connect_ms"),
        ({"timeouts": {"connect_ms": 120_001}}, "timeouts/connect_ms"),
        ({"timeouts": {"connect_ms": 1.5}}, "timeouts/connect_ms"),
        ({"timeouts": {"handshake_ms": -1}}, "timeouts/handshake_ms"),
        ({"timeouts": {"idle_s": 86_401}}, "timeouts/idle_s"),
        ({"timeouts": {"idle_s": 10**400}}, "timeouts/idle_s"),
        ({"timeouts": {"connect": 1}}, "timeouts/connect"),
        ({"suspension": []}, "suspension"),
        ({"suspension": {"errors": "connect_failed"}}, "suspension/errors"),
        ({"suspension": {"errors": ["boredom"]}}, "suspension/errors"),
        ({"suspension": {"errors": [[]]}}, "suspension/errors"),
        ({"suspension": {"errors": ["connect_failed"] * 2}}, "suspension/errors"),
        ({"suspension": {"factor": 0.5}}, "suspension/factor"),
        ({"suspension": {"factor": float("nan")}}, "suspension/factor"),
        ({"suspension": {"factor": float("inf")}}, "suspension/factor"),
        ({"suspension": {"factor": True}}, "suspension/factor"),
        ({"suspension": {"retries": 101}}, "suspension/retries"),
        ({"suspension": {"initial_ms": 2, "max_ms": 1}}, "suspension/max_ms"),
        ({"security": {"type": "none"}}, "security"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(change: dict[str, Any], path: str) -> None:
    _, problems = endpoint_config({"urls": [URL], **change}, allow)
    assert list(problems) == [path]
    assert problems[path].endswith(".")


def test_an_address_that_may_not_be_dialled_is_refused_beside_its_url() -> None:
    _, problems = endpoint_config({"urls": [URL]}, lambda url: f"{url} is private.")
    assert problems == {"urls/0/url": "ws://backend:9998 is private."}


def test_two_mistakes_are_both_named() -> None:
    _, problems = endpoint_config({"urls": [], "timeouts": {"idle_s": -1}}, allow)
    assert set(problems) == {"urls", "timeouts/idle_s"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
config_like = st.dictionaries(st.sampled_from(["urls", "strategy", "timeouts", "suspension", "x"]), json_values)


@given(json_values | config_like)
def test_any_json_gets_an_answer_and_never_an_exception(value: Any) -> None:
    for check in (lambda v: endpoint_config(v, allow), limits, burst):
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
