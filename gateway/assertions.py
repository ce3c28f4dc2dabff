"""Signing `X-JWT-Assertion`: the keys, and the assertions that are still good (RFC 7515, RFC 7517, RFC 7519).

A key is made when it is needed first and kept sealed. Rotation makes another one; the public half of the old one stays
in the JWKS until nothing that it signed can be valid any more, and longer, for backends that cache the set.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey

from apis.sealing import Unreadable, seal, unseal
from gateway.core.assertions import HEADER, REUSE_S, Facts, claims_of, facts_of
from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal
from gateway.models import SigningKey

log = structlog.get_logger("gateway")

ALGORITHM: Final = "ES256"
KEY_S: Final = 60.0  # a process signs with a key that was rotated out for at most so long
KEPT: Final = timedelta(days=1)  # a retired public key stays in the JWKS
ASSERTIONS: Final = 10_000
Ask = Callable[..., Awaitable[Any]]


class Assertions:
    """The assertions of one process.

    Args:
        ask: runs a database function off the loop.
        clock: epoch seconds.
    """

    def __init__(self, ask: Ask, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._made: OrderedDict[Facts, tuple[float, bytes]] = OrderedDict()
        self._key: tuple[float, ECKey] | None = None
        self._lock: asyncio.Lock | None = None

    async def header(self, api: ApiSnapshot, principal: Principal, entitlement: Entitlement) -> tuple[bytes, bytes]:
        """The header for a handshake: signed now, or not long ago for the same person, application and API.

        Call it in a task: what is not known is looked up.
        """
        facts, now = facts_of(api, principal, entitlement), self._clock()
        made = self._made.get(facts)
        if made is None or not made[0] - REUSE_S <= now < made[0]:  # a clock that was set back counts as old, too
            key = await self._signing_key(now)
            name = await self._ask(name_of, principal.end_user)
            claims = claims_of(facts, name, settings.PORTAL_URL, uuid4().hex, int(now))
            header = {"alg": ALGORITHM, "typ": "JWT", "kid": key.kid}
            token = jwt.encode(header, claims, key, algorithms=[ALGORITHM])
            made = self._made[facts] = now + REUSE_S, token.encode("ascii")
            self._made.move_to_end(facts)
            while len(self._made) > ASSERTIONS:
                self._made.popitem(last=False)
        return HEADER, made[1]

    async def _signing_key(self, now: float) -> ECKey:
        if self._lock is None:
            self._lock = asyncio.Lock()
        async with self._lock:
            if self._key is None or not self._key[0] - KEY_S <= now < self._key[0]:
                self._key = now + KEY_S, await self._ask(current_key)
            return self._key[1]


def name_of(person: str) -> str:
    """The user name of a person by id; what is no id of ours is a name of somebody else's."""
    try:
        found = get_user_model().objects.filter(pk=person).values_list("username", flat=True).first()
    except (ValueError, ValidationError):
        return person
    return found or person


def current_key() -> ECKey:
    """The key to sign with, made now if there is none that can be read."""
    row = SigningKey.objects.filter(current=True).first()
    if row is not None:
        try:
            return ECKey.import_key(unseal(row.private), {"kid": row.kid})
        except Unreadable:
            log.error("signing_key_unreadable", kid=row.kid, hint="sealed with another key; a new one is made")
    try:
        return key_rotate(instead_of=row)
    except IntegrityError:  # another process made one just now
        row = SigningKey.objects.get(current=True)
        return ECKey.import_key(unseal(row.private), {"kid": row.kid})


@transaction.atomic
def key_rotate(instead_of: SigningKey | None = None) -> ECKey:
    """Sign with a new key from now on, in this process at once and in others within KEY_S.

    Args:
        instead_of: the row that was found current; whatever is current now, unless it is given.

    Raises:
        IntegrityError: somebody else rotated meanwhile.
    """
    now = timezone.now()
    rows = SigningKey.objects.filter(current=True)
    if instead_of is not None:
        rows = rows.filter(pk=instead_of.pk)
    rows.update(current=None, retired_at=now)
    SigningKey.objects.filter(retired_at__lt=now - KEPT).delete()
    key = ECKey.generate_key("P-256", auto_kid=True)  # RFC 7638
    public = {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}
    private = seal(key.as_pem(private=True).decode("ascii"))
    SigningKey.objects.create(kid=key.thumbprint(), private=private, public=public, current=True)
    return key


def jwks() -> dict[str, Any]:
    """The public halves: of the current key, and of those that were retired less than KEPT ago (RFC 7517 section 5)."""
    rows = SigningKey.objects.order_by("-created_at")
    oldest = timezone.now() - KEPT
    return {"keys": [row.public for row in rows if row.current or (row.retired_at and row.retired_at >= oldest)]}
