"""The levels of live sessions, looked at again when a plan, an API or a topic changes (`gateway.core.levels`)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.conditions import Asked
from gateway.core.levels import levels_of
from gateway.core.matching import RoutingTable
from gateway.core.session import Session
from gateway.core.snapshot import Entitlement
from gateway.registry import Registry


def go_on_under(registry: Registry, table: RoutingTable, session: Session, entitlement: Entitlement) -> None:
    """Let a session go on under these terms and the API's and custom plans of now; nothing happens where all is as was.

    What a condition asks for that the session did not keep of its handshake is not there for it.
    """
    api = table.by_id.get(session.api_id)
    if session.over or api is None:
        return
    asked = Asked(session.client, session.kept.headers, session.kept.query)
    levels = levels_of(entitlement, session.principal, api, session.topic, table.custom, asked=asked)
    if entitlement != session.entitlement or levels != session.levels:
        if entitlement.business_plan.name != session.entitlement.business_plan.name:
            registry.recorder.cut(session)  # a usage record stands under one plan
        session.replan(entitlement, registry.counters.of(levels), levels)
        registry.set_deadlines(session)


def relevel(registry: Registry, table: RoutingTable, sessions: Iterable[Session]) -> None:
    """The plans of APIs or custom ones were changed: all of these go on under those of now."""
    for session in sessions:
        go_on_under(registry, table, session, session.entitlement)
