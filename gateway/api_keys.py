"""Whose API key, or test key, is this? And when was it used last? (`gateway.authenticators.Authenticator`.)

They look at rows of the control plane; what they answer is the core's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from apis.models import ApiKey, TestKey
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


class Uses:
    """When API keys were used last: noted in memory, written all at once now and then."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, principal: Principal, now: float) -> None:
        """A handshake came in with this credential at `now` (epoch seconds)."""
        if principal.kind == "api_key":
            with self._lock:
                self._noted[principal.token_id] = now

    def __bool__(self) -> bool:
        return bool(self._noted)

    def write(self) -> None:
        """One query for CHUNK keys that were used since the last time; what fails is tried again."""
        with self._lock:
            noted, self._noted = self._noted, {}
        try:
            for chunk in chunks(noted):
                moment = datetime.fromtimestamp(max(noted[key] for key in chunk), UTC)
                ApiKey.objects.filter(pk__in=chunk).update(last_used_at=moment)
        except BaseException:
            with self._lock:
                self._noted = {**noted, **self._noted}
            raise


uses: Final = Uses()
