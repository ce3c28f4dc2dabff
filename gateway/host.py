"""What a doorway needs of the server that it belongs to."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from gateway.core.proxies import Trust
from gateway.relay import Link


class Host(Protocol):
    """Daphne's registry of connections, the live links, and how far a stop has come (gateway.server)."""

    connections: dict[Any, dict[str, Any]]
    arrivals: set[Any]
    trust: Trust
    draining: bool
    replaced: bool
    closing: bool

    def protocol_connected(self, protocol: Any) -> None: ...
    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[dict[str, Any]] | None: ...
    def crowded(self, fd: int) -> bool: ...
    def health_report(self) -> dict[str, Any]: ...
    def link_began(self, link: Link) -> None: ...
    def link_ended(self, link: Link) -> None: ...
    def arrival_over(self, doorway: Any) -> None: ...
