"""How the built-in authorization server (django-oauth-toolkit) treats our clients.

Two kinds of client exist: consumer applications (an OAuthClient with a KeyPair), whose tokens open APIs at the
gateway and nothing else; and management clients without one, whose tokens carry management scopes for REST.
"""

from __future__ import annotations

from typing import Any

from oauth2_provider.models import Application as OAuthClient
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.settings import oauth2_settings

from apis.roles import Scope, scopes_of
from apis.services.keys import CONSUMER_SCOPE


def is_consumer(client: OAuthClient | None) -> bool:
    """Whether the client belongs to a consumer application."""
    return client is not None and hasattr(client, "key_pair")


class PortalScopes(BaseScopes):
    """Which scopes a client may ask for: consumers the default one, others the management scopes too."""

    def get_all_scopes(self) -> dict[str, str]:
        return dict(oauth2_settings.SCOPES)

    def get_available_scopes(
        self, application: OAuthClient | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        if application is None or is_consumer(application):
            return [CONSUMER_SCOPE]
        return list(self.get_all_scopes())

    def get_default_scopes(
        self, application: OAuthClient | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return [CONSUMER_SCOPE]


class PortalValidator(OAuth2Validator):
    """Grant types come from the key pair, management scopes only as far as the person's roles reach."""

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if is_consumer(client):
            return grant_type in _granted(client)
        return super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs)

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if is_consumer(client):
            return response_type == "code" and "authorization_code" in client.key_pair.grant_types
        return super().validate_response_type(client_id, response_type, client, request, *args, **kwargs)

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if not super().validate_scopes(client_id, scopes, client, request, *args, **kwargs):
            return False
        management = set(scopes) & set(Scope)
        person = getattr(request, "user", None)
        if not management or person is None:
            return not management or client.client_type == OAuthClient.CLIENT_CONFIDENTIAL
        return management <= set(scopes_of(getattr(person, "roles", [])))


def _granted(client: OAuthClient) -> set[str]:
    granted = set(client.key_pair.grant_types)
    return granted | {"refresh_token"} if "authorization_code" in granted else granted
