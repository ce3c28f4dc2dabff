"""Random bytes that nobody can foresee, fetched from the system some thousands at a time: each asking costs."""

from __future__ import annotations

import os
from typing import Final

POOL_BYTES: Final = 4096


class _Pool:
    """What is left of the last helping. Each byte is given away once."""

    __slots__ = ("at", "data")

    def __init__(self) -> None:
        self.drain()

    def drain(self) -> None:
        """Throw the rest away."""
        self.data = b""
        self.at = 0

    def take(self, count: int) -> bytes:
        at = self.at
        self.at = end = at + count
        if end > len(self.data):
            self.data = os.urandom(POOL_BYTES)
            at, self.at = 0, count
        return self.data[at : at + count]


_pool: Final = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.drain)  # two processes must never hand out the same bytes


def random_bytes(count: int) -> bytes:
    """At most POOL_BYTES bytes from the system's source. For the thread of the event loop only."""
    return _pool.take(count)
