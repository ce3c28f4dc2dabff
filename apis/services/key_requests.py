"""Credentials that an administrator approves first: asked for, waited for, and refused until then.

What is approved is that an application connects with credentials of one key type. Nothing is made before: the owner
makes the keys afterwards, and is the only one who ever sees their secret.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apis.errors import Conflict
from apis.models import Application, Approval
from apis.permissions import Actor, require_own
from apis.services.approval_rules import keys_wait
from apis.services.holding import hold
from apis.services.requests import ask, require_approved
from apis.words import phrase


def is_allowed(actor: Actor, application: Application, key_type: str) -> bool:
    """Whether this application may have credentials of a key type now: nobody is asked, or somebody said yes, or it
    has some already."""
    if not keys_wait(actor, key_type):
        return True
    if application.key_pairs.filter(key_type=key_type).exists():
        return True
    if application.api_keys.filter(key_type=key_type, revoked_at__isnull=True).exists():
        return True
    approved = application.approvals.filter(kind=Approval.Kind.KEYS, state=Approval.State.APPROVED)
    return approved.filter(wanted__key_type=key_type).exists()


def require_allowed(actor: Actor, application: Application, key_type: str) -> None:
    """Raises: Conflict (`keys_need_approval`) where an administrator has to say yes first."""
    if not is_allowed(actor, application, key_type):
        raise Conflict(
            phrase(
                "{application} needs an administrator's approval for {key_type} keys; ask to generate them first.",
                application=application,
                key_type=key_type,
            ),
            code="keys_need_approval",
        )


@transaction.atomic
def keys_ask(
    *, actor: Actor, application: Application, key_type: str, grant_types: Sequence[str], redirect_uris: Sequence[str]
) -> Approval | None:
    """Ask for credentials of one key type, where that is needed.

    Args:
        grant_types, redirect_uris: what the keys are to be like, for who decides; they were checked.

    Returns: the request that waits, a new one or the one that waits already; None where keys can be generated now.

    Raises: Missing, Forbidden; Conflict for an application that is not approved itself.
    """
    require_own(actor, application)
    require_approved(hold(application))
    if is_allowed(actor, application, key_type):
        return None
    waiting = application.approvals.filter(kind=Approval.Kind.KEYS, state=Approval.State.WAITING)
    found: Approval | None = waiting.filter(wanted__key_type=key_type).first()
    return found or ask(
        actor, Approval.Kind.KEYS, application, application=application, key_type=key_type,
        grant_types=list(grant_types), redirect_uris=list(redirect_uris),
    )  # fmt: skip
