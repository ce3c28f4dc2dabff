"""Whose credential is this? One class for each kind that `core.credentials` finds; they ask the database.

Each has the same three verbs, so that caching, revocation and live control need not know what they look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import AccessToken

from gateway.api_keys import ApiKeys, TestKeys
from gateway.batches import CHUNK, chunks
from gateway.core.snapshot import TEST_KEY, Principal

__all__ = ["AUTHENTICATORS", "CHUNK", "Authenticator", "OAuthTokens", "chunks"]


class Authenticator(Protocol):
    """What a kind of credential must be able to do."""

    def find(self, key: str) -> Principal | None:
        """The principal of a credential by the SHA-256 of it, or None where it is unknown, expired or revoked."""

    def alive(self, token_ids: Iterable[str]) -> Mapping[str, float | None]:
        """Which of these have not been revoked, and their expiry (epoch seconds, None for never). One query for CHUNK.

        Whether one has expired is for whoever asks to tell, by a clock that is never set.
        """


class OAuthTokens:
    """Opaque access tokens of the built-in authorization server that belong to a consumer application.

    Only the checksum is stored (COMPLIANT_BCP_RFC9700_TOKEN_STORAGE). A token of a management client, which has no
    key pair, opens no API; a personal token is not in this table at all.
    """

    def find(self, key: str) -> Principal | None:
        rows = AccessToken.objects.select_related("user", "application__key_pair__application").filter(
            token_checksum=key, application__key_pair__isnull=False, expires__gt=timezone.now()
        )
        token = rows.filter(_usable()).first()
        if token is None:
            return None
        pair = token.application.key_pair
        return Principal(
            kind="oauth",
            token_key=key,
            token_id=str(token.pk),
            application_id=str(pair.application_id),
            key_type=pair.key_type,
            end_user=str(token.user_id or pair.application.owner_id),
            scopes=frozenset(token.scope.split()),
            expires_at=token.expires.timestamp(),
            resources=frozenset(token.resource),
        )

    def alive(self, token_ids: Iterable[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for chunk in chunks(token_ids):
            rows = AccessToken.objects.filter(_usable(), pk__in=chunk)
            found.update((str(pk), expires.timestamp()) for pk, expires in rows.values_list("pk", "expires"))
        return found


def _usable() -> Q:
    """Nobody behind it (client credentials), or somebody who is not disabled."""
    return Q(user__isnull=True) | Q(user__is_active=True)


AUTHENTICATORS: Final[dict[str, Authenticator]] = {
    "oauth": OAuthTokens(),
    "api_key": ApiKeys(),
    TEST_KEY: TestKeys(),
}
