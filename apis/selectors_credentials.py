"""What may be seen of credentials, and of scopes that tokens may carry."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.db.models import QuerySet
from oauth2_provider.models import AccessToken

from apis import selectors
from apis.errors import Missing
from apis.models import ApiKey, Application, PersonalToken, Topic
from apis.permissions import Actor, owns


def api_key_get(actor: Actor, application: Application, key_id: UUID) -> ApiKey:
    """Raises: Missing."""
    key = application.api_keys.filter(pk=key_id).first()
    if key is None or not owns(actor, application):
        raise Missing("This application has no such API key.")
    return key


def scopes_on_offer() -> list[str]:
    """Names of the scopes that topics of APIs on offer to everybody ask for, sorted."""
    offers = selectors.apis_on_offer(None).order_by().values("pk")
    asked: set[str] = set()
    for row in Topic.objects.filter(api__in=offers, security="oauth").values_list(
        "scopes", "subscribe_scopes", "publish_scopes"
    ):
        asked.update(*row)
    return sorted(asked)


def access_token_find(token: str) -> AccessToken | None:
    """The valid OAuth access token that this text is, with its person and client, or None.

    Tokens are kept as SHA-256 only (COMPLIANT_BCP_RFC9700_TOKEN_STORAGE); a disabled person's are void.
    """
    rows = AccessToken.objects.select_related("user", "application__key_pair__application__owner")
    found = rows.filter(token_checksum=hashlib.sha256(token.encode()).hexdigest()).first()
    if found is None or found.is_expired() or (found.user is not None and not found.user.is_active):
        return None
    return found


def personal_tokens_of(actor: Actor) -> QuerySet[PersonalToken]:
    """The person's own tokens, newest first, expired ones included."""
    return actor.person.personal_tokens.all()


def personal_token_get(actor: Actor, token_id: UUID | str) -> PersonalToken:
    """Raises: Missing for anybody else's."""
    token = personal_tokens_of(actor).filter(pk=token_id).first()
    if token is None:
        raise Missing("There is no such token.")
    return token
