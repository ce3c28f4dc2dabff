"""What may be seen of credentials other than OAuth tokens, and of scopes that tokens may carry."""

from __future__ import annotations

from uuid import UUID

from apis.errors import Missing
from apis.lifecycle import VISIBLE_TO_DEVELOPERS
from apis.models import ApiKey, Application, Topic
from apis.permissions import Actor, owns


def api_key_get(actor: Actor, application: Application, key_id: UUID) -> ApiKey:
    """Raises: Missing."""
    key = application.api_keys.filter(pk=key_id).first()
    if key is None or not owns(actor, application):
        raise Missing("This application has no such API key.")
    return key


def scopes_on_offer() -> list[str]:
    """Names of the scopes that topics of APIs on offer ask for, sorted."""
    asked: set[str] = set()
    for row in Topic.objects.filter(api__state__in=VISIBLE_TO_DEVELOPERS, security="oauth").values_list(
        "scopes", "subscribe_scopes", "publish_scopes"
    ):
        asked.update(*row)
    return sorted(asked)
