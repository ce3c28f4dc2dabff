"""Business plans and application plans: limits as rows, the rest as fields."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apis import shapes
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choice, Column, Lines, Rows, Text, Whole, YesNo
from apis.models import ApplicationPlan, BusinessPlan
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import plan_values, plans


def _pairs(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((word, word) for word in words)


_DIRECTIONS = {"both": "both ways", "in": "sent by the client", "out": "received by the client"}


class PlanForm(ServiceForm):
    """What both kinds of plan have."""

    mandatory = ("name",)

    name = Text()
    description = Lines(rows=2)
    limits = Rows(
        (
            Column("kind", "What", choices=_pairs(shapes.LIMIT_KINDS), default="events"),
            Column("amount", "At most", whole=True),
            Column("per", "Per", choices=_pairs(shapes.PERIODS), default="minute"),
            Column("direction", "Direction", choices=tuple(_DIRECTIONS.items()), default="both"),
        ),
        key="amount",
        limit=shapes.LIMITS_LIMIT,
        help_text="No limits = unlimited. Empty a row to remove it. Bytes are payload bytes as they travel.",
    )

    def values(self) -> dict[str, Any]:
        """What was typed, in the words of the service."""
        return {name: self.cleaned_data[name] for name in ("name", "description", "limits")}


class BusinessPlanForm(PlanForm):
    """A business plan; the burst is one small limit of its own."""

    burst_amount = Whole(label="Events at most", help_text="Empty = no burst control.")
    burst_per = Choice(label="In one", choices=_pairs(shapes.BURST_PERIODS))
    max_sessions = Whole(label="Sessions at a time", help_text="Per subscription; empty = no limit.")
    max_session_s = Whole(label="Longest session", help_text="Seconds; empty = the gateway's own limit.")
    max_message_bytes = Whole(label="Largest message", help_text="Bytes; empty = the gateway's own limit.")
    on_spent = Choice(label="When it is spent", choices=BusinessPlan.OnSpent.choices)
    stop_on_quota = YesNo(label="Stop at the limit", help_text="Unticked, use beyond the limits is only counted.")

    subscriptionless = YesNo(
        label="Needs no subscription",
        help_text="Ticked, every application may use the APIs that offer this plan, under it.",
    )

    places = {"burst": "burst_amount", "burst/amount": "burst_amount", "burst/per": "burst_per"}

    class Meta:
        model = BusinessPlan
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            row = self.instance
            stored = {name: getattr(row, name) for name in plan_values.FIELDS[BusinessPlan]}
            burst = row.burst or {}
            stored |= {"burst_amount": burst.get("amount"), "burst_per": burst.get("per", "second")}
            self.initial = {**stored, **self.initial}
        else:
            self.initial = {"stop_on_quota": True, "burst_per": "second", **self.initial}

    def values(self) -> dict[str, Any]:
        names = (
            "max_sessions", "max_session_s", "max_message_bytes", "on_spent", "stop_on_quota", "subscriptionless",
        )  # fmt: skip
        amount = self.cleaned_data["burst_amount"]
        burst = None if amount is None else {"amount": amount, "per": self.cleaned_data["burst_per"]}
        return {**super().values(), "burst": burst, **{name: self.cleaned_data[name] for name in names}}


class ApplicationPlanForm(PlanForm):
    class Meta:
        model = ApplicationPlan
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            stored = {name: getattr(self.instance, name) for name in plan_values.FIELDS[ApplicationPlan]}
            self.initial = {**stored, **self.initial}


class PlanAdmin(ServiceAdmin):
    """What both kinds share: only administrators come here."""

    adds = changes = deletes = (Capability.ADMINISTER,)
    search_fields = ("name", "description")
    list_display: tuple[str, ...] = ("name", "limits_in_words", "description")

    @display(description="Limits")
    def limits_in_words(self, plan: Any) -> str:
        return ", ".join(plan.limit_lines)


@admin.register(BusinessPlan)
class BusinessPlanAdmin(PlanAdmin):
    """What subscriptions buy."""

    form = BusinessPlanForm
    list_display = ("name", "limits_in_words", "on_spent", "api_total", "subscription_total", "description")
    list_filter = ("on_spent",)
    fieldsets = (
        (None, {"fields": ("name", "description", "limits")}),
        ("Burst", {"fields": ("burst_amount", "burst_per")}),
        ("Sessions", {"fields": ("max_sessions", "max_session_s", "max_message_bytes")}),
        ("When it is spent", {"fields": ("on_spent", "stop_on_quota")}),
        ("Who", {"fields": ("subscriptionless",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BusinessPlan]:
        rows = super().get_queryset(request)
        return rows.annotate(
            api_total=Count("apis", distinct=True), subscription_total=Count("subscriptions", distinct=True)
        )

    @display(description="APIs", ordering="api_total")
    def api_total(self, plan: Any) -> int:
        return plan.api_total

    @display(description="Subscriptions", ordering="subscription_total")
    def subscription_total(self, plan: Any) -> int:
        return plan.subscription_total

    def create(self, actor: Actor, form: Any) -> BusinessPlan:
        return plans.business_plan_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: BusinessPlan, form: Any) -> None:
        plans.business_plan_update(actor=actor, plan=obj, **form.values())

    def remove(self, actor: Actor, obj: BusinessPlan) -> None:
        plans.business_plan_delete(actor=actor, plan=obj)


@admin.register(ApplicationPlan)
class ApplicationPlanAdmin(PlanAdmin):
    """Limits for one application and end user over all APIs it uses."""

    form = ApplicationPlanForm
    list_display = ("name", "limits_in_words", "application_total", "description")
    fieldsets = ((None, {"fields": ("name", "description", "limits")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApplicationPlan]:
        return super().get_queryset(request).annotate(application_total=Count("applications"))

    @display(description="Applications", ordering="application_total")
    def application_total(self, plan: Any) -> int:
        return plan.application_total

    def create(self, actor: Actor, form: Any) -> ApplicationPlan:
        return plans.application_plan_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: ApplicationPlan, form: Any) -> None:
        plans.application_plan_update(actor=actor, plan=obj, **form.values())

    def remove(self, actor: Actor, obj: ApplicationPlan) -> None:
        plans.application_plan_delete(actor=actor, plan=obj)
