"""Who is asking: `Authorization: Bearer` for programs, the session cookie for the portals' own pages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from django.conf import settings
from django.contrib.auth import authenticate
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from apis import selectors_credentials
from apis.errors import Forbidden
from apis.models import Person
from apis.permissions import Actor, token_way
from apis.services.attempts import Attempts
from apis.services.people import USERNAME_LIMIT, personal_token_find

BEARER_CHALLENGE: Final = 'Bearer realm="wsportal"'
INVALID_TOKEN_CHALLENGE: Final = BEARER_CHALLENGE + ', error="invalid_token"'
_UNUSABLE: Final = "The access token is unknown, expired or revoked."
TOKEN_LIMIT: Final = 4096  # characters; our own tokens are shorter than 64


@dataclass(frozen=True, slots=True)
class Credential:
    """What stands in `request.auth`.

    Attributes:
        actor: the person, narrowed to what this credential lets through.
        scopes: the scopes of the token; None for a session, which has none.
    """

    actor: Actor
    scopes: tuple[str, ...] | None = None

    @classmethod
    def of(cls, person: Person, scopes: Sequence[str] | None = None, via: str = "REST") -> Credential:
        actor = Actor.of(person, None if scopes is None else list(scopes), via=via)
        return cls(actor, None if scopes is None else tuple(scopes))


class BearerAuthentication(BaseAuthentication):
    """A personal token, or an OAuth 2.0 access token of a person that carries management scopes (RFC 6750)."""

    def authenticate(self, request: Request) -> tuple[Person, Credential] | None:
        """Returns: the person and their Credential, or None where no `Authorization` header was sent.

        Raises: AuthenticationFailed for anything unusable; Forbidden for a token of a consumer application, which
        is valid but carries no management scope.
        """
        token = bearer_token(request)
        if token is None:
            return None
        personal = personal_token_find(token)
        if personal is not None:
            return personal.person, Credential.of(personal.person, personal.scopes, token_way(personal.name))
        access = selectors_credentials.access_token_find(token)
        if access is None:
            raise AuthenticationFailed(_UNUSABLE, code="invalid_token")
        if access.user is None or hasattr(access.application, "key_pair"):
            raise Forbidden("This access token carries no management scope.", code="insufficient_scope")
        way = token_way(access.application.name, client=True) if access.application else "REST"
        return access.user, Credential.of(access.user, access.scope.split(), way)

    def authenticate_header(self, request: Request) -> str:
        return INVALID_TOKEN_CHALLENGE if get_authorization_header(request) else BEARER_CHALLENGE


def bearer_token(request: Request) -> str | None:
    """The token of the `Authorization: Bearer` header, or None without any `Authorization` header.

    Raises: AuthenticationFailed for another scheme or a malformed header.
    """
    header = get_authorization_header(request)
    if not header:
        return None
    scheme, _, token = header.decode("latin-1").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_LIMIT or not token.isascii() or " " in token:
        raise AuthenticationFailed("The Authorization header should be: Bearer <token>.", code="invalid_token")
    return token


class PortalSession(SessionAuthentication):
    """The session of a signed-in person, for pages of the portals; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Person, Credential] | None:
        answer = super().authenticate(request)
        if answer is None:
            return None
        person: Person = answer[0]
        return person, Credential.of(person)


def actor_of(request: Request) -> Actor:
    """The actor of an authenticated request."""
    return credential_of(request).actor


def credential_of(request: Request) -> Credential:
    """The credential of an authenticated request."""
    return cast(Credential, request.auth)


class PasswordAuthentication(BaseAuthentication):
    """HTTP Basic with user name and password (RFC 7617), for minting personal tokens only. Wrong tries are limited."""

    tries = Attempts("password")

    def authenticate(self, request: Request) -> tuple[Person, Credential] | None:
        """Raises: AuthenticationFailed for a wrong password, Throttled after too many of them."""
        header = get_authorization_header(request)
        if not header:
            return None
        address = request.META.get("REMOTE_ADDR", "")
        if wait := self.tries.begin(address):
            raise Throttled(wait)
        username, password = _name_and_password(header)
        person = authenticate(request._request, username=username, password=password)
        if getattr(request._request, "axes_locked_out", False):
            request._request.axes_locked_out = False  # type: ignore[attr-defined]  # or axes answers with its page
            raise Throttled(int(settings.AXES_COOLOFF_TIME * 3600))
        if person is None:
            raise AuthenticationFailed("The user name or the password is wrong.", code="wrong_password")
        self.tries.forgive(address)
        return person, Credential.of(person)

    def authenticate_header(self, request: Request) -> str:
        return 'Basic realm="wsportal", charset="UTF-8"'


def _name_and_password(header: bytes) -> tuple[str, str]:
    scheme, _, encoded = header.partition(b" ")
    try:
        if scheme.lower() != b"basic":
            raise ValueError
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise AuthenticationFailed("This needs HTTP Basic with user name and password.", code="wrong_scheme") from None
    if not colon or "\x00" in username + password or len(username) > USERNAME_LIMIT:
        raise AuthenticationFailed("The user name or the password is wrong.", code="wrong_password")
    return username, password
