"""How much this process can carry: asked before memory or descriptors run out, so that the answer is a 503."""

from __future__ import annotations

import errno
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

DESCRIPTORS_EACH: Final = 2  # the client's socket and the upstream's
SPARE_DESCRIPTORS: Final = 96
"""Listeners, epolls, log, database threads; and connections that are only told 503, each for a second at most."""
LAST_DESCRIPTORS: Final = 32  # of the spare ones: below this nobody is even listened to before the 503
SESSION_BYTES: Final = 96 << 10
"""To reckon with for a session: idle it costs a tenth of it, stuck both ways up to 320 KiB (docs/limits.md)."""
SHARE: Final = 0.5  # of the memory that is available at the start
EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of ours, not of whoever we talk to."""
_CGROUP: Final = Path("/sys/fs/cgroup")
_MEMINFO: Final = Path("/proc/meminfo")
UNKNOWN_BYTES: Final = 1 << 30  # where the system does not say


def descriptor_limit() -> int:
    """How many descriptors this process may have open."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return 512
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else sys.maxsize


def available_bytes(cgroup: Path = _CGROUP, meminfo: Path = _MEMINFO) -> int:
    """Memory that this process may still take: of the machine, and of its control group (cgroup v2)."""
    found = [UNKNOWN_BYTES]
    with suppress(OSError, ValueError, StopIteration, IndexError):
        line = next(one for one in meminfo.read_text().splitlines() if one.startswith("MemAvailable:"))
        found = [int(line.split()[1]) * 1024]
    with suppress(OSError, ValueError):  # "max" is no number: no limit
        found.append(int((cgroup / "memory.max").read_text()) - int((cgroup / "memory.current").read_text()))
    return max(0, min(found))


def capacity(wanted: int = 0, *, descriptors: int | None = None, memory: int | None = None) -> int:
    """Most sessions at once, handshakes under way included.

    Args:
        wanted: MAX_SESSIONS; 0 to go by the memory.
        descriptors, memory: those of this process, unless given.

    Returns:
        At least 1, and never more than there are descriptors for.
    """
    descriptors = descriptor_limit() if descriptors is None else descriptors
    if not wanted:
        wanted = int((available_bytes() if memory is None else memory) * SHARE) // SESSION_BYTES
    return max(1, min(wanted, (descriptors - SPARE_DESCRIPTORS) // DESCRIPTORS_EACH))
