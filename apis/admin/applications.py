"""Applications of developers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apis import selectors, selectors_key_managers, shapes
from apis.admin.base import ServiceForm
from apis.admin.fields import Lines, Pick, Text
from apis.admin.keys import KeyPages
from apis.admin.security import ApiKeyPages
from apis.models import Application, ApplicationPlan
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import subscribing
from apis.words import phrase


class ApplicationForm(ServiceForm):
    name = Text()
    plan = Pick(ApplicationPlan.objects.all())
    description = Lines(rows=3)

    mandatory = ("name", "plan")

    class Meta:
        model = Application
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if row._state.adding:
            unlimited = ApplicationPlan.objects.filter(name=subscribing.DEFAULT_APPLICATION_PLAN).first()
            self.initial = {"plan": unlimited, **self.initial}
        else:
            stored = {"name": row.name, "plan": row.plan_id, "description": row.description}
            self.initial = {**stored, **self.initial}

    def put_together(self, row: Application, mine: dict[str, Any]) -> Application:
        plan = ApplicationPlan.objects.filter(name=mine["plan"]).first() or row.plan
        return super().put_together(row, {**mine, "plan": plan})

    def values(self) -> dict[str, Any]:
        plan = self.cleaned_data["plan"]
        return {**self.cleaned_data, "plan": plan.name if plan else ""}


@admin.register(Application)
class ApplicationAdmin(ApiKeyPages, KeyPages):
    """Administrators see everybody's; others who may enter see their own."""

    form = ApplicationForm
    sees = adds = changes = deletes = (Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    change_form_outer_after_template = "admin/apis/application/keys.html"
    list_display = ("name", "owner", "plan", "state", "subscription_total", "created_at")
    list_filter = ("plan", ("owner", admin.RelatedOnlyFieldListFilter))
    search_fields = ("name", "owner__username", "description")
    fieldsets = (
        (None, {"fields": ("name", "plan", "description")}),
        ("Facts", {"fields": ("owned_by", "state", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("name", "plan", "description")}),)
    readonly_fields = ("owned_by", "state", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        return selectors.applications_of(self.actor(request)).order_by("name")

    @display(description="Owner")
    def owned_by(self, application: Application) -> str:
        return str(application.owner)

    @display(description="Subscriptions", ordering="subscription_count")
    def subscription_total(self, application: Any) -> int:
        return application.subscription_count

    def create(self, actor: Actor, form: Any) -> Application:
        return subscribing.application_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: Application, form: Any) -> None:
        subscribing.application_update(actor=actor, application=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: Application) -> None:
        subscribing.application_delete(actor=actor, application=obj)

    def consequences(self, obj: Application) -> list[str]:
        lines = [phrase("{key_type} keys with their tokens", key_type=pair.key_type) for pair in obj.key_pairs.all()]
        lines += [phrase("client {row}", row=row) for row in selectors_key_managers.mapped_keys_of(obj)]
        return lines + [
            phrase("subscription to {api}", api=row.api) for row in obj.subscriptions.select_related("api__version_set")
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if (application := context.get("original")) is not None:
            pairs = {pair.key_type: pair for pair in application.key_pairs.select_related("client")}
            context["key_pairs"] = [(key_type, pairs.get(key_type)) for key_type in shapes.KEY_TYPES]
            context["api_keys"] = list(application.api_keys.all())
            context["mapped_keys"] = selectors_key_managers.mapped_keys_of(application)
            context["subscriptions"] = list(selectors.subscriptions_of(application))
        return super().render_change_form(request, context, *args, **kwargs)
