"""The Security page: what an API accepts and from which pages; and the test key of whoever makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apis.connecting import connect_urls, quoted, wscat
from apis.errors import Forbidden, ServiceError, Stale
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.forms import ServiceForm, Text
from apis.publisher.pages import PortalRequest, api_page, go, show
from apis.saying import said
from apis.seeing import in_section, seen_in
from apis.selectors_key_managers import key_manager_names
from apis.services import api_keys, securing
from apis.shapes import KEY_TYPES
from apis.shapes_security import SCHEME_LABELS, SCHEMES


class SecurityForm(ServiceForm):
    """How an API is protected; lists are one entry a line."""

    schemes = forms.MultipleChoiceField(
        label="Accepted", required=False, choices=[(name, SCHEME_LABELS[name]) for name in SCHEMES]
    )
    key_managers = forms.MultipleChoiceField(label="Key managers", required=False)
    query_credentials = forms.BooleanField(label="Credentials in the address", required=False)
    origins = Text(label="Pages that may connect")
    backend_jwt = forms.BooleanField(label="Tell the backend who is calling", required=False)
    inspect_payload = forms.BooleanField(label="Payloads in the frame inspector", required=False)
    mask = Text(label="Masked in payloads")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        names = dict.fromkeys([*key_manager_names(), *self.initial.get("key_managers", ())])
        self.fields["key_managers"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def settings(self) -> dict[str, Any]:
        """What was sent, in the shape of `apis.shapes_security.security`."""
        typed = dict(self.cleaned_data)
        return typed | {name: _lines(typed[name]) for name in ("origins", "mask")}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _initial(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**settings, **{name: "\n".join(settings[name]) for name in ("origins", "mask")}}


@api_page
def security(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Credentials, pages and what may be seen of payloads; in words for those who may not change it."""
    form = SecurityForm(request.POST if request.method == "POST" else None, initial=_initial(api.security))
    status, stale = 200, None
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                securing.security_configure(actor=actor, api=api, settings=form.settings(), seen=seen_in(request))
            except Forbidden:
                raise
            except Stale as refusal:
                stale, form = refusal, SecurityForm(initial=_initial(in_section(refusal, "security")))
            except ServiceError as refusal:
                status = form.take(refusal)
            else:
                messages.success(request, said("The security settings are saved."))
                return go(request, "security", api.pk)
    return _page(request, api, {"form": form}, refusal=stale, status=status)


def _page(request: HttpRequest, api: Api, context: dict[str, Any], **options: Any) -> HttpResponse:
    schemes = [SCHEME_LABELS[name] for name in api.security["schemes"]]
    facts = {"schemes": schemes, "is_deployed": api.deployments.exists(), "key_types": KEY_TYPES}
    return show(request, api, "security", facts | context, **options)


@api_page
def test_key(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Make a test key; the answer to this POST shows it, once, with lines to copy."""
    if request.method != "POST":
        return redirect("publisher:security", api.pk)
    key_type = request.POST.get("key_type", KEY_TYPES[0])
    try:
        row, key = api_keys.api_test_key_create(actor=actor, api=api, key_type=key_type)
    except Forbidden:
        raise
    except ServiceError as refusal:
        return _page(request, api, {"form": SecurityForm(initial=_initial(api.security))}, refusal=refusal)
    news = {
        "key": key,
        "key_type": row.key_type,
        "minutes": api_keys.TEST_KEY_SECONDS // 60,
        "lines": [wscat(url, quoted(f"ApiKey: {key}")) for url in connect_urls(api)],
    }
    return _page(request, api, {"form": SecurityForm(initial=_initial(api.security)), "news": news})


def needs_subscription(api: Api) -> bool:
    """Whether every application needs one: no, where the API offers a plan that needs none."""
    return not any(plan.subscriptionless for plan in api.business_plans.all())
