"""The plan simulator: which limits past usage would have met, as far as minutes tell."""

from __future__ import annotations

import pytest

from gateway.core.limits import Limit
from gateway.core.replay import Bucket, Draft, Finding, Span, overage, replay

T = 1_800_000_000 // 86_400 * 86_400  # midnight, UTC


def minutes(*events: int, start: int = T) -> list[Bucket]:
    """One minute after the other, so many messages from the client in each."""
    return [Bucket(start + 60 * number, 1, count, 2 * count, 10 * count, 0) for number, count in enumerate(events)]


def found(draft: Draft, buckets: list[Bucket], spans: list[Span] | None = None) -> Finding | None:
    rows = replay(draft, buckets, spans or [])
    assert len(rows) <= 1
    return rows[0] if rows else None


@pytest.mark.parametrize(
    ("limit", "times", "excess", "first"),
    [
        (Limit("events", 10, "minute", "in"), 2, 7, T + 60),
        (Limit("events", 15, "minute", "in"), 0, 0, 0),
        (Limit("events", 20, "minute", "out"), 2, 14, T + 60),
        (Limit("events", 30, "minute", "both"), 2, 21, T + 60),
        (Limit("bytes", 119, "minute", "both"), 2, 1 + 31, T + 60),
        (Limit("events", 27, "hour", "in"), 1, 5, T + 180),
        (Limit("events", 31, "day", "in"), 1, 1, T + 180),
        (Limit("events", 32, "month", "in"), 0, 0, 0),
        (Limit("handshakes", 3, "hour", "both"), 1, 1, T + 180),
    ],
)
def test_windows_are_those_of_the_gateway(limit: Limit, times: int, excess: int, first: int) -> None:
    one = found(Draft((limit,)), minutes(5, 12, 0, 15))
    if not times:
        assert one is None
    else:
        assert one is not None
        assert (one.times, one.excess, one.first_at) == (times, excess, first)


def test_the_worst_window_is_named() -> None:
    one = found(Draft((Limit("events", 10, "minute", "in"),)), minutes(5, 12, 0, 15))
    assert one is not None
    assert (one.most, one.most_at, one.last_at, one.of) == (15, T + 180, T + 180, 3)


def test_exactly_the_limit_is_not_over_it() -> None:
    assert found(Draft((Limit("events", 12, "minute", "in"),)), minutes(12)) is None


def test_of_a_limit_by_the_second_minutes_tell_only_the_ends() -> None:
    one = found(Draft((Limit("events", 1, "second", "in"),)), minutes(1, 2, 60, 61))
    assert one is not None
    assert (one.times, one.possible, one.excess) == (1, 2, 1)


def test_a_plan_that_does_not_stop_only_bills_and_its_burst_stops() -> None:
    draft = Draft((Limit("events", 1, "minute", "in"),), burst=Limit("events", 2, "minute", "both"), stops=False)
    assert [one.stops for one in replay(draft, minutes(5))] == [False, True]


def test_sessions_at_once_are_counted_from_their_records() -> None:
    spans = [Span("a", T, T + 100), Span("a", T + 100, T + 200), Span("b", T + 50, T + 150), Span("c", T + 60, T + 61)]
    one = found(Draft(max_sessions=2), [], spans)
    assert one is not None
    assert (one.times, one.most, one.first_at) == (1, 3, T + 60)
    assert found(Draft(max_sessions=3), [], spans) is None
    assert found(Draft(max_sessions=1), [], spans[:2]) is None, "a session's next record is no further session"


def test_long_sessions_are_found_over_several_records() -> None:
    spans = [Span("a", T, T + 100), Span("a", T + 100, T + 200), Span("b", T, T + 150)]
    one = found(Draft(max_session_s=150), [], spans)
    assert one is not None
    assert (one.times, one.of, one.most, one.excess) == (1, 2, 200, 50)


def test_connection_time_is_that_of_all_sessions_together() -> None:
    spans = [Span("a", T + 30, T + 150), Span("b", T + 60, T + 120)]
    one = found(Draft((Limit("seconds", 119, "minute", "both"),)), [], spans)
    assert one is not None
    assert (one.times, one.most, one.most_at) == (1, 120, T + 60)
    one = found(Draft((Limit("seconds", 179, "hour", "both"),)), [], spans)
    assert one is not None
    assert one.most == 180


def test_overage_is_what_lies_beyond_the_tightest_limit() -> None:
    limits = (Limit("events", 10, "minute", "in"), Limit("events", 25, "hour", "in"), Limit("bytes", 1, "second", "in"))
    assert overage(limits, minutes(5, 12, 0, 15)) == (7, 0)
    assert overage((), minutes(5)) == (0, 0)
    assert overage((Limit("bytes", 100, "day", "both"),), minutes(5, 12)) == (0, 70)
