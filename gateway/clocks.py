"""The clocks of this machine."""

from __future__ import annotations

import time

from gateway.core.clocks import SteadyClock

_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", None)


def monotonic() -> float:
    """Seconds since the machine started, those asleep included where the system can tell: tokens age in sleep, too."""
    return time.monotonic() if _BOOT_TIME is None else time.clock_gettime(_BOOT_TIME)


def system_clock() -> SteadyClock:
    """A clock that follows this machine's."""
    return SteadyClock(time.time, monotonic)
