"""Which live sessions are meant: one, or all that fit some facts, within what somebody may touch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.session import Session

FACTS: Final = ("session", "api", "application", "person", "client", "key_type")


@dataclass(frozen=True, slots=True)
class Selection:
    """What a session must be like; "" asks nothing.

    Attributes:
        session: its id.
        apis, applications: it belongs to one of these APIs or to one of these applications; both None for no bounds.
    """

    session: str = ""
    api: str = ""
    application: str = ""
    person: str = ""
    client: str = ""
    key_type: str = ""
    apis: frozenset[str] | None = None
    applications: frozenset[str] | None = None

    def matches(self, session: Session) -> bool:
        """Whether this session is meant."""
        application = session.entitlement.application_id
        asked = (
            (self.session, session.session_id),
            (self.api, session.api_id),
            (self.application, application),
            (self.person, session.principal.end_user),
            (self.client, session.client),
            (self.key_type, session.principal.key_type),
        )
        if any(wanted and wanted != fact for wanted, fact in asked):
            return False
        if self.apis is None and self.applications is None:
            return True
        return session.api_id in (self.apis or ()) or application in (self.applications or ())

    def as_json(self) -> dict[str, Any]:
        """For the body of a command."""
        bounds = {"apis": self.apis, "applications": self.applications}
        facts = {name: getattr(self, name) for name in FACTS if getattr(self, name)}
        return facts | {name: sorted(ids) for name, ids in bounds.items() if ids is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Selection:
        """What `as_json` wrote."""
        bounds = [frozenset(value[name]) if name in value else None for name in ("apis", "applications")]
        return cls(*[value.get(name, "") for name in FACTS], *bounds)
