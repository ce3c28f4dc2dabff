"""Subscriptions: publishers block and unblock, owners change the plan or leave."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from apis import selectors
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Pick
from apis.admin.pages import Page, PageForm, answer
from apis.admin.words import badge
from apis.errors import Invalid
from apis.lifecycle import SUBSCRIBABLE
from apis.models import Api, Application, BusinessPlan, Subscription
from apis.permissions import Actor, can_look_after_subscription, can_manage_subscription
from apis.roles import Capability
from apis.saying import said
from apis.services import subscribing
from apis.words import phrase

_COLOURS = {
    "Active": "success",
    "Blocked": "danger",
    "Production blocked": "warning",
    "On hold": "info",
    "Rejected": "danger",
}
_MEANING = {
    "all": "The application's live sessions of this API are closed at once, and new ones are refused.",
    "production": "Live sessions with production keys are closed at once; sandbox keys go on working.",
}


API_CHOICES = 100


class SubscriptionForm(ServiceForm):
    """Who subscribes to what, under which plan; afterwards only the plan changes."""

    api = Pick(Api.objects.none(), label="API")
    application = Pick(Application.objects.none())
    business_plan = Pick(BusinessPlan.objects.all(), help_text="One that the API offers.")

    mandatory = ("api", "application", "business_plan")

    class Meta:
        model = Subscription
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if row._state.adding:
            on_offer = selectors.apis_on_offer(self.actor).filter(state__in=SUBSCRIBABLE)
            self.fields["api"].queryset = on_offer.order_by("version_set__name")  # type: ignore[attr-defined]
            if self.actor is not None:
                mine = selectors.applications_of(self.actor).order_by("name")
                self.fields["application"].queryset = mine  # type: ignore[attr-defined]
        elif "business_plan" in self.fields:  # not on the page of somebody who may only look
            self.initial = {"business_plan": row.business_plan_id, **self.initial}
            self.fields["business_plan"].queryset = row.api.business_plans.all()  # type: ignore[attr-defined]

    def chosen(self, *names: str) -> dict[str, Any]:
        """Raises: Invalid for what was not chosen."""
        missing = {name: "Choose one." for name in names if self.cleaned_data.get(name) is None}
        if missing:
            raise Invalid(missing)
        return {name: self.cleaned_data[name] for name in names}


class ApisWithSubscriptions(admin.RelatedOnlyFieldListFilter):
    """The APIs that somebody has subscribed to, read with their names in one query however many there are.

    Beyond API_CHOICES a list helps nobody, and the search finds them by name: then there is no filter.
    """

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        held = model_admin.get_queryset(request).order_by().values("api_id")
        apis = Api.objects.filter(pk__in=held).select_related("version_set").order_by("version_set__name", "version")
        found = [(api.pk, str(api)) for api in apis[: API_CHOICES + 1]]
        return found if len(found) <= API_CHOICES else []

    def has_output(self) -> bool:
        """Also where an address names an API and there is no list: it narrows all the same."""
        return super().has_output() or self.lookup_val is not None


@admin.register(Subscription)
class SubscriptionAdmin(ServiceAdmin):
    """Those who see APIs see all subscriptions to them."""

    form = SubscriptionForm
    sees = (Capability.SEE_APIS, Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    adds = (Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    changes = deletes = (Capability.USE_APPLICATIONS, Capability.MANAGE_SUBSCRIPTIONS, Capability.ADMINISTER)
    change_form_outer_before_template = "admin/apis/subscription/state.html"
    list_display = ("api", "application", "owner", "business_plan", "state_badge", "last_used_at", "created_at")
    list_display_links = ("api", "application")
    list_filter = ("state", ("api", ApisWithSubscriptions), "business_plan")
    search_fields = ("api__version_set__name", "application__name", "application__owner__username")
    list_select_related = ("api__version_set", "application__owner", "business_plan")
    add_fieldsets = ((None, {"fields": ("api", "application", "business_plan")}),)
    _facts = ("offer", "subscriber", "owner", "asked", "last_used_at", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        return selectors.subscriptions_visible(self.actor(request)).order_by("-created_at")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        plan = "business_plan" if self.has_change_permission(request, obj) else "plan_name"
        return ((None, {"fields": (plan,)}), ("Facts", {"fields": self._facts}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self._facts, "plan_name") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request) and (
            obj is None or can_look_after_subscription(self.actor(request), obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request) and (
            obj is None or can_look_after_subscription(self.actor(request), obj)
        )

    @display(description="Owner", ordering="application__owner__username")
    def owner(self, subscription: Subscription) -> str:
        return str(subscription.application.owner)

    @display(description="API")
    def offer(self, subscription: Subscription) -> str:
        link = reverse("admin:apis_api_change", args=[subscription.api_id])
        return format_html('<a class="text-link" href="{}">{}</a>', link, subscription.api)

    @display(description="Business plan")
    def plan_name(self, subscription: Subscription) -> str:
        return str(subscription.business_plan)

    @display(description="Application")
    def subscriber(self, subscription: Subscription) -> str:
        return str(subscription.application)

    @display(description="Request")
    def asked(self, subscription: Subscription) -> str:
        """What it asked for last, and what became of it."""
        found = subscription.latest_request
        if found is None:
            return "–"
        link = reverse("admin:apis_approval_change", args=[found.pk])
        return format_html('<a class="text-link" href="{}">{}: {}</a>', link, found, said(found.get_state_display()))

    @display(description="State", ordering="state", label=_COLOURS)
    def state_badge(self, subscription: Subscription) -> tuple[str, str]:
        return badge(subscription.get_state_display())

    def create(self, actor: Actor, form: Any) -> Subscription:
        chosen = form.chosen("api", "application", "business_plan")
        plan = chosen.pop("business_plan").name
        return subscribing.subscription_create(actor=actor, business_plan=plan, **chosen)

    def update(self, actor: Actor, obj: Subscription, form: Any) -> None:
        plan = form.chosen("business_plan")["business_plan"]
        if plan.pk != obj.business_plan_id:
            subscribing.subscription_change_plan(actor=actor, subscription=obj, business_plan=plan.name)

    def remove(self, actor: Actor, obj: Subscription) -> None:
        subscribing.subscription_delete(actor=actor, subscription=obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if (subscription := context.get("original")) is not None:
            context["may_block"] = subscription.has_right and can_manage_subscription(self.actor(request), subscription)
            context["state_colour"] = _COLOURS[subscription.get_state_display()]
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        block = self.admin_site.admin_view(self.block_page)
        unblock = self.admin_site.admin_view(self.unblock_page)
        return [
            path("<uuid:object_id>/block/<str:what>/", block, name="apis_subscription_block"),
            path("<uuid:object_id>/unblock/", unblock, name="apis_subscription_unblock"),
            *super().get_urls(),
        ]

    def block_page(self, request: HttpRequest, object_id: UUID, what: str) -> HttpResponse:
        subscription = self.find(request, object_id)
        if what not in subscribing.BLOCKABLE:
            raise Http404

        def run(cleaned: dict[str, Any]) -> str:
            subscribing.subscription_block(actor=self.actor(request), subscription=subscription, what=what)
            return done

        title = phrase("Block {subscription}", subscription=subscription)
        done = phrase("{subscription} is blocked.", subscription=subscription)
        if what != "all":
            title = phrase("Block {subscription} for production keys", subscription=subscription)
            done = phrase("{subscription} is blocked for production keys.", subscription=subscription)
        page = Page(title=title, button="Block", run=run, text=_MEANING[what], danger=True)
        return answer(self, request, subscription, page, PageForm)

    def unblock_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        subscription = self.find(request, object_id)

        def run(cleaned: dict[str, Any]) -> str:
            subscribing.subscription_unblock(actor=self.actor(request), subscription=subscription)
            return phrase("{subscription} is active again.", subscription=subscription)

        text = "The application can connect again at once."
        page = Page(
            title=phrase("Unblock {subscription}", subscription=subscription), button="Unblock", run=run, text=text
        )
        return answer(self, request, subscription, page, PageForm)
