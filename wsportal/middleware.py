"""Small middlewares that settings alone cannot express."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

SECURE_PREFIX: Final = "__Host-"
_FOR_PROGRAMS: Final = ("/api/", "/oauth2/token", "/oauth2/revoke", "/oauth2/introspect", "/metrics", "/.well-known/")


class PerSchemeCookiesMiddleware:
    """Gives cookies other names over https than over http.

    Cookies ignore ports, and a browser refuses to replace a Secure cookie from an http page; with one name for both
    portal addresses (CONTRACT section 2) signing in at one would sign out at the other. Over https the names get
    the `__Host-` prefix (RFC 6265bis section 4.1.3.2) and the Secure attribute.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        named = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME)
        self.names = (*named, "messages")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.is_secure():
            return self.get_response(request)
        for name in self.names:
            request.COOKIES.pop(name, None)  # a plain cookie over https may have been planted from http
            if (value := request.COOKIES.get(SECURE_PREFIX + name)) is not None:
                request.COOKIES[name] = value
        response = self.get_response(request)
        for name in self.names:
            if (morsel := response.cookies.pop(name, None)) is None:
                continue
            response.cookies[SECURE_PREFIX + name] = morsel.value
            renamed = response.cookies[SECURE_PREFIX + name]
            for attribute, value in morsel.items():
                renamed[attribute] = value
            renamed["secure"] = True
            renamed["path"] = "/"
            renamed["domain"] = ""
        return response


class PortalLocaleMiddleware(LocaleMiddleware):
    """Pages speak the language that a person chose, or the first one that their browser asks for and that there is.

    What programs read speaks English whatever they ask for: words in REST and OAuth answers are part of the contract.
    """

    def process_request(self, request: HttpRequest) -> None:
        if request.path.startswith(_FOR_PROGRAMS):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith(_FOR_PROGRAMS):
            return response
        return super().process_response(request, response)


class PortalCSPMiddleware(CSPMiddleware):
    """Strict everywhere; the administration needs Alpine's evaluator and style attributes (unfold)."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/admin/"):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": ["'self'", "'unsafe-eval'"],
                "style-src": ["'self'", "'unsafe-inline'"],
            }
        return super().process_response(request, response)
