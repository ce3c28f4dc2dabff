"""Whose Bearer token is this? For requests over HTTP, outside a handshake."""

from __future__ import annotations

from collections.abc import Iterable

from apis.errors import Unavailable
from gateway.authenticators import AUTHENTICATORS
from gateway.core.credentials import Credential
from gateway.core.rejections import Rejection
from gateway.core.snapshot import Principal
from gateway.foreign import foreign_tokens


def principal_of(token: str, key_managers: Iterable[str] = ()) -> Principal | None:
    """The principal of an access token for APIs, or None where it is unknown, expired or revoked.

    Args:
        key_managers: those that may be asked about a token which says nothing by itself (`Security.key_managers`).

    Asks the database, and key managers. Raises: Unavailable, where one does not answer.
    """
    credential = Credential("oauth", token)
    try:
        return AUTHENTICATORS[credential.kind].find(credential.key) or foreign_tokens.find_token(token, key_managers)
    except Rejection as rejection:
        raise Unavailable(rejection.detail) from None
