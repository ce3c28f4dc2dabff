"""How often somebody may be wrong: failed tries per minute, counted in the database, which all processes share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from time import time
from typing import Final

from django.db import connection
from django.db.models import F

from apis.models import Attempt

# One statement, so that of many at once each gets a number of its own: `update_or_create` would read what others added.
_COUNT: Final = (
    "INSERT INTO apis_attempt (key, count, until) VALUES (%s, 1, %s) "
    "ON CONFLICT (key) DO UPDATE SET count = apis_attempt.count + 1 RETURNING count"
)


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
        """Count one try of `who`. Not within a transaction that its failure would roll back.

        Returns: 0 to go on, or how many seconds to wait because the limit is spent.
        """
        now = time()
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [self._key(who, now), now // self.window_s * self.window_s + self.window_s])
            (count,) = cursor.fetchone()
        if count == 1:
            Attempt.objects.filter(until__lt=now).delete()
        if count <= self.limit:
            return 0
        return max(1, self.window_s - int(now) % self.window_s)

    def forgive(self, who: str) -> None:
        """The try that `begin` counted was right after all."""
        Attempt.objects.filter(key=self._key(who, time()), count__gt=0).update(count=F("count") - 1)

    def _key(self, who: str, now: float) -> str:
        digest = hashlib.sha256(who.encode()).hexdigest()[:32]
        return f"{self.kind}:{digest}:{int(now) // self.window_s}"
