"""One-time tickets: a short-lived right to connect once, for browsers and for whoever must not carry a token (D3).

A ticket stands for the principal it was minted with: it is worth nothing once that credential is revoked, and the
session that it opened ends with it.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from django.utils import timezone

from gateway import carrying
from gateway.authenticators import AUTHENTICATORS
from gateway.core.identifying import Ticket
from gateway.models import Ticket as TicketRow

LIFE_S: Final = 30  # CONTRACT section 4


def issue(principal: dict[str, Any], api_id: str, *, topic: str | None, origin: str | None) -> tuple[str, str]:
    """Write a ticket down.

    Args:
        principal: whom it stands for, packed (`gateway.carrying`).

    Returns: the ticket in clear, which only its hash is kept of, and the id of the session-to-be.
    """
    ticket, connection_id = secrets.token_urlsafe(32), secrets.token_hex(16)
    TicketRow.objects.create(
        digest=_digest(ticket),
        connection_id=connection_id,
        api_id=api_id,
        principal=principal,
        topic=topic,
        origin=origin,
        expires_at=timezone.now() + timedelta(seconds=LIFE_S),
    )
    return ticket, connection_id


def redeem(digest: str) -> Ticket | None:
    """What a ticket is worth, to the first who asks; None if it is unknown, used, expired, or its credential is dead.

    Args:
        digest: SHA-256 of the ticket in hex.
    """
    row = TicketRow.objects.filter(digest=digest, expires_at__gt=timezone.now()).first()
    if row is None:
        return None
    gone, _ = TicketRow.objects.filter(digest=digest).delete()  # one DELETE: exactly one of those who try deletes it
    if not gone:
        return None
    principal = carrying.unpacked(row.principal)
    alive = AUTHENTICATORS[principal.kind].alive([principal.token_id])
    if principal.token_id not in alive:
        return None
    principal = replace(principal, expires_at=alive[principal.token_id])
    return Ticket(row.connection_id, principal, str(row.api_id), row.topic, row.origin)


def prune() -> None:
    """Delete tickets that nobody used in time."""
    TicketRow.objects.filter(expires_at__lt=timezone.now()).delete()


def _digest(ticket: str) -> str:
    return sha256(ticket.encode("ascii")).hexdigest()
