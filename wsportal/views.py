"""The few pages that belong to no room: start, sign in, sign out, errors."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import LoginView, LogoutView
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from apis.roles import Capability
from apis.services.attempts import Attempts

SIGN_INS: Final = Attempts("sign-in", limit=60)  # wrong ones from one address in a minute
_PROBLEMS = {
    400: ("Bad request", "This request could not be understood."),
    403: ("Not allowed", "You may not see this page or do this. Sign in as somebody with the role it needs."),
    404: ("Not found", "There is no such page, or it is not yours to see."),
    500: ("Something went wrong", "The fault is on our side and has been logged. Nothing was changed half-way."),
    503: (
        "Not now",
        "The database does not answer. Nothing was changed half-way; try again in a minute.",
    ),
}
_CODES: Final = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    500: "internal_error",
    503: "unavailable",
}
AWAY_S: Final = 10  # after so many seconds it is worth another try; a database that restarts takes about as long


def home(request: HttpRequest) -> HttpResponseBase:
    """To the portal that fits the person's roles."""
    person = request.user
    if not person.is_authenticated:
        return redirect("login")
    if {Capability.SEE_APIS, Capability.ADMINISTER} & person.capabilities:
        return redirect("publisher:apis")
    return redirect("devportal:apis")


class SignIn(LoginView):
    """User name and password, with lock-out after too many wrong ones: of one name from one address by django-axes, and
    of one address whatever the names, so that nobody tries one password with all of them.
    """

    template_name = "login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check name and password, or say how long to wait (429)."""
        address = request.META.get("REMOTE_ADDR", "")
        if wait := SIGN_INS.begin(address):
            return _locked(request, wait, {"wait": wait})
        answer = super().post(request, *args, **kwargs)
        if answer.status_code == HTTPStatus.FOUND:
            SIGN_INS.forgive(address)
        return answer


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """Too many wrong passwords for one name from one address (settings.AXES_LOCKOUT_CALLABLE)."""
    return _locked(request, round(settings.AXES_COOLOFF_TIME * 3600), {})


def _locked(request: HttpRequest, wait_s: int, context: dict[str, Any]) -> HttpResponse:
    answer = render(request, "lockout.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(wait_s)
    return answer


class SignOut(LogoutView):
    """Ends the browser session (POST only)."""


def _error(request: HttpRequest, status: int, **more: Any) -> HttpResponse:
    title, text = _PROBLEMS[status]
    if request.path.startswith("/api/"):
        phrase = HTTPStatus(status).phrase  # what about:blank stands for (RFC 9457 section 4.2.1)
        body: dict[str, Any] = {"type": "about:blank", "title": phrase, "status": status, "detail": text}
        body["code"] = _CODES[status]
        return JsonResponse(body, status=status, content_type="application/problem+json")
    context = {"status": status, "title": title, "text": text, **more}
    return render(request, "errors/error.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """The fault is ours (500), or the database is away (503): then the page asks nothing of it, not even who looks."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _error(request, 500)
    request.user = AnonymousUser()
    answer = _error(request, 503, messages=(), may={})
    answer.headers["Retry-After"] = str(AWAY_S)
    return answer


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without this session's CSRF token: most often a page from before somebody signed in or out."""
    context = {
        "status": 403,
        "title": "This page is out of date",
        "text": "Somebody signed in or out in this browser since it was opened. Nothing was changed: go back, reload, "
        "and try again.",
        "form_at": _came_from(request),
    }
    return render(request, "errors/error.html", context, status=403)


def _came_from(request: HttpRequest) -> str:
    """The page of ours that a form was sent from, as its path, or "". A script fills in again what was typed."""
    came_from = request.headers.get("referer", "")
    if not url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(came_from)
    return urlunsplit(("", "", parts.path, parts.query, ""))
