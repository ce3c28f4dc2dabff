"""A live session goes on with a fresh token, without a reconnect (CONTRACT section 4, /connections/{id}/token)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from apis.errors import Forbidden, Missing
from apis.models import Deployment
from apis.services.record import announce
from apis.shapes_security import security_of
from gateway import carrying, commands, snapshots
from gateway.core.identifying import still_welcome
from gateway.core.permits import permit
from gateway.core.rejections import Rejection
from gateway.core.snapshot import Principal
from gateway.foreign import foreign_tokens
from gateway.live import YOUNG_S, patiently
from gateway.models import LiveSession

_RULES: Final = (
    ("application_id", "wrong_application", "This token belongs to another application than the session."),
    ("key_type", "wrong_key_type", "This token is of another key type than that of the session."),
    ("person", "wrong_person", "This token was issued for another person than that of the session."),
)


def connection_renew(*, principal: Principal, token: str, connection_id: str) -> LiveSession:
    """From now on this token is the session's, in whatever process; the old one may expire or be revoked.

    A token that the API or the topic would not let in is refused, and the session goes on with the one it has. Where
    those change in the same moment, the session ends with 4403.

    Args:
        principal: whose token was shown; it is valid.
        token: that token.
        connection_id: the X-Request-ID of the handshake's answer, or what a ticket was answered with.

    Returns: the session as it is now; `expires_at` is the token's.

    Raises:
        Missing: there is no such live session.
        Forbidden: wrong_application, wrong_key_type, wrong_person, scope_grew for a token that may do more,
            insufficient_scope for one that may do too little, not_accepted for one that this API does not take.
    """
    if len(connection_id) > 64 or patiently(LiveSession.objects.all(), connection_id, YOUNG_S) is None:
        raise Missing("There is no such live connection.")
    with transaction.atomic():
        session = LiveSession.objects.select_for_update().filter(pk=connection_id).first()
        if session is None:
            raise Missing("There is no such live connection.")
        _check(session, principal)
        _check_place(session, principal)
        session.token_kind, session.token_id = principal.kind, principal.token_id
        session.scopes = sorted(principal.scopes)
        expires_at = principal.expires_at
        session.expires_at = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
        session.save(update_fields=["token_kind", "token_id", "scopes", "expires_at"])
        body = {"session": session.pk, "principal": carrying.packed(principal, token)}
        announce("command", commands.give("renew", body))
    return session


def key_managers_of(connection_id: str) -> frozenset[str]:
    """The key managers that the API of a live session names; none for one that is not there."""
    asked = any(manager.introspects for manager in foreign_tokens.managers.load().by_name.values())
    # Only for such a token does it matter, so only then one waits for a session that began just now.
    session = patiently(LiveSession.objects.all(), connection_id[:64], YOUNG_S if asked else 0.0)
    deployment = _deployment(session) if session is not None else None
    return frozenset(security_of(deployment.design)["key_managers"]) if deployment is not None else frozenset()


def _deployment(session: LiveSession) -> Deployment | None:
    rows = Deployment.objects.select_related("api__version_set", "api__api_plan", "revision", "environment")
    return rows.filter(api_id=session.api_id).order_by("pk").first()


def _check_place(session: LiveSession, principal: Principal) -> None:
    """Would this token be let in where the session is? Raises: Forbidden."""
    deployment = _deployment(session)
    if deployment is None:
        return  # it is being closed
    api = snapshots.api(deployment)
    topic = next((one for one in api.topics if one.name == session.topic), None)
    if topic is None:
        return  # likewise, or it moves to another topic and is judged there
    if not still_welcome(api, topic, principal, session.origin):
        raise Forbidden("The API of this session does not take this token.", code="not_accepted")
    try:
        may = permit(topic, principal.scopes)
    except Rejection as rejection:
        raise Forbidden(rejection.detail, code=rejection.code) from None
    if session.compressed and not may.whole:
        text = "This token opens one direction only, which a session that agreed on compression cannot go on with."
        raise Forbidden(text, code="insufficient_scope")


def _check(session: LiveSession, principal: Principal) -> None:
    fresh = {
        "application_id": principal.application_id,
        "key_type": principal.key_type,
        "person": principal.end_user,
    }
    for name, code, detail in _RULES:
        if str(getattr(session, name) or "") != fresh[name]:
            raise Forbidden(detail, code=code)
    grown = principal.scopes - set(session.scopes)
    if grown:
        raise Forbidden(
            f"The scope of a session may not grow; new in this token: {' '.join(sorted(grown))}.", code="scope_grew"
        )
    if not principal.alive(timezone.now().timestamp()):
        raise Forbidden("This token has expired.", code="invalid_token")
