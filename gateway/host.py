"""What a doorway needs of the server that it belongs to."""

from __future__ import annotations

import enum
from typing import Any, Protocol

from gateway.core.proxies import Trust
from gateway.relay import Link
from gateway.timekeeper import Timekeeper


class Stage(enum.Enum):
    """How far a connection has come."""

    HEAD = "reading the request"
    DECISION = "the application decides"
    OVER = "answered finally, taken by a relay, or gone"


class Host(Protocol):
    """Daphne's server with its application, the live links, and how far a stop has come (gateway.server)."""

    application: Any
    arrivals: set[Any]
    timekeeper: Timekeeper
    trust: Trust
    draining: bool
    replaced: bool
    closing: bool

    def crowded(self, fd: int) -> bool: ...
    def descriptor_free(self) -> None: ...
    def health_report(self) -> dict[str, Any]: ...
    def link_began(self, link: Link) -> None: ...
    def link_ended(self, link: Link) -> None: ...
    def arrival_over(self, doorway: Any) -> None: ...
