"""/oauth2/authorize: a person is asked whether a client may act for them (RFC 6749 section 4.1, RFC 7636).

The page posts back to its own address, so the request is read and checked from the query both times; no field of
the form can change it. Nobody is sent to an address that is not registered for the client.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.models import Application as OAuthClient
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views.base import BaseAuthorizationView
from oauthlib.common import add_params_to_uri

from apis.oauth.policy import grantable, is_consumer, meanings
from apis.oauth.resources import target_problem

_ORIGIN: Final = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7636 section 4.2
# What other standards would add to a request, and this server does not offer: never stored.
_NOT_OFFERED: Final[dict[str, Any]] = {"nonce": "", "claims": {}}


class Refused(Exception):
    """The client is told by a redirect to its registered address (RFC 6749 section 4.1.2.1)."""

    def __init__(self, redirect_uri: str, state: str | None, error: str, description: str = "") -> None:
        super().__init__(error)
        self.redirect_uri = redirect_uri
        self.params = [("error", error), ("error_description", description), ("state", state or "")]


class Authorize(BaseAuthorizationView):
    """Shows the consent page (GET) and takes the answer (POST, `allow=yes`)."""

    http_method_names = ["get", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "\x00" in "".join(str(text) for text in request.GET.values()):
            response = self._unusable("The request contains a NUL character.")
        else:
            response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._answered(request, self._ask)

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._answered(request, self._decide)

    def _answered(self, request: HttpRequest, act: Any) -> HttpResponse:
        try:
            scopes, credentials = self.validate_authorization_request(request)
            client = OAuthClient.objects.get(client_id=credentials["client_id"])
            wanted = self._checked(request, scopes, credentials)
            return act(request, client, wanted, credentials)
        except Refused as refusal:
            return self._sent_back(request, refusal)
        except FatalClientError as error:
            return self._unusable(error.oauthlib_error.description or error.oauthlib_error.error)
        except OAuthToolkitError as error:
            oauth = error.oauthlib_error
            return self._sent_back(request, Refused(oauth.redirect_uri, oauth.state, oauth.error, oauth.description))
        except ValueError as error:  # oauthlib's word for encodings that it cannot read
            return self._unusable(str(error)[:200])

    def _checked(self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any]) -> list[str]:
        """The scopes that this person can grant. Raises: Refused."""
        where, state = credentials["redirect_uri"], credentials.get("state")
        if credentials.get("code_challenge_method") != "S256":
            raise Refused(where, state, "invalid_request", "code_challenge_method must be S256.")
        if not _CHALLENGE.fullmatch(credentials["code_challenge"]):
            raise Refused(where, state, "invalid_request", "code_challenge must be the base64url of a SHA-256.")
        client = OAuthClient.objects.get(client_id=credentials["client_id"])
        if problem := target_problem(client, self._resources()):
            raise Refused(where, state, "invalid_target", problem)
        wanted = grantable(scopes, request.user, client)  # type: ignore[arg-type]
        if not wanted:
            raise Refused(where, state, "invalid_scope", "The person's roles allow none of these scopes.")
        return wanted

    def _resources(self) -> list[str]:
        """What the token shall be for (RFC 8707)."""
        return list(dict.fromkeys(self.request.GET.getlist("resource")))

    def _ask(
        self, request: HttpRequest, client: OAuthClient, scopes: list[str], credentials: dict[str, Any]
    ) -> HttpResponse:
        consumer = client.key_pair.application if is_consumer(client) else None
        context = {
            "name": consumer.name if consumer else client.name,
            "owner": consumer.owner.get_username() if consumer else "",
            "scopes": meanings(scopes),
            "resources": self._resources(),
            "target": urlsplit(credentials["redirect_uri"]).netloc,
        }
        response = render(request, "oauth/authorize.html", context)
        # Browsers check form-action on the redirect that answers the form too; it may go to this client only.
        if origin := _ORIGIN.match(credentials["redirect_uri"]):
            response._csp_update = {"form-action": [origin[0]]}  # type: ignore[attr-defined]
        return response

    def _decide(
        self, request: HttpRequest, client: OAuthClient, scopes: list[str], credentials: dict[str, Any]
    ) -> HttpResponse:
        if request.POST.get("allow") != "yes":
            raise Refused(credentials["redirect_uri"], credentials.get("state"), "access_denied")
        fields = ("client_id", "redirect_uri", "response_type", "state", "code_challenge", "code_challenge_method")
        chosen = {name: credentials.get(name) for name in fields} | _NOT_OFFERED
        chosen["resource"] = self._resources()
        uri, *_ = self.create_authorization_response(request, " ".join(scopes), chosen, allow=True)
        return self.redirect(uri, client)

    def _sent_back(self, request: HttpRequest, refusal: Refused) -> HttpResponse:
        issuer = oauth2_settings.oauth2_authorization_server_issuer(request)  # RFC 9207
        params = [(name, value) for name, value in (*refusal.params, ("iss", issuer)) if value]
        return self.redirect(add_params_to_uri(refusal.redirect_uri, params), None)

    def _unusable(self, reason: str) -> HttpResponse:
        """The client or its address is wrong, so nobody is sent anywhere."""
        return render(self.request, "oauth/unusable.html", {"reason": reason}, status=400)
