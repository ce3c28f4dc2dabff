"""Business plans and application plans: limits as rows, the rest as fields."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apis import shapes, shapes_plans
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choice, Choices, Column, Lines, Rows, Text, Whole, YesNo
from apis.models import Api, Application, ApplicationPlan, BusinessPlan, Subscription
from apis.models.counts import count_of
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import all_said, said
from apis.selectors_portal import role_choices
from apis.services import plan_values, plans
from apis.words import phrase


def _pairs(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((word, phrase(word)) for word in words)


_KINDS = tuple((kind, {"seconds": "seconds of connection"}.get(kind, kind)) for kind in shapes.LIMIT_KINDS)
_DIRECTIONS = {"both": "both ways", "in": "sent by the client", "out": "received by the client"}


LIMIT_COLUMNS = (
    Column("kind", "What", choices=_KINDS, default="events"),
    Column("amount", "At most", whole=True),
    Column("per", "Per", choices=_pairs(shapes.PERIODS), default="minute"),
    Column("direction", "Direction", choices=tuple(_DIRECTIONS.items()), default="both"),
)


class PlanForm(ServiceForm):
    """What both kinds of plan have."""

    mandatory: ClassVar[tuple[str, ...]] = ("name",)

    name = Text()
    description = Lines(rows=2)
    limits = Rows(
        LIMIT_COLUMNS,
        key="amount",
        limit=shapes.LIMITS_LIMIT,
        help_text="No limits = unlimited. Empty a row to remove it. Bytes are payload bytes as they travel; handshakes "
        "and seconds of connection have no direction.",
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
    notice = YesNo(label="Say what was dropped", help_text="Ticked, a sender gets a text message where one is dropped.")
    warn_at = Whole(
        label="Warn at", help_text="Percent of a limit, 1 to 99, for clients that asked for it; empty = never."
    )
    stop_on_quota = YesNo(
        label="Stop at the limit",
        help_text="Unticked, use beyond the limits goes on and is billed; the burst rate holds all the same.",
    )
    billing = Choice(label="Billing", choices=BusinessPlan.Billing.choices)
    price = Text(label="Price", help_text="For each cycle, such as 9.90; empty = none.")
    currency = Text(label="Currency", help_text="Three capital letters (ISO 4217).")
    cycle = Choice(label="Cycle", choices=_pairs(shapes_plans.CYCLES))
    unit_price = Text(label="Price for use", help_text="For each so many events; empty = none.")
    unit_events = Whole(label="Events that it is for")
    attributes = Rows(
        (Column("name", "Name"), Column("value", "Value")),
        key="name",
        limit=shapes_plans.ATTRIBUTES_LIMIT,
        help_text="Claims of X-JWT-Assertion, for APIs that send it to their backends.",
    )
    permission_mode = Choice(
        label="Who may subscribe",
        choices=(("none", "everybody"), ("allow", "only these roles"), ("deny", "everybody but these roles")),
    )
    permission_roles = Choices(label="Roles", choices=role_choices)

    approval = YesNo(
        label="Needs approval",
        help_text="Ticked, a subscription under it waits until an administrator says yes.",
    )
    subscriptionless = YesNo(
        label="Needs no subscription",
        help_text="Ticked, every application may use the APIs that offer this plan, under it.",
    )

    places = {
        "burst": "burst_amount",
        "burst/amount": "burst_amount",
        "burst/per": "burst_per",
        "permission/mode": "permission_mode",
        "permission/roles": "permission_roles",
    }

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
            stored |= {f"permission_{name}": value for name, value in stored.pop("permission").items()}
            attributes = [{"name": name, "value": text} for name, text in row.attributes.items()]
            self.initial = {
                **stored,
                **self.initial,
                "attributes": attributes,
            }  # the row's own form of it is in initial
        else:
            usual = {
                "stop_on_quota": True,
                "burst_per": "second",
                "currency": "EUR",
                "cycle": "month",
                "billing": "free",
            }
            self.initial = {**usual, "unit_events": 1000, "permission_mode": "none", **self.initial}

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        names = (
            "max_sessions", "max_session_s", "max_message_bytes", "on_spent", "notice", "warn_at", "stop_on_quota",
            "subscriptionless", "approval", "billing", "currency", "cycle", "unit_events",
        )  # fmt: skip
        amount = data["burst_amount"]
        return {
            **super().values(),
            **{name: data[name] for name in names},
            **{name: data[name].strip() or None for name in ("price", "unit_price")},
            "burst": None if amount is None else {"amount": amount, "per": data["burst_per"]},
            "attributes": {row["name"]: row["value"] for row in data["attributes"]},
            "permission": {"mode": data["permission_mode"], "roles": data["permission_roles"]},
        }


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
        return ", ".join(all_said(plan.limit_lines))


@admin.register(BusinessPlan)
class BusinessPlanAdmin(PlanAdmin):
    """What subscriptions buy."""

    form = BusinessPlanForm
    list_display = (
        "name",
        "limits_in_words",
        "on_spent",
        "price_words",
        "api_total",
        "subscription_total",
        "description",
    )
    list_filter = ("on_spent", "billing")
    fieldsets = (
        (None, {"fields": ("name", "description", "limits")}),
        ("Burst", {"fields": ("burst_amount", "burst_per")}),
        ("Sessions", {"fields": ("max_sessions", "max_session_s", "max_message_bytes")}),
        ("When it is spent", {"fields": ("on_spent", "notice", "warn_at", "stop_on_quota")}),
        ("Price", {"fields": ("billing", "price", "currency", "cycle", "unit_price", "unit_events")}),
        ("Who", {"fields": ("permission_mode", "permission_roles", "approval", "subscriptionless")}),
        ("What the backend is told", {"fields": ("attributes",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BusinessPlan]:
        offered = Api.business_plans.through._default_manager.all()
        return (
            super()
            .get_queryset(request)
            .annotate(
                api_total=count_of(offered, "businessplan"),
                subscription_total=count_of(Subscription.objects.all(), "business_plan"),
            )
        )

    @display(description="Price")
    def price_words(self, plan: BusinessPlan) -> str:
        return said(plan.price_line)

    @display(description="APIs", ordering="api_total")
    def api_total(self, plan: Any) -> int:
        return plan.api_total

    @display(description="Subscriptions", ordering="subscription_total")
    def subscription_total(self, plan: Any) -> int:
        return plan.subscription_total

    def create(self, actor: Actor, form: Any) -> BusinessPlan:
        return plans.business_plan_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: BusinessPlan, form: Any) -> None:
        plans.business_plan_update(actor=actor, plan=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: BusinessPlan) -> None:
        plans.business_plan_delete(actor=actor, plan=obj)


@admin.register(ApplicationPlan)
class ApplicationPlanAdmin(PlanAdmin):
    """Limits for one application and end user over all APIs it uses."""

    form = ApplicationPlanForm
    list_display = ("name", "limits_in_words", "application_total", "description")
    fieldsets = ((None, {"fields": ("name", "description", "limits")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApplicationPlan]:
        return super().get_queryset(request).annotate(application_total=count_of(Application.objects.all(), "plan"))

    @display(description="Applications", ordering="application_total")
    def application_total(self, plan: Any) -> int:
        return plan.application_total

    def create(self, actor: Actor, form: Any) -> ApplicationPlan:
        return plans.application_plan_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: ApplicationPlan, form: Any) -> None:
        plans.application_plan_update(actor=actor, plan=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: ApplicationPlan) -> None:
        plans.application_plan_delete(actor=actor, plan=obj)
