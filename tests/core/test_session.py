"""One live session: what it may spend, what happens when it is spent, and its one end."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.frames import CREDIT, GO
from gateway.core.records import SessionRecord
from gateway.core.session import Session
from gateway.core.snapshot import ApiSnapshot, Entitlement, PlanSnapshot, Principal
from gateway.core.throttling import FOREVER, Limit, Throttle
from tests.wires import frame

NOW = 1_800_000_000.0
API = ApiSnapshot("api", "Echo", "/echo", "1", "/echo/1", "published", (), {})
SAM = Principal("oauth", "key", "7", "app", "production", "sam")


class Direction(enum.Enum):
    IN = "in"
    OUT = "out"


@dataclass
class Ending:
    initiator: str = "client"
    code: int = 1000
    reason: str = "bye"
    how: str = "close"


@dataclass
class Link:
    """The corridor's side, written down."""

    closed: list[tuple[int, str]] = field(default_factory=list)
    resumed: list[Any] = field(default_factory=list)

    def close(self, code: int, reason: str = "", *, upstream_code: int = 1001) -> None:
        self.closed.append((code, reason))

    def resume(self, direction: Any) -> None:
        self.resumed.append(direction)


class Home:
    def __init__(self) -> None:
        self.now = NOW
        self.waiting: list[Session] = []
        self.records: list[SessionRecord] = []

    def clock(self) -> float:
        return self.now

    monotonic = clock

    def held(self, session: Session) -> None:
        self.waiting.append(session)

    def ended(self, session: Session, record: SessionRecord) -> None:
        self.records.append(record)


def entitled(**plan: Any) -> Entitlement:
    return Entitlement("sub", "api", "app", "App", "olga", business_plan=PlanSnapshot("p", **plan))


def session(home: Home, *limits: Limit, **plan: Any) -> Session:
    made = Session(
        home,
        session_id="r1",
        api=API,
        principal=SAM,
        entitlement=entitled(**plan),
        client="192.0.2.1",
        upstream="ws://up",
        throttles=[Throttle(limit, home.now) for limit in limits],
    )
    made.attach(Link())
    return made


def feed(one: Session, direction: Direction, *sizes: int) -> int:
    """Messages of these sizes travel; how many passed. As the relay does, tells when the credit is spent."""
    scanner = one.scanner_in if direction is Direction.IN else one.scanner_out
    before = scanner.messages
    data = b"".join(frame(2, b"x" * size, masked=direction is Direction.IN) for size in sizes)
    scanner.feed(data)
    if scanner.event == CREDIT:
        one.spent(direction)
    return scanner.messages - before


def test_without_limits_a_session_has_credit_forever_and_no_hook() -> None:
    one = session(Home())
    assert one.scanner_in.events == one.scanner_out.octets == FOREVER
    assert one.scanner_in.refill is None
    assert feed(one, Direction.IN, 1, 2, 3) == 3


SPENT = (
    '{"code":"quota_exceeded","retry_after":42,'
    '"limit":{"level":"subscription","name":"","per":"minute","kind":"events"}}'
)


def test_a_spent_plan_closes_with_4429_and_says_when_to_come_back() -> None:
    home = Home()
    one = session(home, Limit("events", 3, "minute"))
    home.now += 18
    assert feed(one, Direction.IN, 1, 1) == 2
    assert feed(one, Direction.OUT, 1, 1) == 1
    assert one.link.closed == [(4429, SPENT)]
    assert one.tally().throttled == 1


def test_a_limit_on_one_direction_leaves_the_other_free() -> None:
    one = session(Home(), Limit("events", 1, "minute", "in"))
    assert feed(one, Direction.OUT, *[1] * 50) == 50
    assert feed(one, Direction.IN, 1, 1) == 1


def test_a_plan_that_holds_lets_go_on_when_the_window_rolls() -> None:
    home = Home()
    one = session(home, Limit("events", 2, "minute"), on_spent="hold")
    feed(one, Direction.IN, 1, 1, 1)
    assert home.waiting == [one]
    one.try_again()
    assert one.link.resumed == []
    assert one.waiting == (Direction.IN,)
    home.now += 60
    one.try_again()
    assert one.link.resumed == [Direction.IN]
    assert one.scanner_in.event == GO
    assert one.waiting == ()
    assert one.link.closed == []
    assert one.tally().throttled == 0


