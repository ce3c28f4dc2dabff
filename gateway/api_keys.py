"""Whose API key, or test key, is this (`gateway.authenticators.Authenticator`)? When was it, or a subscription, used?

They look at rows of the control plane; what they answer is the core's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apis.models import ApiKey, Subscription, TestKey
from apis.permissions import Actor, can_see_api
from gateway.batches import chunks
from gateway.core.restrictions import Restrictions
from gateway.core.snapshot import TEST_KEY, Principal


class ApiKeys:
    """API keys of applications that were neither revoked nor have expired."""

    def find(self, key: str) -> Principal | None:
        row = _usable_keys().select_related("application").filter(digest=key).first()
        if row is None:
            return None
        return Principal(
            kind="api_key",
            token_key=key,
            token_id=str(row.pk),
            application_id=str(row.application_id),
            key_type=row.key_type,
            end_user=str(row.application.owner_id),
            expires_at=_until(row.expires_at),
            restrictions=Restrictions.of(row.permitted_ips, row.permitted_referers),
        )

    def alive(self, token_ids: Iterable[str]) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for chunk in chunks(token_ids):
            rows = ApiKey.objects.filter(pk__in=chunk, revoked_at__isnull=True)
            found.update((str(pk), _until(expires)) for pk, expires in rows.values_list("pk", "expires_at"))
        return found


class TestKeys:
    """Test keys of people who may still see the API they are for."""

    def find(self, key: str) -> Principal | None:
        row = TestKey.objects.select_related("person", "api").filter(digest=key, expires_at__gt=timezone.now()).first()
        if row is None or not _still(row):
            return None
        return Principal(
            kind=TEST_KEY,
            token_key=key,
            token_id=str(row.pk),
            key_type=row.key_type,
            end_user=str(row.person_id),
            expires_at=row.expires_at.timestamp(),
            api_id=str(row.api_id),
        )

    def alive(self, token_ids: Iterable[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for chunk in chunks(token_ids):
            rows = TestKey.objects.select_related("person", "api").filter(pk__in=chunk)
            found.update((str(row.pk), row.expires_at.timestamp()) for row in rows if _still(row))
        return found


def _usable_keys() -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()), revoked_at__isnull=True)


def _until(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _still(row: TestKey) -> bool:
    return row.person.is_active and can_see_api(Actor.of(row.person), row.api)


EVERY_S: Final = 60.0
"""A subscription's last use is written at most once in so long."""


class Uses:
    """When API keys and subscriptions were used last: noted in memory, written all at once now and then."""

    def __init__(self) -> None:
        self._keys: dict[str, float] = {}
        self._subscriptions: dict[str, float] = {}
        self._written: dict[str, float] = {}  # subscriptions of the last minute: once in that time is enough
        self._lock = threading.Lock()

    def note(self, principal: Principal, now: float) -> None:
        """A handshake came in with this credential at `now` (epoch seconds)."""
        if principal.kind == "api_key":
            with self._lock:
                self._keys[principal.token_id] = now

    def note_subscriptions(self, ids: Iterable[str], now: float) -> None:
        """Sessions of these subscriptions did something at `now` (epoch seconds)."""
        with self._lock:
            fresh = [one for one in ids if now - self._written.get(one, 0.0) >= EVERY_S]
            self._subscriptions.update(dict.fromkeys(fresh, now))

    def __bool__(self) -> bool:
        return bool(self._keys or self._subscriptions)

    def write(self) -> None:
        """A query or two for CHUNK that were used since the last time; what fails is tried again."""
        with self._lock:
            keys, self._keys = self._keys, {}
            subscriptions, self._subscriptions = self._subscriptions, {}
        try:
            for chunk in chunks(keys):
                ApiKey.objects.filter(pk__in=chunk).update(last_used_at=_newest(keys, chunk))
            for chunk in chunks(sorted(subscriptions)):
                _write_subscriptions(chunk, _newest(subscriptions, chunk))
        except BaseException:
            with self._lock:
                self._keys = {**keys, **self._keys}
                self._subscriptions = {**subscriptions, **self._subscriptions}
            raise
        now = max(subscriptions.values(), default=0.0)
        kept = {one: at for one, at in self._written.items() if now - at < EVERY_S}
        self._written = {**kept, **subscriptions}


def _newest(noted: dict[str, float], chunk: Iterable[str]) -> datetime:
    return datetime.fromtimestamp(max(noted[key] for key in chunk), UTC)


def _write_subscriptions(chunk: Iterable[str], moment: datetime) -> None:
    """Rows are locked in the order of their keys, or two processes that share many could wait for each other."""
    rows = Subscription.objects.filter(pk__in=chunk)
    with transaction.atomic():
        held = list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
        older = Q(last_used_at__isnull=True) | Q(last_used_at__lt=moment)
        Subscription.objects.filter(older, pk__in=held).update(last_used_at=moment)


uses: Final = Uses()
