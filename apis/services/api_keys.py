"""API keys of applications, and test keys of the people who make APIs. Each is shown once and kept as a hash."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone

from apis.errors import Conflict, Invalid, Missing
from apis.lifecycle import LABELS, State
from apis.models import Api, ApiKey, Application, TestKey
from apis.permissions import Actor, can_see_api, require_own
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.key_requests import require_allowed
from apis.services.record import announce, record
from apis.services.requests import require_approved
from apis.shapes import KEY_TYPES
from apis.shapes_keys import KEY_PREFIX, TEST_KEY_PREFIX, key_problems
from apis.words import phrase

HINT = 4  # characters of a key that are kept, to tell keys apart
KEYS_LIMIT = 100  # usable ones of one application
TEST_KEY_SECONDS = 3600
CLOSED = frozenset({State.BLOCKED, State.RETIRED})


def _new(prefix: str) -> tuple[str, str]:
    """A key in clear and its digest."""
    key = prefix + secrets.token_urlsafe(32)
    return key, sha256(key.encode("ascii")).hexdigest()


@transaction.atomic
def api_key_create(
    *,
    actor: Actor,
    application: Application,
    key_type: str,
    expires_in: int | None = None,
    permitted_ips: Sequence[Any] = (),
    permitted_referers: Sequence[Any] = (),
) -> tuple[ApiKey, str]:
    """Make an API key of an application.

    Args:
        expires_in: seconds; None for a key that works until it is revoked.
        permitted_ips: addresses and networks it may be used from; none for any.
        permitted_referers: pages it may be used on (shape: apis.shapes_keys); none for any.

    Returns: the row, and the key in clear, shown once.

    Raises: Missing, Forbidden; Invalid with paths such as "permitted_ips/0"; Conflict for too many keys.
    """
    require_own(actor, application)
    ips, referers = list(permitted_ips), list(permitted_referers)
    if problems := key_problems(key_type, expires_in, ips, referers):
        raise Invalid(problems)
    require_approved(hold(application))
    require_allowed(actor, application, key_type)
    if application.api_keys.filter(revoked_at__isnull=True).count() >= KEYS_LIMIT:
        raise Conflict(
            phrase("An application has at most {most} API keys; revoke one first.", most=KEYS_LIMIT),
            code="too_many_keys",
        )
    key, digest = _new(KEY_PREFIX)
    expires_at = timezone.now() + timedelta(seconds=expires_in) if expires_in else None
    row = ApiKey.objects.create(
        application=application, key_type=key_type, digest=digest, hint=key[-HINT:], permitted_ips=ips,
        permitted_referers=referers, expires_at=expires_at,
    )  # fmt: skip
    until = expires_at.isoformat() if expires_at else None
    record(actor, "create_api_key", application, key_type=key_type, hint=row.hint, expires_at=until)
    return row, key


@transaction.atomic
def api_key_revoke(*, actor: Actor, key: ApiKey) -> ApiKey:
    """Revoke an API key for good: it opens nothing any more, and its live sessions are closed within a second.

    Raises: Missing, Forbidden; Conflict where it is revoked already.
    """
    require_own(actor, hold(key).application)
    if key.revoked_at is not None:
        raise Conflict("This API key is revoked already.", code="revoked")
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    record(actor, "revoke_api_key", key.application, key_type=key.key_type, hint=key.hint)
    announce("token", key.pk)
    return key


@transaction.atomic
def api_test_key_create(*, actor: Actor, api: Api, key_type: str = "production") -> tuple[TestKey, str]:
    """Make a key for an hour with which its makers try an API that is deployed, whatever its state, and only that.

    Returns: the row, and the key in clear, shown once.

    Raises: Missing, Forbidden without the creator or publisher role; Invalid; Conflict for an API that nobody may
    reach (blocked, retired) or that is not deployed.
    """
    actor.require(Capability.DEPLOY_APIS)
    if not can_see_api(actor, api):
        raise Missing("There is no such API.")
    if key_type not in KEY_TYPES:
        raise Invalid({"key_type": phrase("This should be one of: {known}.", known=", ".join(KEY_TYPES))})
    hold(api)
    if api.state in CLOSED:
        raise Conflict(
            phrase("{api} is {labels}, so nobody can reach it.", api=api, labels=LABELS[State(api.state)]),
            code="not_reachable",
        )
    if not api.deployments.exists():
        raise Conflict(phrase("{api} is not deployed; deploy a revision first.", api=api), code="not_deployed")
    TestKey.objects.filter(api=api, expires_at__lt=timezone.now()).delete()
    key, digest = _new(TEST_KEY_PREFIX)
    row = TestKey.objects.create(
        api=api, person=actor.person, key_type=key_type, digest=digest,
        expires_at=timezone.now() + timedelta(seconds=TEST_KEY_SECONDS),
    )  # fmt: skip
    record(actor, "create_test_key", api, api=api, key_type=key_type)
    return row, key