def test_a_changed_plan_takes_effect_without_a_reconnect_and_keeps_the_counts() -> None:
    home = Home()
    throttle = Throttle(Limit("events", 5, "minute"), home.now)
    one = session(home)
    one.replan(entitled(), [throttle])
    assert feed(one, Direction.IN, 1, 1, 1) == 3
    throttle.adopt(Limit("events", 4, "minute"))
    one.replan(entitled(max_message_bytes=200), [throttle])
    assert one.scanner_out.max_message_bytes == 200
    assert feed(one, Direction.IN, 1, 1) == 1
    one.replan(entitled(), [])
    assert one.scanner_in.events >= FOREVER - 10
    assert (throttle.passed(), throttle.attached) == (4, 0)


def test_somebody_held_back_goes_on_when_the_plan_grows() -> None:
    home = Home()
    throttle = Throttle(Limit("events", 1, "day"), home.now)
    one = session(home, on_spent="hold")
    one.replan(entitled(on_spent="hold"), [throttle])
    assert feed(one, Direction.IN, 1, 1) == 1
    throttle.adopt(Limit("events", 9, "day"))
    one.replan(entitled(on_spent="hold"), [throttle])
    assert one.link.resumed == [Direction.IN]


def test_a_session_ends_once_and_writes_down_what_was() -> None:
    home = Home()
    throttle = Throttle(Limit("events", 500, "minute"), home.now)
    one = session(home)
    one.replan(entitled(), [throttle])
    feed(one, Direction.IN, 10, 20)
    feed(one, Direction.OUT, 5)
    home.now += 2
    one.ended(Ending())
    one.ended(Ending("upstream", 1006))
    one.close(1008)
    (record,) = home.records
    assert record.key == ("api", "app", "sub")
    assert (record.events_in, record.bytes_in, record.events_out, record.bytes_out) == (2, 30, 1, 5)
    assert (record.started_at, record.ended_at) == (NOW, NOW + 2)
    assert (record.initiator, record.code, record.reason, record.how) == ("client", 1000, "bye", "close")
    assert (throttle.taken, throttle.attached, len(throttle.holders)) == (3, 0, 0)


def test_what_the_first_message_decides_before_the_link_is_there_is_done_then() -> None:
    home = Home()
    one = session(home, Limit("events", 1, "minute"))
    one.link = None  # frames sent right behind the upgrade are judged before the corridor has answered
    feed(one, Direction.IN, 1, 1)
    link = Link()
    one.attach(link)
    assert [code for code, _ in link.closed] == [4429]


def test_a_client_that_left_before_the_answer_never_was_a_session() -> None:
    home = Home()
    throttle = Throttle(Limit("events", 9, "minute"), home.now)
    one = session(home)
    one.replan(entitled(), [throttle])
    one.abandon()
    one.ended(Ending())
    assert (home.records, throttle.attached) == ([], 0)


def test_a_session_is_found_by_everything_that_can_change_about_it() -> None:
    assert set(session(Home()).facets()) == {
        ("api", "api"),
        ("subscription", "sub"),
        ("application", "app"),
        ("token", "7"),
        ("person", "sam"),
        ("person", "olga"),
    }


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(Direction), st.integers(0, 9)), max_size=60),
)
def test_sessions_of_one_plan_pass_exactly_what_it_allows(
    amount: int, batches: list[tuple[int, Direction, int]]
) -> None:
    """With the real scanners: whole reads of messages, on any of four sessions, in both directions."""
    home = Home()
    throttle = Throttle(Limit("events", amount, "day"), home.now)
    sessions = [session(home) for _ in range(4)]
    for one in sessions:
        one.replan(entitled(), [throttle])
    offered = passed = 0
    for which, direction, count in batches:
        one = sessions[which]
        scanner = one.scanner_in if direction is Direction.IN else one.scanner_out
        if scanner.event == GO:  # a closed session sends no more
            offered += count
            passed += feed(one, direction, *[3] * count)
    assert passed == min(offered, amount) or any(one.link.closed for one in sessions)
    assert passed <= amount
    assert throttle.passed() == passed
    for one in sessions:
        one.ended(Ending())
    assert throttle.taken == passed


@pytest.mark.parametrize("direction", list(Direction))
def test_bytes_that_overdraw_the_plan_are_counted(direction: Direction) -> None:
    one = session(Home(), Limit("bytes", 100, "minute"))
    assert feed(one, direction, 60, 90, 1) == 2
    assert one.link.closed[0][0] == 4429
