"""Leaving a failing URL alone for a while, and finding out when it is back (reference section 5.1).

A URL is active, or paused until a moment. When a pause is over, the first handshake that comes is the
probe: the others still go elsewhere until it has an answer. A probe that fails begins the next pause, longer by
the factor; one success forgets everything.
"""

from __future__ import annotations

from typing import Final

from gateway.core.snapshot import SuspensionPolicy

CONNECT_FAILED: Final = "connect_failed"
CONNECT_TIMEOUT: Final = "connect_timeout"
HANDSHAKE_TIMEOUT: Final = "handshake_timeout"
BAD_RESPONSE: Final = "bad_response"
SERVER_ERROR: Final = "server_error"
DIAL_ERRORS: Final = frozenset({CONNECT_FAILED, CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT, BAD_RESPONSE, SERVER_ERROR})

ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
PROBING: Final = "probing"


class Suspension:
    """The state of one URL under a policy."""

    __slots__ = ("_failures", "_next_s", "_policy", "_probing", "paused_until")

    def __init__(self, policy: SuspensionPolicy) -> None:
        self._policy = policy
        self._failures = 0  # forgiven so far
        self._next_s = policy.initial_s  # length of the next pause
        self._probing = False
        self.paused_until = 0.0  # by the caller's clock; 0 while active

    def may_try(self, now: float) -> bool:
        """Whether a handshake may dial this URL now.

        True after a pause makes the caller the probe: it must call `succeeded`, `failed` or `abandoned`.
        """
        if not self.paused_until:
            return True
        if self._probing or now < self.paused_until:
            return False
        self._probing = True
        return True

    @property
    def failures(self) -> int:
        """Failures that counted since the last success."""
        return self._failures

    def state(self, now: float) -> str:
        """ACTIVE, SUSPENDED, or PROBING: the pause is over, and one handshake is or will be the probe."""
        if not self.paused_until:
            return ACTIVE
        return SUSPENDED if now < self.paused_until else PROBING

    def wait_s(self, now: float) -> float:
        """Seconds until the next handshake may try; 0 while active or while a probe is out."""
        return max(0.0, self.paused_until - now)

    def succeeded(self) -> None:
        """The URL answered an upgrade, be it with a 4xx of its own."""
        self._failures = 0
        self._next_s = self._policy.initial_s
        self._probing = False
        self.paused_until = 0.0

    def failed(self, error: str, now: float) -> None:
        """A dial ended in `error`, one of DIAL_ERRORS. One that the policy does not count says that the URL lives."""
        probing, self._probing = self._probing, False
        if now < self.paused_until:
            return  # dials that were under way together and failed together are one failure
        if error not in self._policy.errors or not self._policy.initial_s:
            if probing:
                self.paused_until = 0.0
            return
        self._failures += 1
        if self._failures <= self._policy.retries:
            pause = self._policy.retry_delay_s
        else:
            pause = min(self._next_s, self._policy.max_s)
            self._next_s = min(self._next_s * self._policy.factor, self._policy.max_s)
        self.paused_until = now + pause if pause else 0.0

    def abandoned(self) -> None:
        """The dial was given up before it had an answer (its client left): the next one is the probe."""
        self._probing = False
