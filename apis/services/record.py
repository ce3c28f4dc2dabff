"""The last two steps of every service: write down who did what, and tell the gateways."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from apis.models import Api, Change, HistoryEntry
from apis.models.history import row_name
from apis.permissions import Actor
from apis.signals import KINDS, changed


def record(
    actor: Actor,
    action: str,
    subject: object,
    *,
    api: Api | None = None,
    about: models.Model | None = None,
    **detail: Any,
) -> HistoryEntry:
    """Write one history entry in the present transaction.

    Args:
        action: a stable word, e.g. "publish".
        subject: what it was done to; its text is kept.
        api: the API whose history shows it, if any.
        about: the row that was changed, where `subject` is not that row itself. What two people make of one row is
            compared by it (apis.services.editions).
        detail: further facts (JSON), e.g. `before` and `after`; never a secret.
    """
    row = about or (subject if isinstance(subject, models.Model) else None)
    return HistoryEntry.objects.create(
        about="" if row is None or row.pk is None else row_name(row),
        api=api,
        actor=actor.person,
        actor_name=actor.person.get_username(),
        subject=str(subject)[:200],
        action=action,
        detail=detail if actor.restores is None else {**detail, "restored": actor.restores},
        via=actor.via[:150],
    )


def announce(kind: str, subject: object) -> None:
    """Tell every gateway that `kind` `subject` must be looked at again, once this transaction is committed.

    In this process by the `changed` signal, in others by a row of the Change table.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of change: {kind}")
    Change.objects.create(kind=kind, subject=str(subject))
    transaction.on_commit(lambda: changed.send(sender=None, kind=kind, subject=str(subject)))
