"""How often somebody may be wrong: failed tries per minute, counted in the cache that all processes share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from time import time

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Attempts:
    """A limit on failed tries of one kind.

    Args:
        kind: what is tried, e.g. "password".
        limit: failures per window.
        window_s: length of the window in seconds; windows are aligned.

    A try is counted before it is made and forgiven when it succeeds, so that many at once cannot slip through.
    """

    kind: str
    limit: int = 20
    window_s: int = 60

    def begin(self, who: str) -> int:
        """Count one try of `who`.

        Returns: 0 to go on, or how many seconds to wait because the limit is spent.
        """
        key = self._key(who)
        cache.add(key, 0, self.window_s + 5)
        if cache.incr(key) <= self.limit:
            return 0
        return max(1, self.window_s - int(time()) % self.window_s)

    def forgive(self, who: str) -> None:
        """The try that `begin` counted was right after all."""
        key = self._key(who)
        cache.add(key, 1, self.window_s + 5)  # the window may have changed meanwhile
        cache.decr(key)

    def _key(self, who: str) -> str:
        digest = hashlib.sha256(who.encode()).hexdigest()[:32]
        return f"attempts:{self.kind}:{digest}:{int(time()) // self.window_s}"
