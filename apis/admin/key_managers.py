"""Key managers outside of the product: who may issue tokens, and what they answer when they are tried."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from apis.admin.base import ServiceAdmin, ServiceForm, sentences
from apis.admin.fields import Choice, Choices, Lines, Password, Text, Whole, YesNo
from apis.errors import ServiceError
from apis.foreign_tokens import ALGORITHMS
from apis.models import KeyManager
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.services import key_managers, trying_key_managers
from apis.shapes_key_managers import DEFAULTS, SECRET
from apis.words import phrase

_KEPT = "Kept sealed and never shown. Empty keeps the one there is."
_GROUPS: tuple[tuple[str | None, tuple[str, ...]], ...] = (
    (None, ("name", "description", "enabled", "validation", "issuer")),
    ("Signed tokens", ("jwks_url", "jwks", "algorithms", "at_jwt_only", "leeway_s")),
    ("Introspection", ("introspection_url", "client_id", SECRET, "no_secret")),
    ("What a token says", ("audiences", "client_claim", "scope_claim")),
    ("Clients", ("proof",)),
)


class KeyManagerForm(ServiceForm):
    """Everything of a key manager; the secret goes in and never comes out."""

    name = Text(help_text="APIs name it, so it stays as it is.")
    description = Lines(rows=2, help_text="What developers read.")
    enabled = YesNo(help_text="Without it, its tokens count nowhere and its sessions are closed.")
    validation = Choice(label="How tokens are checked", choices=KeyManager.Validation.choices)
    issuer = Text(help_text="The claim iss of its tokens, exactly: https://login.example.com/realms/main")
    jwks_url = Text(label="Address of its keys", help_text="jwks_uri in its metadata.")
    jwks = Lines(label="Its keys", rows=4, help_text="A JWK set, where it publishes none.")
    algorithms = Choices(choices=[(name, name) for name in ALGORITHMS])
    at_jwt_only = YesNo(
        label="Access tokens only",
        help_text="The header must say typ at+jwt (RFC 9068). Keycloak and others say JWT unless told otherwise.",
    )
    leeway_s = Whole(label="Leeway", help_text="Seconds that its clock may be ahead.")
    introspection_url = Text(label="Introspection address", help_text="Where it is asked about a token (RFC 7662).")
    client_id = Text(label="Client id", help_text="As whom it is asked.")
    client_secret = Password(label="Client secret", help_text=_KEPT)
    no_secret = YesNo(label="Remove the secret")
    audiences = Lines(rows=2, help_text="One a line. aud names one of them, or the URL of the API at the gateway.")
    client_claim = Text(label="Claim of the client", help_text="client_id, azp, ...")
    scope_claim = Text(label="Claim of the scopes", help_text="scope, scp, ...")
    proof = YesNo(
        label="Ask for proof",
        help_text="Whoever maps a client to an application shows a token of it. Administrators need not.",
    )

    mandatory = ("name", "validation", "client_claim", "scope_claim")

    class Meta:
        model = KeyManager
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = dict(DEFAULTS) if self.instance._state.adding else key_managers.fields_of(self.instance)
        stored |= {"audiences": "\n".join(stored["audiences"]), "jwks": _written(stored["jwks"])}
        self.initial = {**{name: value for name, value in stored.items() if name != SECRET}, **self.initial}

    def put_together(self, row: KeyManager, mine: dict[str, Any]) -> KeyManager:
        """Most of its fields are kept in one column."""
        return key_managers.filled(row, mine)

    def values(self) -> dict[str, Any]:
        """What was typed, in the words of the service."""
        cleaned = self.cleaned_data
        values = {name: cleaned[name] for name in DEFAULTS if name in cleaned}
        values["audiences"] = [line.strip() for line in cleaned["audiences"].splitlines() if line.strip()]
        values["jwks"] = _read(cleaned["jwks"])
        values[SECRET] = "" if cleaned["no_secret"] else cleaned[SECRET] or None
        return values


def _written(jwks: Any) -> str:
    return "" if jwks is None else json.dumps(jwks, indent=1)


def _read(text: str) -> Any:
    """The key set; what is no JSON stays text, for the service to refuse."""
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        return text


@admin.register(KeyManager)
class KeyManagerAdmin(ServiceAdmin):
    """Beside these there is Resident, the built-in one, which nobody changes."""

    form = KeyManagerForm
    adds = changes = deletes = (Capability.ADMINISTER,)
    list_display = ("name", "issuer", "validation", "is_enabled", "client_total", "description")
    list_filter = ("validation", "enabled")
    search_fields = ("name", "issuer", "description")
    fieldsets = tuple((title, {"fields": names}) for title, names in _GROUPS)
    change_form_outer_before_template = "admin/apis/keymanager/try.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[KeyManager]:
        return super().get_queryset(request).annotate(client_count=Count("mapped_keys"))

    @display(description="Enabled", boolean=True, ordering="enabled")
    def is_enabled(self, row: KeyManager) -> bool:
        return row.enabled

    @display(description="Clients", ordering="client_count")
    def client_total(self, row: Any) -> int:
        return row.client_count

    def create(self, actor: Actor, form: Any) -> KeyManager:
        return key_managers.key_manager_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: KeyManager, form: Any) -> None:
        key_managers.key_manager_update(actor=actor, key_manager=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: KeyManager) -> None:
        key_managers.key_manager_delete(actor=actor, key_manager=obj)

    def consequences(self, obj: KeyManager) -> list[str]:
        rows = obj.mapped_keys.select_related("application")
        return [
            phrase("every live session of its tokens"),
            *(
                phrase("client {key} of {application}", key=row.consumer_key, application=row.application)
                for row in rows
            ),
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_page)
        return [path("<uuid:object_id>/test/", view, name="apis_keymanager_test"), *super().get_urls()]

    def try_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask it what the gateway would ask, on a POST, and say what came."""
        row: KeyManager = self.find(request, object_id)
        findings = None
        if request.method == "POST":
            try:
                findings = trying_key_managers.key_manager_try(actor=self.actor(request), key_manager=row)
            except ServiceError as refusal:
                messages.error(request, " ".join(sentences(refusal)))
        context = {
            **self.admin_site.each_context(request),
            "title": said(phrase("Test {row}", row=row)),
            "subtitle": str(row),
            "findings": findings,
            "back": self.url("change", row.pk),
            "opts": self.opts,
            "original": row,
        }
        return TemplateResponse(request, "admin/apis/keymanager/findings.html", context)
