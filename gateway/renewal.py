"""A live session goes on with a fresh token, without a reconnect (CONTRACT section 4, /connections/{id}/token)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from apis.errors import Forbidden, Missing
from apis.services.record import announce
from gateway.commands import principal_as_json
from gateway.core.snapshot import Principal
from gateway.live import YOUNG_S, patiently
from gateway.models import LiveSession, SessionCommand

_RULES: Final = (
    ("application_id", "wrong_application", "This token belongs to another application than the session."),
    ("key_type", "wrong_key_type", "This token is of another key type than that of the session."),
    ("person", "wrong_person", "This token was issued for another person than that of the session."),
)


def connection_renew(*, principal: Principal, connection_id: str) -> LiveSession:
    """From now on this token is the session's, in whatever process; the old one may expire or be revoked.

    Args:
        principal: whose token was shown; it is valid.
        connection_id: the X-Request-ID of the handshake's answer, or what a ticket was answered with.

    Returns: the session as it is now; `expires_at` is the token's.

    Raises:
        Missing: there is no such live session.
        Forbidden: wrong_application, wrong_key_type, wrong_person, or scope_grew for a token that may do more.
    """
    if len(connection_id) > 64 or patiently(LiveSession.objects.all(), connection_id, YOUNG_S) is None:
        raise Missing("There is no such live connection.")
    with transaction.atomic():
        session = LiveSession.objects.select_for_update().filter(pk=connection_id).first()
        if session is None:
            raise Missing("There is no such live connection.")
        _check(session, principal)
        session.token_kind, session.token_id = principal.kind, principal.token_id
        session.scopes = sorted(principal.scopes)
        expires_at = principal.expires_at
        session.expires_at = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
        session.save(update_fields=["token_kind", "token_id", "scopes", "expires_at"])
        body = {"session": session.pk, "principal": principal_as_json(principal)}
        announce("command", SessionCommand.objects.create(kind="renew", body=body).pk)
    return session


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
