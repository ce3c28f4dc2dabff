"""Which client may ask for what, and whose requests are refused (RFC 6749, RFC 9700)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, Final
from urllib.parse import urlsplit

from oauth2_provider.models import AccessToken, Grant, RefreshToken
from oauth2_provider.models import Application as OAuthClient
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error, InvalidGrantError

from apis import scoping
from apis.models import Person
from apis.models import Scope as ApiScope
from apis.oauth.resources import target_problem
from apis.roles import Scope, scopes_of
from apis.services.keys import CONSUMER_SCOPE

_LOOPBACK: Final = {"127.0.0.1", "::1"}


def is_consumer(client: OAuthClient | None) -> bool:
    """Whether the client belongs to a consumer application."""
    return client is not None and hasattr(client, "key_pair")


def is_in_use(client: OAuthClient) -> bool:
    """Whether requests of the client are served: a consumer's are not while its owner is disabled."""
    return not is_consumer(client) or client.key_pair.application.owner.is_active


def grantable(scopes: list[str], person: Person | None, client: OAuthClient | None = None) -> list[str]:
    """Those of `scopes` that a token may carry: the default one, and besides for a consumer those of the APIs that its
    application may use, for any other client the management scopes that the person's roles reach.

    Args:
        person: whom the token acts for; None for the client credentials grant, where a consumer's owner decides.
    """
    if client is not None and is_consumer(client):
        wanted = set(scopes) - {CONSUMER_SCOPE}
        found = scoping.scopes_grantable(client.key_pair.application, person, wanted) if wanted else []
        allowed = {CONSUMER_SCOPE, *(scope.name for scope in found)}
    else:
        allowed = {CONSUMER_SCOPE, *(scopes_of(person.held_roles) if person is not None else ())}
    return [scope for scope in scopes if scope in allowed]


def meanings(scopes: list[str]) -> list[tuple[str, str]]:
    """Each scope with what it means, in words, for the person who is asked."""
    known = dict(oauth2_settings.SCOPES)
    rows = ApiScope.objects.filter(name__in=[scope for scope in scopes if scope not in known])
    known |= {row.name: row.description or row.title for row in rows}
    return [(scope, known.get(scope, scope)) for scope in scopes]


class PortalScopes(BaseScopes):
    """Which scopes a client may ask for: consumers the default one and those of APIs, others the management scopes."""

    def get_all_scopes(self) -> dict[str, str]:
        return dict(oauth2_settings.SCOPES)

    def get_available_scopes(
        self, application: OAuthClient | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        if application is None:
            return [CONSUMER_SCOPE]
        if is_consumer(application):
            rows = scoping.scopes_of_application(application.key_pair.application)
            return [CONSUMER_SCOPE, *rows.values_list("name", flat=True)]
        return list(self.get_all_scopes())

    def get_default_scopes(
        self, application: OAuthClient | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return [CONSUMER_SCOPE]


class PortalValidator(OAuth2Validator):
    """Grant types come from the key pair, management scopes only from a person, and a code is good for one use."""

    def _load_application(self, client_id: str | None, request: Any) -> OAuthClient | None:
        if not client_id or "\x00" in client_id:  # PostgreSQL does not take a NUL
            return None
        client = super()._load_application(client_id, request)
        if client is not None and not is_in_use(client):
            request.client = None
            return None
        return client

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
        alone = getattr(request, "grant_type", None) == "client_credentials"  # nobody stands behind the request
        person = None if alone else getattr(request, "user", None)
        if is_consumer(client) and (alone or person is not None or set(scopes) <= {CONSUMER_SCOPE}):
            return grantable(scopes, person, client) == scopes
        if not super().validate_scopes(client_id, scopes, client, request, *args, **kwargs):
            return False
        if alone:
            return not set(scopes) & set(Scope)
        return person is None or grantable(scopes, person, client) == scopes

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """What a refresh may give: of the scopes of before, those that the person may still have at this consumer."""
        before = super().get_original_scopes(refresh_token, request, *args, **kwargs)
        scopes = before.split() if isinstance(before, str) else list(before)
        if not is_consumer(request.client):
            return scopes
        return grantable(scopes, request.user, request.client) or [CONSUMER_SCOPE]

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Exactly one that is registered; only the port of a loopback address may be another (RFC 8252 section 7.3)."""
        if not super().validate_redirect_uri(client_id, redirect_uri, request, *args, **kwargs):
            return False
        return redirect_uri in request.client.redirect_uris.split() or urlsplit(redirect_uri).hostname in _LOOPBACK

    def _check_and_set_request_resource(self, request: Any) -> None:
        """Raises: CustomOAuth2Error (invalid_target) for what no token of this client can be for (RFC 8707)."""
        super()._check_and_set_request_resource(request)
        if problem := target_problem(request.client, request.resource):
            raise CustomOAuth2Error(error="invalid_target", description=problem, request=request)

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        """A code that is not there (any more) may be one that was used: then it voids what it brought.

        Source: RFC 6749 section 4.1.2. The row is locked, so of two uses at once the second waits and is a replay.
        """
        grant = Grant.objects.select_for_update().filter(code=code, application=client).first()
        if grant is None:
            RefreshToken.revoke_family(_family(client, code))
            return False
        if not grant.user.is_active:
            return False
        return super().validate_code(client_id, code, client, request, *args, **kwargs)

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().invalidate_authorization_code(client_id, code, request, *args, **kwargs)
        except InvalidGrantError:
            RefreshToken.revoke_family(_family(request.client, code))
            raise

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        if not super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            return False
        return request.user is None or request.user.is_active

    def _create_refresh_token(
        self, request: Any, refresh_token_code: str, access_token: AccessToken, previous_refresh_token: Any
    ) -> RefreshToken:
        token = super()._create_refresh_token(request, refresh_token_code, access_token, previous_refresh_token)
        if request.grant_type == "authorization_code":
            token.token_family = _family(request.client, request.code)
            token.save(update_fields=["token_family"])
        return token


def _family(client: OAuthClient, code: str) -> uuid.UUID:
    """The family of all tokens that come from one authorization code, so that the code leads back to them."""
    digest = hashlib.sha256(f"{client.pk}:{code}".encode()).digest()
    return uuid.UUID(bytes=digest[:16], version=4)


def _granted(client: OAuthClient) -> set[str]:
    granted = set(client.key_pair.grant_types)
    return granted | {"refresh_token"} if "authorization_code" in granted else granted
