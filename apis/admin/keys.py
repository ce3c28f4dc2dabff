"""Consumer keys on an application's page: generate, change their grants, replace the secret."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from apis import shapes
from apis.admin.base import ServiceAdmin
from apis.admin.fields import Choices, Lines
from apis.admin.pages import Page, PageForm, answer, show_secret
from apis.models import Application, Approval, KeyPair
from apis.services import keys
from apis.words import phrase


class KeysForm(PageForm):
    """Which OAuth grants an application's keys may use."""

    grant_types = Choices(
        choices=[
            ("client_credentials", "Client credentials: the program itself"),
            ("authorization_code", "Authorization code with PKCE: a person in a browser"),
        ]
    )
    redirect_uris = Lines(label="Redirect URIs", help_text="One a line; needed for the authorization code.")

    @staticmethod
    def values_of(cleaned: dict[str, Any]) -> dict[str, Any]:
        return {"grant_types": cleaned["grant_types"], "redirect_uris": cleaned["redirect_uris"].split()}


class KeyPages(ServiceAdmin):
    """Pages below `/admin/apis/application/<id>/keys/<key type>/`."""

    def get_urls(self) -> list[URLPattern]:
        pages = {"generate": self.generate_page, "grants": self.grants_page, "secret": self.secret_page}
        urls = [
            path(
                f"<uuid:object_id>/keys/<str:key_type>/{name}/",
                self.admin_site.admin_view(view),
                name=f"apis_application_keys_{name}",
            )
            for name, view in pages.items()
        ]
        return urls + super().get_urls()

    def _pair(self, request: HttpRequest, object_id: UUID, key_type: str) -> tuple[Application, KeyPair | None]:
        application: Application = self.find(request, object_id)
        if key_type not in shapes.KEY_TYPES:
            raise Http404
        return application, application.key_pairs.select_related("client").filter(key_type=key_type).first()

    def generate_page(self, request: HttpRequest, object_id: UUID, key_type: str) -> HttpResponse:
        application, _ = self._pair(request, object_id, key_type)

        def run(cleaned: dict[str, Any]) -> str | HttpResponse:
            made = keys.keys_generate_or_ask(
                actor=self.actor(request), application=application, key_type=key_type, **KeysForm.values_of(cleaned)
            )
            if isinstance(made, Approval):
                return phrase(
                    "An administrator decides about the {key_type} keys of {application}.",
                    key_type=key_type,
                    application=application,
                )
            return self._secret(request, application, *made)

        page = Page(
            phrase("Keys of {application}: {key_type}", application=application, key_type=key_type),
            "Generate keys",
            run,
        )
        return answer(
            self, request, application, page, KeysForm, initial={"grant_types": list(keys.DEFAULT_GRANT_TYPES)}
        )

    def grants_page(self, request: HttpRequest, object_id: UUID, key_type: str) -> HttpResponse:
        application, pair = self._pair(request, object_id, key_type)
        if pair is None:
            raise Http404

        def run(cleaned: dict[str, Any]) -> str:
            keys.keys_update(actor=self.actor(request), pair=pair, **KeysForm.values_of(cleaned))
            return phrase(
                "The {key_type} keys of {application} were saved.", key_type=key_type, application=application
            )

        page = Page(
            phrase("Grants of the {key_type} keys of {application}", key_type=key_type, application=application),
            "Save",
            run,
        )
        initial = {"grant_types": pair.grant_types, "redirect_uris": "\n".join(pair.client.redirect_uris.split())}
        return answer(self, request, application, page, KeysForm, initial=initial)

    def secret_page(self, request: HttpRequest, object_id: UUID, key_type: str) -> HttpResponse:
        application, pair = self._pair(request, object_id, key_type)
        if pair is None:
            raise Http404

        def run(cleaned: dict[str, Any]) -> HttpResponse:
            secret = keys.secret_regenerate(actor=self.actor(request), pair=pair)
            return self._secret(request, application, pair, secret)

        text = "The present secret stops working at once. Tokens that were made with it live on."
        page = Page(
            phrase("New {key_type} secret for {application}", key_type=key_type, application=application),
            "Make a new secret",
            run,
            text,
            danger=True,
        )
        return answer(self, request, application, page, PageForm)

    def _secret(self, request: HttpRequest, application: Application, pair: KeyPair, secret: str) -> HttpResponse:
        return show_secret(
            self,
            request,
            application,
            title=phrase("Keys of {application}: {key_type}", application=application, key_type=pair.key_type),
            text="Copy the secret now: it is kept as a hash only and cannot be shown again.",
            values={"Consumer key": pair.client.client_id, "Consumer secret": secret},
        )
