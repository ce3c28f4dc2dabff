"""Samples of how fast this process is: how late its loop, and how long one message takes through it.

The message is that of one connection a second, which stands in the poller behind a probe for its next turn; all other
connections, and this one's later turns, are as if nobody looked.
"""

from __future__ import annotations

import asyncio
import random
from time import perf_counter
from typing import Final

from gateway.meters import ADDED_LATENCY_SECONDS, LOOP_LAG_SECONDS
from gateway.relay import HAS_EPOLL, Poller, SocketLeg

LAG_EVERY_S: Final = 0.25
PROBE_EVERY_S: Final = 1.0


class Probe:
    """In the place of a leg in the poller, once."""

    __slots__ = ("fd", "leg", "legs")

    def __init__(self, poller: Poller, leg: SocketLeg) -> None:
        self.leg = leg
        self.fd = leg.fd
        self.legs = poller.legs
        self.legs[self.fd] = self

    def step_back(self) -> None:
        """Put the leg back, unless it is gone and its descriptor somebody else's."""
        if self.legs.get(self.fd) is self:
            self.legs[self.fd] = self.leg

    def ready(self, what: int) -> None:
        """As the leg's own; timed, and counted if a message went through."""
        leg = self.leg
        self.step_back()
        before = leg.scanner.messages
        began = perf_counter()
        leg.ready(what)
        took_s = perf_counter() - began
        if leg.scanner.messages != before:
            ADDED_LATENCY_SECONDS.observe(took_s)


async def time_messages() -> None:
    """Until cancelled."""
    if not HAS_EPOLL:
        return
    poller = Poller.of(asyncio.get_running_loop())
    probe: Probe | None = None
    try:
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            if probe is not None:
                probe.step_back()
            legs = [one for one in poller.legs.values() if isinstance(one, SocketLeg)]
            probe = Probe(poller, random.choice(legs)) if legs else None  # noqa: S311 - no secret
    finally:
        if probe is not None:
            probe.step_back()


async def time_the_loop() -> None:
    """Until cancelled."""
    while True:
        due = perf_counter() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        LOOP_LAG_SECONDS.observe(max(0.0, perf_counter() - due))
