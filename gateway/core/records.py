"""What is written down about a session once it is over, and what usage is counted by."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple


class UsageKey(NamedTuple):
    """Whose minutes are counted: ids as text, "" where there was none (a refusal before the credential was known)."""

    api_id: str
    application_id: str = ""
    subscription_id: str = ""


@dataclass(slots=True)
class Tally:
    """Counters of one key: what both ends would count. "in" is from the client, bytes are payload as it travels."""

    sessions: int = 0
    events_in: int = 0
    events_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    refused: int = 0
    throttled: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.sessions += other.sessions
        self.events_in += other.events_in
        self.events_out += other.events_out
        self.bytes_in += other.bytes_in
        self.bytes_out += other.bytes_out
        self.refused += other.refused
        self.throttled += other.throttled

    def less(self, other: Tally) -> Tally:
        """This tally without another one that it grew from."""
        return Tally(
            self.sessions - other.sessions,
            self.events_in - other.events_in,
            self.events_out - other.events_out,
            self.bytes_in - other.bytes_in,
            self.bytes_out - other.bytes_out,
            self.refused - other.refused,
            self.throttled - other.throttled,
        )


TALLY_FIELDS = tuple(one.name for one in fields(Tally))


@dataclass(slots=True)
class SessionRecord:
    """One session from its upgrade to its end.

    Attributes:
        key: whose usage it was.
        initiator: who ended it: client, upstream or gateway.
        code: the close code seen or sent, 1006 where there was none.
        how: close, eof, reset, timeout or error.
        started_at, ended_at: epoch seconds.
        throttled: messages that the plan refused.
    """

    session_id: str
    key: UsageKey
    end_user: str
    client: str
    upstream: str
    started_at: float
    ended_at: float
    events_in: int
    events_out: int
    bytes_in: int
    bytes_out: int
    throttled: int
    initiator: str
    code: int
    reason: str
    how: str
