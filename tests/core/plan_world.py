"""Sessions under plans with a clock that a test sets: what they pass, drop, say and how they are closed."""

from __future__ import annotations

import enum
import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from gateway.core.frames import CREDIT, DROP, GO
from gateway.core.records import SessionRecord
from gateway.core.session import Session
from gateway.core.snapshot import ApiSnapshot, Entitlement, PlanSnapshot, Principal
from gateway.core.throttling import Limit, Throttle
from tests.wires import frame

NOW = 1_800_000_000.0  # the start of a minute, an hour and a day
API = ApiSnapshot("api", "Echo", "/echo", "1", "/echo/1", "published", (), {})
SAM = Principal("oauth", "key", "7", "app", "production", "sam")


class Direction(enum.Enum):
    IN = "in"
    OUT = "out"


@dataclass
class Link:
    """The corridor's side, written down.

    Attributes:
        room: whether a notice can be written just now.
    """

    closed: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    resumed: list[Any] = field(default_factory=list)
    notices: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    room: bool = True

    def close(self, code: int, reason: str = "", *, upstream_code: int = 1001) -> None:
        self.closed.append((code, json.loads(reason)))

    def resume(self, direction: Any) -> None:
        self.resumed.append(direction)

    def notice(self, direction: Any, text: str) -> bool:
        assert len(text.encode()) <= 125
        if self.room and not self.closed:
            self.notices.append((direction.value, json.loads(text)))
        return self.room

    def tell(self, text: str) -> bool:
        return self.notice(Direction.IN, text)


class House:
    """Where the sessions of a test live. `pass_time` moves its clock and does what is due on the way.

    Attributes:
        set_by: how far the time of day was set away from the clock that is never set.
    """

    def __init__(self) -> None:
        self.now = NOW
        self.set_by = 0.0
        self.waiting: list[Session] = []
        self.records: list[SessionRecord] = []
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def clock(self) -> float:
        return self.now + self.set_by

    def monotonic(self) -> float:
        return self.now

    def held(self, session: Session) -> None:
        self.waiting.append(session)

    def timed(self, session: Session) -> None:
        airtime = session.airtime
        if airtime is not None:
            heapq.heappush(self._later, (airtime.until, next(self._numbers), lambda: self._pay(session)))

    def _pay(self, session: Session) -> None:
        if session.airtime is not None and session.airtime.until <= self.now and not session.over:
            session.pay_time()

    def soon(self, action: Callable[[], None], delay_s: float) -> None:
        heapq.heappush(self._later, (self.now + delay_s, next(self._numbers), action))

    def ended(self, session: Session, record: SessionRecord) -> None:
        self.records.append(record)

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while self._later and self._later[0][0] <= until:
            when, _, action = heapq.heappop(self._later)
            self.now = max(self.now, when)
            action()
        self.now = until

    def roll(self) -> None:
        """What the timer of the registry does when a window has ended."""
        waiting, self.waiting = self.waiting, []
        for session in dict.fromkeys(waiting):
            session.try_again()


def running(house: House, *limits: Limit) -> list[Throttle]:
    return [Throttle(limit, house.now) for limit in limits]


def entitled(**plan: Any) -> Entitlement:
    return Entitlement("sub", "api", "app", "App", "olga", business_plan=PlanSnapshot("p", **plan))


def session(
    house: House, throttles: list[Throttle], *, notices: bool = False, deflate: bool = False, **plan: Any
) -> tuple[Session, Link]:
    """A live session of sam's under these running limits."""
    made = Session(
        house,
        session_id="r1",
        api=API,
        principal=SAM,
        entitlement=entitled(**plan),
        client="192.0.2.1",
        upstream="ws://up",
        throttles=throttles,
        notices=notices,
        deflate=deflate,
    )
    link = Link()
    made.attach(link)
    return made, link


@dataclass
class Pipe:
    """One direction as the relay drives it: what the scanner stopped is kept, and judged again when it is resumed."""

    one: Session
    direction: Direction = Direction.IN
    rest: bytes = b""

    @property
    def scanner(self) -> Any:
        return self.one.scanner_in if self.direction is Direction.IN else self.one.scanner_out

    def send(self, *sizes: int) -> int:
        """Messages of these sizes arrive; how many passed by now."""
        before = self.scanner.messages
        masked = self.direction is Direction.IN
        self.rest += b"".join(frame(2, b"x" * size, masked=masked) for size in sizes)
        if self.scanner.event == GO:
            self._judge()
        return self.scanner.messages - before

    def go_on(self) -> int:
        """It was resumed: how many of what waited passed."""
        before = self.scanner.messages
        if self.scanner.event == GO and self.rest:
            self._judge()
        return self.scanner.messages - before

    def _judge(self) -> None:
        data, self.rest = self.rest, b""
        taken = self.scanner.feed(data)
        self.rest = data[taken:]
        if self.scanner.event == DROP:
            _, judged = self.scanner.sift(self.rest)
            self.rest = self.rest[judged:]
            self.one.discarded(self.direction)
        if self.scanner.event == CREDIT:
            self.one.spent(self.direction)
