"""How every process finds every URL of an endpoint, as rows that all of them can read.

Twice a second the live state is compared with what was written; only what changed is written again, and nothing is
looked at per handshake. An endpoint that nobody has come to has no rows. The rows of a process go with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction

from gateway.core.endpoints import Health
from gateway.models import GatewayProcess, UpstreamHealth
from gateway.registry import Registry

log = structlog.get_logger("gateway")

TICK_S: Final = 0.5
Key = tuple[str, str, str]  # API, key type, URL
Shown = tuple[str, int, float, str]  # state, failures, end of the pause, last error
Ask = Callable[..., Awaitable[Any]]


class HealthBook:
    """Writes down how this process finds its upstreams.

    Args:
        ask: runs a database function off the loop.
        registry: has the endpoints.
        process_id: of this process in the directory, which has a row before anything is written here.
    """

    def __init__(self, ask: Ask, registry: Registry, process_id: UUID) -> None:
        self._ask = ask
        self._registry = registry
        self._process_id = process_id
        self._written: dict[Key, Shown] = {}
        self._since: dict[Key, tuple[str, float]] = {}  # state, and when it was noticed (epoch seconds)
        self._away = False

    async def run(self) -> None:
        """Compare and write until cancelled. The rows go when the process leaves the directory."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except Exception as error:
                if not self._away:  # the handshakes go on, whether somebody can see this or not; it is told once
                    self._away = True
                    log.exception("health_not_written", error=type(error).__name__)
            else:
                self._away = False

    async def tick(self) -> None:
        """Write what has changed since the last call."""
        now, wall = self._registry.monotonic(), self._registry.clock()
        found = {(one.api_id, one.key_type, one.url): one for one in self._registry.endpoints.health(now)}
        shown = {key: (one.state, one.failures, one.paused_until, one.error) for key, one in found.items()}
        if shown == self._written:
            return
        for key, one in found.items():
            if key not in self._since or self._since[key][0] != one.state:
                self._since[key] = one.state, wall
        self._since = {key: self._since[key] for key in found}
        fresh = [(found[key], self._since[key][1]) for key, facts in shown.items() if self._written.get(key) != facts]
        gone = self._written.keys() - shown.keys()
        if await self._ask(write, self._process_id, fresh, gone, wall - now):
            self._written = shown
        else:
            self._written = {}  # the directory has forgotten this process, and enters it anew soon


def write(process_id: UUID, fresh: list[tuple[Health, float]], gone: Iterable[Key], ahead_s: float) -> bool:
    """Replace the rows of these URLs; False where the directory does not know the process (yet).

    Args:
        fresh: what is to be written, and since when its state has been so (epoch seconds).
        gone: what has no row any more.
        ahead_s: what a moment of `Health` lacks to be epoch seconds.
    """
    with transaction.atomic():
        # Locked: whoever sweeps out a process that seemed dead waits, and takes these rows along.
        if not GatewayProcess.objects.select_for_update().filter(pk=process_id).exists():
            return False
        for api_id, key_type, url in [*gone, *[(one.api_id, one.key_type, one.url) for one, _ in fresh]]:
            UpstreamHealth.objects.filter(process_id=process_id, api_id=api_id, key_type=key_type, url=url).delete()
        UpstreamHealth.objects.bulk_create(
            [
                UpstreamHealth(
                    process_id=process_id,
                    api_id=one.api_id,
                    key_type=one.key_type,
                    url=one.url,
                    state=one.state,
                    failures=one.failures,
                    since=datetime.fromtimestamp(since, UTC),
                    until=datetime.fromtimestamp(one.paused_until + ahead_s, UTC) if one.paused_until else None,
                    last_error=one.error,
                )
                for one, since in fresh
            ]
        )
    return True
