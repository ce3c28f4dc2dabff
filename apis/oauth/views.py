"""/oauth2/*: token, revoke, introspect, and the metadata document. The consent page is in `consent`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from abc import abstractmethod
from typing import Any, ClassVar, Final
from urllib.parse import unquote_plus

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider.models import AccessToken
from oauth2_provider.models import Application as OAuthClient
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import Request as OAuthRequest

from apis.selectors_credentials import scopes_on_offer
from apis.services.attempts import Attempts

GRANT_TYPES: Final = ("authorization_code", "client_credentials", "refresh_token")
AUTH_METHODS: Final = ("client_secret_basic", "client_secret_post")
TRIES: Final = Attempts("client")  # wrong requests of one client from one address
WRONG_FROM: Final = Attempts("client-address", limit=100)  # of whatever clients from one address
REQUESTS: Final = Attempts("token", limit=300)  # all of one client from one address, right ones too
_BASIC_CHALLENGE: Final = 'Basic realm="wsportal"'


def _error(status: int, error: str, description: str, **headers: str) -> JsonResponse:
    """An error answer of RFC 6749 section 5.2."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JsonResponse({"error": error, "error_description": description}, status=status, headers=named)


@method_decorator(csrf_exempt, name="dispatch")
class ClientEndpoint(OAuthLibMixin, View):
    """Base of what clients call with their own credentials: form-encoded POST, failures limited, never cached.

    Failures are counted per client and address (20 a minute) and per address (100 a minute), then 429 (RFC 6585).
    """

    http_method_names = ["post"]
    all_requests: ClassVar[Attempts | None] = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            response: HttpResponse = _error(405, "invalid_request", "Use POST.", Allow="POST")
        elif "\x00" in "".join(str(text) for form in (request.POST, request.GET) for text in form.values()):
            response = _error(400, "invalid_request", "The request contains a NUL character.")
        else:
            response = self._limited(request)
        response["Cache-Control"] = "no-store"
        response["Pragma"] = "no-cache"
        if response.status_code == 401:
            response["WWW-Authenticate"] = _BASIC_CHALLENGE
        return response

    def _limited(self, request: HttpRequest) -> HttpResponse:
        address = request.META.get("REMOTE_ADDR", "")
        who = f"{_client_id(request)} {address}"
        waits = [self.all_requests.begin(who)] if self.all_requests is not None else []
        waits += [TRIES.begin(who), WRONG_FROM.begin(address)]
        if wait := max(waits):
            text = f"Too many requests; try again in {wait} seconds."
            return _error(429, "temporarily_unavailable", text, Retry_After=str(wait))
        try:
            response = self.answer(request)
        except ValueError as error:  # oauthlib's word for encodings that it cannot read
            response = _error(400, "invalid_request", str(error)[:200])
        if response.status_code < 400:
            TRIES.forgive(who)
            WRONG_FROM.forgive(address)
        return response

    @abstractmethod
    def answer(self, request: HttpRequest) -> HttpResponse:
        """What the endpoint does; a ValueError is answered with 400."""

    def client(self, request: HttpRequest) -> OAuthClient | None:
        """The client that authenticated itself with this request, or None."""
        core = self.get_oauthlib_core()
        found = OAuthRequest(*core._extract_params(request))
        return found.client if core.server.request_validator.authenticate_client(found) else None


def _client_id(request: HttpRequest) -> str:
    """Who the client says it is, for counting only."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.POST.get("client_id", "")
    try:
        return unquote_plus(base64.b64decode(encoded).decode().partition(":")[0])
    except (ValueError, binascii.Error):
        return ""


class Token(ClientEndpoint):
    """POST /oauth2/token (RFC 6749 section 3.2); at most 300 requests of a client from one address in a minute."""

    all_requests = REQUESTS

    def answer(self, request: HttpRequest) -> HttpResponse:
        if (grant_type := request.POST.get("grant_type", "")) not in GRANT_TYPES:
            if not grant_type:
                return _error(400, "invalid_request", "grant_type is missing.")
            return _error(400, "unsupported_grant_type", f"Supported are: {', '.join(GRANT_TYPES)}.")
        # One transaction, so that of two uses of a code or refresh token the second waits for the first.
        with transaction.atomic():
            _, headers, body, status = self.create_token_response(request)
        return HttpResponse(body, status=status, headers={"Content-Type": "application/json", **headers})


class Revoke(ClientEndpoint):
    """POST /oauth2/revoke (RFC 7009): the client's own tokens; unknown ones are fine too."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        _, headers, body, status = self.create_revocation_response(request)
        return HttpResponse(body or "", status=status, headers=headers)


class Introspect(ClientEndpoint):
    """POST /oauth2/introspect (RFC 7662): a client learns about its own access tokens, about others nothing."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        client = self.client(request)
        if client is None:
            return _error(401, "invalid_client", "The client could not be authenticated.")
        if not (text := request.POST.get("token", "")):
            return _error(400, "invalid_request", "token is missing.")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        rows = AccessToken.objects.select_related("user").filter(application=client, token_checksum=checksum)
        token = rows.first()
        if token is None or token.is_expired() or (token.user is not None and not token.user.is_active):
            return JsonResponse({"active": False})
        facts = {
            "active": True,
            "scope": token.scope,
            "client_id": client.client_id,
            "token_type": "Bearer",
            "iss": oauth2_settings.oauth2_authorization_server_issuer(request),
            "iat": int(token.created.timestamp()),
            "exp": int(token.expires.timestamp()),
        }
        if token.resource:
            facts["aud"] = token.resource
        if token.user is not None:
            facts |= {"username": token.user.get_username(), "sub": str(token.user.pk)}
        return JsonResponse(facts)


class Metadata(View):
    """GET /.well-known/oauth-authorization-server (RFC 8414). The issuer is the address that was asked."""

    def get(self, request: HttpRequest) -> HttpResponse:
        def at(name: str) -> str:
            return issuer + reverse(name)

        issuer = oauth2_settings.oauth2_authorization_server_issuer(request)
        document = {
            "issuer": issuer,
            "authorization_endpoint": at("oauth2_provider:authorize"),
            "token_endpoint": at("oauth2_provider:token"),
            "revocation_endpoint": at("oauth2_provider:revoke"),
            "introspection_endpoint": at("oauth2_provider:introspect"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": GRANT_TYPES,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [*AUTH_METHODS, "none"],
            "revocation_endpoint_auth_methods_supported": [*AUTH_METHODS, "none"],
            "introspection_endpoint_auth_methods_supported": AUTH_METHODS,
            "scopes_supported": [*oauth2_settings.SCOPES, *scopes_on_offer()],
            "authorization_response_iss_parameter_supported": True,
            "service_documentation": issuer + reverse("rest:docs"),
        }
        return HttpResponse(
            json.dumps(document, indent=2),
            content_type="application/json",
            headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=300"},
        )
