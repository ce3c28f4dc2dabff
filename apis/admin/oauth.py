"""OAuth: access tokens (never their text) and management clients. Consumer keys live with their applications."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from oauth2_provider.models import AccessToken
from oauth2_provider.models import Application as OAuthClient
from unfold.decorators import display

from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choice, Lines, Text
from apis.admin.pages import show_secret
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.services import clients
from apis.words import phrase


@admin.register(AccessToken)
class AccessTokenAdmin(ServiceAdmin):
    """What opens APIs at the gateway (consumer tokens) or REST (management tokens)."""

    deletes = (Capability.ADMINISTER,)
    list_display = ("number", "belongs_to", "key_type", "user", "scope", "created", "expires", "is_valid")
    list_display_links = ("number",)
    list_filter = ("application__key_pair__key_type", "expires")
    search_fields = ("application__name", "user__username")
    list_select_related = ("user", "application__key_pair__application")
    fields = ("number", "belongs_to", "key_type", "user", "scope", "created", "expires")
    readonly_fields = fields
    ordering = ("-created",)
    actions = ("revoke",)

    @display(description="Token", ordering="id")
    def number(self, token: AccessToken) -> str:
        return said(phrase("Token {number}", number=str(token.pk)))

    @display(description="Application")
    def belongs_to(self, token: AccessToken) -> str:
        pair = getattr(token.application, "key_pair", None)
        return str(pair.application) if pair else said(phrase("{client} (management client)", client=token.application))

    @display(description="Keys")
    def key_type(self, token: AccessToken) -> str:
        pair = getattr(token.application, "key_pair", None)
        return pair.key_type if pair else "–"

    @display(description="Valid", boolean=True)
    def is_valid(self, token: AccessToken) -> bool:
        return token.expires > timezone.now()

    @admin.action(description="Revoke the selected tokens", permissions=["delete"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        rows = list(queryset)
        for token in rows:
            clients.access_token_revoke(actor=self.actor(request), token=token)
        done = phrase("Tokens revoked: {count}. Sessions opened with them are closed.", count=len(rows))
        messages.success(request, said(done))

    def remove(self, actor: Actor, obj: AccessToken) -> None:
        clients.access_token_revoke(actor=actor, token=obj)

    def consequences(self, obj: AccessToken) -> list[str]:
        return ["live sessions that were opened with it", "the refresh token that belongs to it, if any"]


class ClientForm(ServiceForm):
    """A program that acts for people through REST."""

    name = Text(help_text="What people read when they are asked for their consent.")
    kind = Choice(
        choices=[("confidential", "A server, which can keep a secret"), ("public", "A browser or an app, which cannot")]
    )
    redirect_uris = Lines(label="Redirect URIs", help_text="One a line: where people are sent back to.")

    mandatory = ("name", "kind", "redirect_uris")

    class Meta:
        model = OAuthClient
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            uris = "\n".join(self.instance.redirect_uris.split())
            self.initial = {"name": self.instance.name, "redirect_uris": uris, **self.initial}

    def put_together(self, row: OAuthClient, mine: dict[str, Any]) -> OAuthClient:
        row.name, row.redirect_uris = mine["name"], " ".join(mine["redirect_uris"])
        return row

    def values(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], "redirect_uris": self.cleaned_data["redirect_uris"].split()}


@admin.register(OAuthClient)
class ClientAdmin(ServiceAdmin):
    """Management clients only: those with a key pair belong to an application."""

    form = ClientForm
    adds = changes = deletes = (Capability.ADMINISTER,)
    list_display = ("name", "client_id", "client_type", "user", "created")
    list_filter = ("client_type",)
    search_fields = ("name", "client_id")
    add_fieldsets = ((None, {"fields": ("name", "kind", "redirect_uris")}),)
    fieldsets = (
        (None, {"fields": ("name", "redirect_uris")}),
        ("Facts", {"fields": ("client_id", "client_type", "authorization_grant_type", "user", "created")}),
    )
    _facts = ("client_id", "client_type", "authorization_grant_type", "user", "created")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthClient]:
        return super().get_queryset(request).filter(key_pair=None).select_related("user").order_by("name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self._facts if obj else ()

    def create(self, actor: Actor, form: Any) -> OAuthClient:
        confidential = form.cleaned_data["kind"] == "confidential"
        client, form.secret = clients.client_register(actor=actor, confidential=confidential, **form.values())
        return client

    def update(self, actor: Actor, obj: OAuthClient, form: Any) -> None:
        clients.client_update(actor=actor, client=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: OAuthClient) -> None:
        clients.client_delete(actor=actor, client=obj)

    def consequences(self, obj: OAuthClient) -> list[str]:
        return ["every token that people granted it"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            request.made = {"Client id": obj.client_id, "Client secret": form.secret}  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        values = {name: value for name, value in request.made.items() if value}  # type: ignore[attr-defined]
        text = "Copy the secret now: it is kept as a hash only and cannot be shown again."
        return show_secret(
            self,
            request,
            obj,
            title=phrase("{obj} is registered", obj=obj),
            text=text if "Client secret" in values else "A public client has no secret; it uses PKCE.",
            values=values,
        )
