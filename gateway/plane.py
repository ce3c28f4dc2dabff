"""The data plane of this process: its memory, its sessions, its usage and its live control, wired together once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from gateway import conf, meters
from gateway.assertions import Assertions
from gateway.clocks import system_clock
from gateway.control import Control
from gateway.core.clocks import SteadyClock
from gateway.counters import Counters
from gateway.directory import Directory
from gateway.health import HealthBook
from gateway.kept_counters import KeptCounters
from gateway.memory import Memory, memory
from gateway.redis_pool import RedisPool
from gateway.registry import Registry
from gateway.sampling import time_messages, time_the_loop
from gateway.shared_counters import SharedCounters
from gateway.taps import Taps
from gateway.upkeep import Upkeep
from gateway.usage import Recorder
from gateway.waking import WakeUps


class Plane:
    """What every handshake of this process shares."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        clock = system_clock()
        self.registry = Registry(Recorder(memory.ask), clock, counters_of(memory, clock))
        self.directory = Directory(memory.ask, self.registry)
        self.health = HealthBook(memory.ask, self.registry, self.directory.process_id)
        self.assertions = Assertions(memory.ask, self.registry.clock)
        self.taps = Taps(memory.ask, self.registry, memory.known_table)
        self.control = Control(memory, self.registry, self.directory, self.taps)
        self.upkeep = Upkeep(memory.ask)
        self.wake_ups = WakeUps(self.control.wake_up)

    async def run(self) -> None:
        """Keep live control and usage going until cancelled; then write what is still uncounted.

        The server starts this once its loop runs, and cancels it when its last session has ended.
        """
        registry = self.registry
        counts = (registry.recorder, registry.counters, self.upkeep)
        jobs = (self.control, *counts, self.directory, self.taps, self.health)
        try:
            await asyncio.gather(*[job.run() for job in jobs], self.wake_ups.run(), time_the_loop(), time_messages())
        finally:
            await registry.recorder.flush()

    def upstreams(self) -> Iterator[meters.Upstream]:
        """Every URL that was dialled, for the meters: which API's, and whether it is left alone."""
        table = self.memory.known_table()
        for api_id, url in self.registry.endpoints.urls():
            api = table.by_id.get(api_id) if table is not None else None
            yield api.path if api is not None else api_id, url.url, not url.suspension.paused_until


def counters_of(memory: Memory, clock: SteadyClock) -> Counters:
    """Counters that all processes of one Redis share, or this process's own."""
    url = conf.get("REDIS_URL")
    if not url:
        return KeptCounters(clock, memory.ask)
    return SharedCounters(clock, clock.monotonic, RedisPool(url), conf.get("LOCAL_CREDIT"))


plane: Final = Plane(memory)
meters.register(plane.registry.recorder.totals, plane.upstreams)
