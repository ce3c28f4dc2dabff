"""The line that the log gets at the end of each session: whose it was, what passed, and who ended it and why."""

from __future__ import annotations

from typing import Any, Final

import structlog

from gateway import meters
from gateway.core.records import SessionRecord
from gateway.core.session import Session
from gateway.core.snapshot import Entitlement
from gateway.known import Known

log = structlog.get_logger("gateway")

KEPT: Final = 4096


class SessionLines:
    """Writes them. What the sessions of one principal have in common is put into words once."""

    __slots__ = ("_known", "_log")

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[Entitlement, Known]] = {}
        self._log = log.bind()  # to look for it anew at each end costs a tenth of what it writes

    def ended(self, session: Session, record: SessionRecord) -> None:
        """This session is over."""
        self._log.info(
            "session_ended",
            request=record.session_id,
            known=self._common(session),
            client=record.client,
            upstream=meters.without_secrets(record.upstream),
            duration_s=round(record.ended_at - record.started_at, 3),
            events=[record.events_in, record.events_out],
            bytes=[record.bytes_in, record.bytes_out],
            throttled=record.throttled,
            initiator=record.initiator,
            close_code=record.code,
            reason=record.reason,
            how=record.how,
        )

    def _common(self, session: Session) -> Known:
        entitlement, principal = session.entitlement, session.principal
        key = (principal.end_user, principal.key_type, session.api_name, session.api_version, id(entitlement))
        known = self._known.get(key)
        if known is not None and known[0] is entitlement:
            return known[1]
        facts = Known(
            api=session.api_name,
            version=session.api_version,
            api_id=session.api_id,
            application=entitlement.application_name,
            application_id=entitlement.application_id,
            plan=entitlement.business_plan.name,
            principal=principal.end_user,
            key_type=principal.key_type,
        )
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[key] = entitlement, facts
        return facts
