"""What a live session has around it: the corridor that moves its frames, and the house where sessions live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from gateway.core.records import SessionRecord

if TYPE_CHECKING:
    from gateway.core.session import Session


class Corridor(Protocol):
    """What a session asks of its `gateway.relay.Link`."""

    def close(self, code: int, reason: str = "", *, upstream_code: int = 1001) -> None: ...
    def resume(self, direction: Any) -> None: ...
    def notice(self, direction: Any, text: str) -> bool: ...
    def tell(self, text: str) -> bool: ...


class Ended(Protocol):
    """What the corridor says at the end (`gateway.relay.Ending`)."""

    @property
    def initiator(self) -> str: ...
    @property
    def code(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def how(self) -> str: ...


class Home(Protocol):
    """Where sessions live (`gateway.registry`): it tells the time and is told what happens."""

    @property
    def clock(self) -> Callable[[], float]:
        """Epoch seconds."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """Seconds that are never set."""

    def held(self, session: Any) -> None: ...
    def timed(self, session: Any) -> None:
        """Its connection time is paid for until `session.airtime.until` now: `pay_time` then."""

    def soon(self, action: Callable[[], None], delay_s: float) -> None:
        """Call this a moment later, from outside of everything."""

    def ended(self, session: Session, record: SessionRecord) -> None: ...
