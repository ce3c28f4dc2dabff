"""How an API is protected, and the API keys of an application, in the administration."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from apis.admin.base import ServiceAdmin
from apis.admin.fields import Choice, Choices, Lines, Whole, YesNo
from apis.admin.pages import Page, PageForm, answer, show_secret
from apis.models import Api, Application
from apis.roles import Capability
from apis.seeing import seen_in
from apis.selectors_credentials import api_key_get
from apis.selectors_key_managers import key_manager_names
from apis.services import api_keys, securing
from apis.shapes import KEY_TYPES
from apis.shapes_security import SCHEME_LABELS
from apis.words import phrase

_LISTS = ("origins", "mask")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class SecurityForm(PageForm):
    """Fields are named as in apis.shapes_security; lists are one entry a line."""

    schemes = Choices(label="Accepted", choices=list(SCHEME_LABELS.items()))
    key_managers = Choices(label="Key managers", help_text="Whose tokens count; none: of every one that is enabled.")
    query_credentials = YesNo(
        label="Credentials in the address",
        help_text="Accept ?access_token= and ?apikey=. Addresses end up in the logs of proxies.",
    )
    origins = Lines(
        label="Pages that may connect",
        help_text="Origins exactly as browsers send them, one a line; empty = any. Programs send none and may.",
    )
    backend_jwt = YesNo(label="Tell the backend who is calling", help_text="By a signed X-JWT-Assertion.")
    inspect_payload = YesNo(label="Payloads in the frame inspector", help_text="Every look is written down.")
    mask = Lines(label="Masked in payloads", rows=2, help_text="JSON pointers, one a line.")

    fieldsets = (
        ("Credentials", ("schemes", "key_managers", "query_credentials")),
        ("Browsers", ("origins",)),
        ("Backend and payloads", ("backend_jwt", "inspect_payload", "mask")),
    )
    mandatory = ("schemes",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict.fromkeys([*key_manager_names(), *self.initial.get("key_managers", ())])
        self.fields["key_managers"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


def _initial(settings: dict[str, Any]) -> dict[str, Any]:
    return settings | {name: "\n".join(settings[name]) for name in _LISTS}


class SecurityPages(ServiceAdmin):
    """Pages below `/admin/apis/api/<id>/`."""

    def get_urls(self) -> list[URLPattern]:
        pages = {"security": self.security_page, "test-key": self.test_key_page}
        urls = [
            path(f"<uuid:object_id>/{name}/", self.admin_site.admin_view(view), name=f"apis_api_{name}")
            for name, view in pages.items()
        ]
        return urls + super().get_urls()

    def security_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api: Api = self.find(request, object_id)
        if not self._any(request, (Capability.DESIGN_APIS,)):
            raise PermissionDenied

        def run(cleaned: dict[str, Any]) -> str:
            settings = cleaned | {name: _lines(cleaned[name]) for name in _LISTS}
            securing.security_configure(actor=self.actor(request), api=api, settings=settings, seen=seen_in(request))
            return phrase("The security settings of {api} were saved.", api=api)

        page = Page(
            title=phrase("Security of {api}", api=api),
            button="Save settings",
            run=run,
            text="Where the API is deployed, a change holds at once: who could not connect any more is disconnected.",
            again=lambda merged: _initial(merged["security"]),
        )
        return answer(self, request, api, page, SecurityForm, initial=_initial(api.security))

    def test_key_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api: Api = self.find(request, object_id)
        if not self._any(request, (Capability.DEPLOY_APIS,)):
            raise PermissionDenied

        def run(cleaned: dict[str, Any]) -> HttpResponse:
            _, key = api_keys.api_test_key_create(
                actor=self.actor(request), api=api, key_type=cleaned["key_type"] or KEY_TYPES[0]
            )
            text = (
                "Copy it now: it is kept as a hash only. It opens this API for an hour; send it in the header ApiKey."
            )
            return show_secret(
                self, request, api, title=phrase("Test key for {api}", api=api), text=text, values={"Test key": key}
            )

        text = "It opens what is deployed of this API before anybody can subscribe, for an hour, on nobody's bill."
        page = Page(phrase("Test key for {api}", api=api), "Make a test key", run, text)
        return answer(self, request, api, page, TestKeyForm)


class TestKeyForm(PageForm):
    key_type = Choice(label="Endpoint", choices=[(kind, phrase("{kind} endpoints", kind=kind)) for kind in KEY_TYPES])


class ApiKeyForm(PageForm):
    """An API key; lists are one entry a line."""

    key_type = Choice(label="For", choices=[(kind, phrase("{kind} endpoints", kind=kind)) for kind in KEY_TYPES])
    expires_in = Whole(label="Works for", help_text="Seconds; empty = until it is revoked.")
    permitted_ips = Lines(label="Permitted addresses", rows=2, help_text="Addresses and networks, one a line.")
    permitted_referers = Lines(label="Permitted pages", rows=2, help_text="Such as *.example.com/shop/*, one a line.")


class ApiKeyPages(ServiceAdmin):
    """Pages below `/admin/apis/application/<id>/api-keys/`."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        urls = [
            path("<uuid:object_id>/api-keys/add/", wrap(self.api_key_page), name="apis_application_api-key"),
            path(
                "<uuid:object_id>/api-keys/<uuid:key_id>/revoke/",
                wrap(self.api_key_revoke_page),
                name="apis_application_api-key-revoke",
            ),
        ]
        return urls + super().get_urls()

    def api_key_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        application: Application = self.find(request, object_id)

        def run(cleaned: dict[str, Any]) -> HttpResponse:
            wish = cleaned | {name: _lines(cleaned[name]) for name in ("permitted_ips", "permitted_referers")}
            wish["key_type"] = wish["key_type"] or KEY_TYPES[0]
            _, key = api_keys.api_key_create(actor=self.actor(request), application=application, **wish)
            text = "Copy it now: it is kept as a hash only and cannot be shown again."
            title = phrase("API key of {application}", application=application)
            return show_secret(self, request, application, title=title, text=text, values={"API key": key})

        text = "It opens the APIs that the application is subscribed to and that accept API keys."
        page = Page(phrase("API key for {application}", application=application), "Make an API key", run, text)
        return answer(self, request, application, page, ApiKeyForm)

    def api_key_revoke_page(self, request: HttpRequest, object_id: UUID, key_id: UUID) -> HttpResponse:
        application: Application = self.find(request, object_id)
        key = api_key_get(self.actor(request), application, key_id)

        def run(_: dict[str, Any]) -> str:
            api_keys.api_key_revoke(actor=self.actor(request), key=key)
            return phrase("The API key that ends in {hint} was revoked.", hint=key.hint)

        text = "It stops working at once and for good, and whoever is connected with it is disconnected."
        page = Page(phrase("Revoke the API key that ends in {hint}", hint=key.hint), "Revoke", run, text, danger=True)
        return answer(self, request, application, page, PageForm)
