"""What may be seen of credentials other than OAuth tokens."""

from __future__ import annotations

from uuid import UUID

from apis.errors import Missing
from apis.models import ApiKey, Application
from apis.permissions import Actor, owns


def api_key_get(actor: Actor, application: Application, key_id: UUID) -> ApiKey:
    """Raises: Missing."""
    key = application.api_keys.filter(pk=key_id).first()
    if key is None or not owns(actor, application):
        raise Missing("This application has no such API key.")
    return key
