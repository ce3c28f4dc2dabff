"""Scopes: what tokens must carry where topics ask for it, shared and of single APIs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apis import scoping, selectors
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choices, Pick, Text
from apis.models import Api, Scope
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.selectors_portal import role_choices
from apis.services import scopes


class ScopeForm(ServiceForm):
    """A scope. Its name and whose it is are chosen once."""

    mandatory = ("name",)

    name = Text(help_text="What tokens carry, for example rooms:write. It stays as it is.")
    api = Pick(
        Api.objects.none(),
        label="Only of this API",
        help_text="In all of its versions; none: topics of every API may ask for it.",
    )
    display_name = Text(help_text="What people read instead of the name.")
    description = Text(help_text="What somebody allows who grants it to an application.")
    roles = Choices(
        choices=role_choices,
        label="Only for people with one of these roles",
        help_text="None: everybody gets it. For a token without a person the application's owner decides.",
    )

    class Meta:
        model = Scope
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "api" in self.fields and self.actor is not None:
            self.fields["api"].queryset = selectors.apis_visible(self.actor)  # type: ignore[attr-defined]
        if not self.instance._state.adding:
            self.initial = {**{name: getattr(self.instance, name) for name in scopes.FIELDS}, **self.initial}


@admin.register(Scope)
class ScopeAdmin(ServiceAdmin):
    """Creators and administrators write them, publishers read them."""

    form = ScopeForm
    sees = (Capability.SEE_APIS, Capability.ADMINISTER)
    adds = changes = deletes = (Capability.DESIGN_APIS,)
    list_display = ("name", "display_name", "belongs_to", "only_for", "description")
    list_select_related = ("version_set",)
    search_fields = ("name", "display_name", "description", "version_set__name")
    add_fieldsets = ((None, {"fields": ("name", "api", *scopes.FIELDS)}),)
    fieldsets = (
        (None, {"fields": ("name", "belongs_to", *scopes.FIELDS)}),
        ("In use", {"fields": ("uses",)}),
    )

    @display(description="Of")
    def belongs_to(self, scope: Scope) -> str:
        return str(scope.version_set) if scope.version_set is not None else said("every API")

    @display(description="Only for")
    def only_for(self, scope: Scope) -> str:
        return ", ".join(scope.roles) or "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scope]:
        """Shared ones, and the local ones of APIs that this person sees."""
        seen = selectors.apis_visible(self.actor(request)).order_by().values("version_set")
        return super().get_queryset(request).filter(Q(version_set__isnull=True) | Q(version_set__in=seen))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Scope | None:
        scope: Any = super().get_object(request, object_id, from_field)
        if scope is not None:
            scope.named_by = scoping.scope_uses(scope, self.actor(request))
        return scope

    @display(description="By")
    def uses(self, scope: Any) -> str:
        return "; ".join(scope.named_by) or "nowhere"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("name", "belongs_to", "uses")

    def create(self, actor: Actor, form: Any) -> Scope:
        return scopes.scope_create(actor=actor, **form.cleaned_data)

    def update(self, actor: Actor, obj: Scope, form: Any) -> None:
        values = {name: form.cleaned_data[name] for name in scopes.FIELDS}
        scopes.scope_update(actor=actor, scope=obj, api=self._api_of(obj), seen=form.seen, **values)

    def remove(self, actor: Actor, obj: Scope) -> None:
        scopes.scope_delete(actor=actor, scope=obj, api=self._api_of(obj))

    @staticmethod
    def _api_of(scope: Scope) -> Api | None:
        """The newest version of a local one's API, whose history shows what is done to it."""
        return scope.version_set.apis.order_by("-created_at").first() if scope.version_set is not None else None
