"""Sessions are sent away evenly, and never two gateways to the same beat."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.draining import spread


@given(st.integers(0, 500), st.floats(0.1, 3600), st.integers())
def test_each_session_has_a_part_of_the_time_for_itself(count: int, seconds: float, seed: int) -> None:
    moments = spread(count, seconds, random.Random(seed).random)
    assert len(moments) == count
    part = seconds / max(count, 1)
    for number, moment in enumerate(moments):
        assert number * part <= moment * (1 + 1e-9)
        assert moment <= (number + 1) * part * (1 + 1e-9)


def test_two_gateways_do_not_keep_the_same_time() -> None:
    one, other = (spread(50, 30.0, random.Random(seed).random) for seed in (1, 2))
    assert not set(one) & set(other)
