"""Whose Bearer token is this? For requests over HTTP, outside a handshake."""

from __future__ import annotations

from gateway.authenticators import AUTHENTICATORS
from gateway.core.credentials import Credential
from gateway.core.snapshot import Principal


def principal_of(token: str) -> Principal | None:
    """The principal of an access token for APIs, or None where it is unknown, expired or revoked. Asks the database."""
    credential = Credential("oauth", token)
    return AUTHENTICATORS[credential.kind].find(credential.key)
