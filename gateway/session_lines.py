"""The line that the log gets at the end of each session: whose it was, what passed, and who ended it and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from gateway import meters
from gateway.core.records import SessionRecord
from gateway.core.session import Session
from gateway.core.snapshot import Entitlement
from gateway.known import Known

log = structlog.get_logger("gateway")

KEPT: Final = 4096
Shared = tuple[Entitlement, dict[str, str], list[str]]  # the fields, and how they are written once somebody has done so


class SessionEnd(Known):
    """What is said of one session.

    Args:
        shared: fields that it has in common with other sessions of its principal.
    """

    __slots__ = ("_record", "_shared")

    def __init__(self, record: SessionRecord, shared: Shared) -> None:
        self._record = record
        self._shared = shared

    def fields(self) -> dict[str, Any]:
        """See Known."""
        record = self._record
        return {
            "request": record.session_id,
            **self._shared[1],
            "client": record.client,
            "upstream": meters.without_secrets(record.upstream),
            "duration_s": round(record.ended_at - record.started_at, 3),
            "events": [record.events_in, record.events_out],
            "bytes": [record.bytes_in, record.bytes_out],
            "throttled": record.throttled,
            "initiator": record.initiator,
            "close_code": record.code,
            "reason": record.reason,
            "how": record.how,
        }

    def members(self, text: Callable[[str], str]) -> str:
        """See Known; with the members of `fields`."""
        one = self._record
        _, shared, written = self._shared
        if not written:
            written.append(", ".join([f"{text(name)}: {text(value)}" for name, value in shared.items()]))
        return (
            f'"request": {text(one.session_id)}, {written[0]}, "client": {text(one.client)}, '
            f'"upstream": {text(meters.without_secrets(one.upstream))}, '
            f'"duration_s": {one.ended_at - one.started_at:.3f}, '
            f'"events": [{one.events_in}, {one.events_out}], "bytes": [{one.bytes_in}, {one.bytes_out}], '
            f'"throttled": {one.throttled}, "initiator": "{one.initiator}", "close_code": {one.code}, '
            f'"reason": {text(one.reason)}, "how": "{one.how}"'
        )


class SessionLines:
    """Writes them."""

    __slots__ = ("_info", "_shared")

    def __init__(self) -> None:
        self._shared: dict[tuple[Any, ...], Shared] = {}
        self._info = log.bind().info  # to look for it anew at each end costs a tenth of what it writes

    def ended(self, session: Session, record: SessionRecord) -> None:
        """This session is over."""
        self._info("session_ended", known=SessionEnd(record, self._shared_by(session)))

    def _shared_by(self, session: Session) -> Shared:
        entitlement, principal = session.entitlement, session.principal
        key = (principal.end_user, principal.key_type, session.api_name, session.api_version, id(entitlement))
        known = self._shared.get(key)
        if known is not None and known[0] is entitlement:
            return known
        fields = {
            "api": session.api_name,
            "version": session.api_version,
            "api_id": session.api_id,
            "application": entitlement.application_name,
            "application_id": entitlement.application_id,
            "plan": entitlement.business_plan.name,
            "principal": principal.end_user,
            "key_type": principal.key_type,
        }
        if len(self._shared) >= KEPT:
            self._shared.clear()
        shared = self._shared[key] = entitlement, fields, []
        return shared
