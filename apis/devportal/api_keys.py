"""API keys of an application. A key stands only in the answer to the POST that made it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apis import selectors
from apis.devportal import commands
from apis.devportal.base import add_errors, member, own_page
from apis.errors import ServiceError
from apis.models import Application
from apis.saying import said
from apis.selectors_credentials import api_key_get
from apis.services import api_keys
from apis.shapes import KEY_TYPES
from apis.words import phrase

DAY_S: Final = 86_400
LIVES: Final = (("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until it is revoked"))
_AREA: Final = {"class": "form-control", "rows": 2, "spellcheck": "false", "autocomplete": "off"}


def _select(label: str, choices: Any, initial: str) -> forms.ChoiceField:
    widget = forms.Select({"class": "form-select"})
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=widget, initial=initial)


def _lines(label: str, placeholder: str) -> forms.CharField:
    widget = forms.Textarea({**_AREA, "placeholder": placeholder})
    return forms.CharField(label=label, required=False, strip=False, widget=widget)


class ApiKeyForm(forms.Form):
    """A new API key; lists are one entry a line."""

    key_type = _select("For", [(kind, f"{kind.capitalize()} endpoints") for kind in KEY_TYPES], KEY_TYPES[0])
    expires_in = _select("Works for", LIVES, "90")
    permitted_ips = _lines("Permitted addresses", "192.0.2.0/24")
    permitted_referers = _lines("Permitted pages", "https://app.example.com")

    def wish(self) -> dict[str, Any]:
        """What was asked for, in the words of the service."""
        typed = self.cleaned_data
        return {
            "key_type": typed["key_type"] or KEY_TYPES[0],
            "expires_in": int(typed["expires_in"]) * DAY_S if typed["expires_in"] else None,
            **{name: _entries(typed[name]) for name in ("permitted_ips", "permitted_referers")},
        }


def _entries(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@own_page
def keys(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """The API keys of an application; a POST makes one, and its answer shows it, once."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    if request.method != "POST":
        return _page(request, application, ApiKeyForm())
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return _page(request, application, form, status=400)
    try:
        row, key = api_keys.api_key_create(actor=actor, application=application, **form.wish())
    except ServiceError as error:
        add_errors(form, error)
        return _page(request, application, form, status=error.status)
    apis = [subscription.api for subscription in selectors.subscriptions_of(application)]
    api = next((one for one in apis if "api_key" in one.security["schemes"]), None)
    lines = commands.key_commands(commands.connect_urls(api), key) if api else []
    return _page(request, application, ApiKeyForm(), news={"key": key, "row": row, "api": api, "connect": lines})


def _page(
    request: HttpRequest, application: Application, form: ApiKeyForm, *, status: int = 200, **extra: Any
) -> HttpResponse:
    rows = list(application.api_keys.all())
    context = {"application": application, "rows": rows, "form": form, **extra}
    return render(request, "devportal/api_keys.html", context, status=status)


@own_page
def revoke(request: HttpRequest, application_id: UUID, key_id: UUID) -> HttpResponse:
    """Ask, then revoke an API key."""
    actor = member(request)
    application = selectors.application_get(actor, application_id)
    key = api_key_get(actor, application, key_id)
    if request.method != "POST":
        context = {
            "title": phrase("Revoke an API key of {application}", application=application),
            "application": application,
            "key": key,
        }
        return render(request, "devportal/api_key_revoke.html", context)
    try:
        api_keys.api_key_revoke(actor=actor, key=key)
    except ServiceError as error:
        messages.error(request, said(error.detail))
    else:
        messages.success(request, said(phrase("The key that ends in {hint} is revoked.", hint=key.hint)))
    return redirect("devportal:api-keys", application.pk)
