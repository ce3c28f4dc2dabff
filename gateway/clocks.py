"""The clocks of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.core.clocks import SteadyClock

_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", None)


monotonic: Final[Callable[[], float]] = (
    time.monotonic if _BOOT_TIME is None else partial(time.clock_gettime, _BOOT_TIME)
)
"""Seconds since the machine started, those asleep included where the system can tell: tokens age in sleep, too."""


def system_clock() -> SteadyClock:
    """A clock that follows this machine's."""
    return SteadyClock(time.time, monotonic)
