"""Which URL of an endpoint is tried first: one table for each strategy."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.shapes_endpoint import STRATEGIES as OFFERED
from gateway.core.balancing import STRATEGIES

WEIGHTS = [5, 1, 1]


@pytest.mark.parametrize(
    ("strategy", "live", "firsts"),
    [
        ("round_robin", [9, 0, 0], [0, 1, 2, 0, 1, 2, 0]),
        ("failover", [9, 0, 0], [0, 0, 0, 0, 0, 0, 0]),
        ("least_sessions", [4, 2, 3], [1, 1, 1, 1, 1, 1, 1]),
        ("least_sessions", [2, 2, 2], [0, 1, 2, 0, 1, 2, 0]),
        ("weighted", [0, 0, 0], [0, 0, 1, 0, 2, 0, 0]),  # nginx's own example of smooth weighting
    ],
)
def test_who_is_first(strategy: str, live: list[int], firsts: list[int]) -> None:
    turns = STRATEGIES[strategy](WEIGHTS)
    assert [turns.order(live)[0] for _ in firsts] == firsts


def test_the_others_follow_in_a_sensible_order() -> None:
    assert STRATEGIES["failover"](WEIGHTS).order([0, 0, 0]) == [0, 1, 2]
    turns = STRATEGIES["round_robin"](WEIGHTS)
    assert [turns.order([0, 0, 0]) for _ in range(2)] == [[0, 1, 2], [1, 2, 0]]
    assert STRATEGIES["least_sessions"](WEIGHTS).order([4, 2, 3]) == [1, 2, 0]


@given(st.sampled_from(sorted(STRATEGIES)), st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 40))
def test_everyone_is_tried_once(strategy: str, weights: list[int], turns: int) -> None:
    chosen = STRATEGIES[strategy](weights)
    for _ in range(turns):
        assert sorted(chosen.order([0] * len(weights))) == list(range(len(weights)))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_weights_are_met_exactly_over_one_round(weights: list[int]) -> None:
    chosen = STRATEGIES["weighted"](weights)
    firsts = Counter(chosen.order([0] * len(weights))[0] for _ in range(sum(weights)))
    assert [firsts[index] for index in range(len(weights))] == weights


def test_every_strategy_that_carol_can_choose_exists_and_no_other() -> None:
    assert set(STRATEGIES) == set(OFFERED)
