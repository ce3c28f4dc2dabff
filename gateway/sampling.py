"""Samples of how fast this process is: how late its loop, and how long one message takes through it.

The message is that of one connection a second, which stands behind a probe for its next turn, in the poller or at its
transport; all other connections, and this one's later turns, are as if nobody looked. Where a side is TLS the time is
from the decrypted message to its handing over, or from the read to the encrypted message.
"""

from __future__ import annotations

import asyncio
import random
from time import perf_counter
from typing import Final

from gateway.meters import ADDED_LATENCY_SECONDS, LOOP_LAG_SECONDS
from gateway.relay import HAS_EPOLL, LIVING, Leg, Poller, SocketLeg, TransportLeg

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


class TransportProbe(asyncio.Protocol):
    """In the place of a leg at its transport, until the next bytes come."""

    __slots__ = ("leg",)

    def __init__(self, leg: TransportLeg) -> None:
        self.leg = leg
        leg.transport.set_protocol(self)

    def step_back(self) -> None:
        """Put the leg back."""
        if self.leg.alive:
            self.leg.transport.set_protocol(self.leg)

    def data_received(self, data: bytes) -> None:
        """As the leg's own; timed, and counted if a message went through."""
        leg = self.leg
        self.step_back()
        before = leg.scanner.messages
        began = perf_counter()
        leg.data_received(data)
        took_s = perf_counter() - began
        if leg.scanner.messages != before:
            ADDED_LATENCY_SECONDS.observe(took_s)

    def eof_received(self) -> bool:
        """As the leg's own; so are the others."""
        return self.leg.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See eof_received."""
        self.leg.connection_lost(exc)

    def pause_writing(self) -> None:
        """See eof_received."""
        self.leg.pause_writing()

    def resume_writing(self) -> None:
        """See eof_received."""
        self.leg.resume_writing()


def probe_one(poller: Poller | None) -> Probe | TransportProbe | None:
    """A probe before some leg of this process; None where there is none."""
    legs: list[Leg] = [one for one in LIVING if not one.transport.is_closing()]
    if poller is not None:
        legs += [one for one in poller.legs.values() if isinstance(one, SocketLeg)]
    leg = random.choice(legs) if legs else None  # noqa: S311 - no secret
    if isinstance(leg, TransportLeg):
        return TransportProbe(leg)
    return Probe(poller, leg) if isinstance(leg, SocketLeg) and poller is not None else None


async def time_messages() -> None:
    """Until cancelled."""
    poller = Poller.of(asyncio.get_running_loop()) if HAS_EPOLL else None
    probe: Probe | TransportProbe | None = None
    try:
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            if probe is not None:
                probe.step_back()
            probe = probe_one(poller)
    finally:
        if probe is not None:
            probe.step_back()


async def time_the_loop() -> None:
    """Until cancelled."""
    while True:
        due = perf_counter() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        LOOP_LAG_SECONDS.observe(max(0.0, perf_counter() - due))
