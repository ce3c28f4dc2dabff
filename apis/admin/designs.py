"""APIs: list, design, and the sections of their page."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html_join
from unfold.decorators import display

from apis import checking, selectors
from apis.admin import about
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.beginning import BeginningPages
from apis.admin.definitions import DefinitionPages
from apis.admin.fields import Lines, Pick, PickPlans, Tags, Text
from apis.admin.records import history_lines
from apis.admin.sections import further, needed
from apis.admin.security import SecurityPages
from apis.admin.topics import TopicPages
from apis.admin.words import badge
from apis.errors import Stale
from apis.lifecycle import ACTION_LABELS, LABELS, State
from apis.models import Api, ApiPlan, BusinessPlan, Deployment, Subscription
from apis.models.counts import count_of
from apis.models.reading import read_when_asked
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import all_said, said
from apis.services import designs, publishing
from apis.shapes import KEY_TYPES
from apis.shapes_about import OWNERS
from apis.shapes_endpoint import STRATEGY_LABELS
from apis.words import phrase

STATE_COLOURS = {
    LABELS[State.CREATED]: "",
    LABELS[State.PRERELEASED]: "info",
    LABELS[State.PUBLISHED]: "success",
    LABELS[State.BLOCKED]: "danger",
    LABELS[State.DEPRECATED]: "warning",
    LABELS[State.RETIRED]: "",
}
HISTORY_SHOWN = 15


class ApiForm(about.AboutFields, ServiceForm):
    """The design of an API, for adding and for changing."""

    name = Text(help_text="Unique on this gateway.")
    context = Text(help_text="Where clients find it, e.g. /echo; {version} as a whole segment puts the version there.")
    version = Text(help_text="e.g. 1.0.0")
    display_name = Text(help_text="What people read instead of the name, if given.")
    endpoint = Text(help_text="ws:// or wss://; where messages go. Settings of each endpoint come afterwards.")
    business_plans = PickPlans(BusinessPlan.objects.all(), help_text="What subscribers can choose from.")
    api_plan = Pick(
        ApiPlan.objects.order_by("name"), label="API plan", help_text="Limits that all of its sessions share; at once."
    )
    description = Lines(rows=6, help_text="Markdown.")
    tags = Tags(help_text="Words with commas between them.")
    mandatory = ("name", "context", "version")

    class Meta:
        model = Api
        fields: tuple[str, ...] = ()

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        mine = self.refusal.merged if isinstance(self.refusal, Stale) else None
        super().__init__(data, *args, **kwargs)
        api = self.instance if mine is None else _with(self.instance, mine)
        if not api._state.adding:
            values = {field: getattr(api, field) for field in ("name", "context", "version", *designs.DESIGN_FIELDS)}
            own = {
                "business_plans": api.business_plans.all(),
                "api_plan": api.api_plan_id,
            }
            # The last ones in our own words: Django has taken the model's already.
            self.initial = {**values, **own, **self.initial, **about.stored(api)}
            if mine is not None:
                self.initial |= values | own | _picked(mine)

    def put_together(self, row: Api, mine: dict[str, Any]) -> Api:
        """The row as it is: much of a design is no column of it (`_with`, `_picked`)."""
        return row

    def design(self) -> dict[str, Any]:
        """What was typed, in the words of `designs.api_create` and `api_update`; read-only fields are left out."""
        values = dict(self.cleaned_data)
        values |= about.said(values)
        if "business_plans" in values:
            values["business_plans"] = [plan.name for plan in values["business_plans"]]
        if "api_plan" in values:
            values["api_plan"] = values["api_plan"].name if values["api_plan"] else None
        return values


def _with(api: Api, mine: dict[str, Any]) -> Api:
    """A copy of the row with what would be saved, for a form only."""
    shown = copy(api)
    for field in mine.keys() & {field.name for field in Api._meta.concrete_fields} - {"api_plan"}:
        setattr(shown, field, mine[field])
    return shown


def _picked(mine: dict[str, Any]) -> dict[str, Any]:
    """What is chosen out of other rows, and what the version set keeps."""
    picked: dict[str, Any] = {name: mine[name] for name in ("name", "context", "categories") if name in mine}
    if "business_plans" in mine:
        picked["business_plans"] = BusinessPlan.objects.filter(name__in=mine["business_plans"])
    if "api_plan" in mine:
        picked["api_plan"] = ApiPlan.objects.filter(name=mine["api_plan"]).values_list("pk", flat=True).first()
    return picked


@admin.register(Api)
class ApiAdmin(BeginningPages, DefinitionPages, SecurityPages, TopicPages, ServiceAdmin):
    """Design, publish, deploy."""

    form = ApiForm
    sees = (Capability.SEE_APIS, Capability.ADMINISTER)
    adds = deletes = (Capability.DESIGN_APIS,)
    changes = (Capability.DESIGN_APIS, Capability.SET_PLANS_OF_APIS)
    change_form_outer_before_template = "admin/apis/api/lifecycle.html"
    change_form_outer_after_template = "admin/apis/api/sections.html"

    list_display = ("api_name", "version", "state_badge", "provider", "deployed_on", "subscription_total", "updated_at")
    list_display_links = ("api_name",)
    list_filter = ("state", "deployments__environment", ("provider", admin.RelatedOnlyFieldListFilter))
    search_fields = ("version_set__name", "version_set__context", "version", "display_name", "description")
    search_help_text = "Name, context, version or description"  # translated by apis.admin.words
    ordering = ("version_set__name", "-created_at")

    add_fieldsets = (
        (None, {"fields": ("name", "context", "version", "endpoint", "business_plans")}),
        ("More", {"fields": ("display_name", "description", "tags", "categories"), "classes": ("collapse",)}),
        ("Who sees it", {"fields": about.SEEN, "classes": ("collapse",)}),
    )
    fieldsets = (
        ("The design", {"fields": ("name", "context", "version", "display_name", "description", "tags")}),
        ("Plans", {"fields": ("business_plans", "api_plan")}),
        ("Who sees it", {"fields": about.SEEN, "classes": ("collapse",)}),
        ("Found by", {"fields": (*about.FOUND, *about.PICTURE), "classes": ("collapse",)}),
        ("Business information", {"fields": tuple(OWNERS), "classes": ("collapse",)}),
        ("Facts", {"fields": ("provided_by", "gateway_addresses", "created_at", "updated_at")}),
    )
    _facts = ("provided_by", "gateway_addresses", "created_at", "updated_at")

    # The list ---------------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[Api]:
        deployed = Prefetch("deployments", Deployment.objects.select_related("environment", "revision"))
        rows = selectors.apis_visible(self.actor(request)).prefetch_related(None).prefetch_related(deployed)
        return rows.annotate(subscription_total=count_of(Subscription.objects.all(), "api")).order_by(*self.ordering)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Api | None:
        found = super().get_object(request, object_id, from_field)
        return read_when_asked(found, *selectors.DESIGN) if found is not None else None

    @display(description="Name", ordering="version_set__name")
    def api_name(self, api: Api) -> str:
        return api.title

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_badge(self, api: Api) -> tuple[str, str]:
        return badge(LABELS[State(api.state)])

    @display(description="Deployed on")
    def deployed_on(self, api: Api) -> str:
        rows = [
            phrase("{environment} (revision {number})", environment=row.environment, number=row.revision.number)
            for row in api.deployments.all()
        ]
        return ", ".join(all_said(rows)) or "–"

    @display(description="Subscriptions", ordering="subscription_total")
    def subscription_total(self, api: Any) -> int:
        return api.subscription_total

    # The page ---------------------------------------------------------------------------------------------------
    @display(description="Provider")
    def provided_by(self, api: Api) -> str:
        return str(api.provider)

    @display(description="At the gateway")
    def gateway_addresses(self, api: Api) -> str:
        return format_html_join("", "<div><code>{}</code></div>", ((url,) for url in selectors.gateway_urls(api)))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who does not design reads the rest in the portals."""
        every = super().get_fieldsets(request, obj)
        if obj is None or self.actor(request).can(Capability.DESIGN_APIS):
            return every
        return [one for one in every if not set(one[1]["fields"]) & {*about.FOUND, *OWNERS}]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        actor = self.actor(request)
        fixed: set[str] = set()
        if not actor.can(Capability.DESIGN_APIS):
            fixed |= {*designs.IDENTITY_FIELDS, *designs.DESIGN_FIELDS}
            fixed |= set(about.SEEN)
        elif designs.why_identity_stays(obj):
            fixed |= set(designs.IDENTITY_FIELDS)
        unsold = obj.state in {State.CREATED, State.PRERELEASED}
        if not (actor.can(Capability.SET_PLANS_OF_APIS) or (unsold and actor.can(Capability.DESIGN_APIS))):
            fixed |= designs.PLAN_FIELDS
        return (*self._facts, *sorted(fixed))

    def create(self, actor: Actor, form: Any) -> Api:
        if "_publish" in form.data:
            return publishing.api_create_and_publish(actor=actor, **form.design())
        return designs.api_create(actor=actor, **form.design())

    def update(self, actor: Actor, obj: Api, form: Any) -> None:
        before = {key: form.initial.get(key) for key in form.fields}
        before |= {name: getattr(obj, name) for name in ("properties", "business")}
        before["business_plans"] = [plan.name for plan in obj.business_plans.all()]
        before["categories"] = [category.name for category in obj.categories.all()]
        before["api_plan"] = obj.api_plan.name if obj.api_plan else None
        changes = {key: value for key, value in form.design().items() if value != before[key]}
        if set(changes.get("business_plans", [])) == set(before["business_plans"]):
            changes.pop("business_plans", None)
        if changes:
            designs.api_update(actor=actor, api=obj, seen=form.seen, **changes)
        about.picture_change(actor, obj, form.cleaned_data)

    def remove(self, actor: Actor, obj: Api) -> None:
        designs.api_delete(actor=actor, api=obj)

    def consequences(self, obj: Api) -> list[str]:
        return [
            phrase("Revisions: {count}", count=obj.revisions.count()),
            phrase("Deployments: {count}", count=obj.deployments.count()),
        ]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        done = phrase("{obj} was created and published.", obj=obj)
        if "_publish" not in request.POST:
            done = phrase("{obj} was created.", obj=obj)
        messages.success(request, said(done))
        return HttpResponseRedirect(self.url("change", obj.pk))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        actor = self.actor(request)
        both = actor.can(Capability.DESIGN_APIS) and actor.can(Capability.PUBLISH_APIS)
        extra: dict[str, Any] = {"may_create_and_publish": object_id is None and both, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if (api := context.get("original")) is not None:
            context.update(self.sections(request, api))
        return super().render_change_form(request, context, *args, **kwargs)

    def sections(self, request: HttpRequest, api: Api) -> dict[str, Any]:
        """What stands around the form: the lifecycle above it; endpoints, revisions and history below."""
        actor = self.actor(request)
        checks = checking.checks_of(api, actor)
        steps = checking.transitions_of(actor, api, checks)
        rows = {endpoint.key_type: endpoint for endpoint in api.endpoints.all()}
        return {
            "state_label": LABELS[State(api.state)],
            "state_colour": STATE_COLOURS[LABELS[State(api.state)]],
            "transitions": [
                {
                    "step": step,
                    "label": ACTION_LABELS[step.action],
                    "asks": step.hurts or step.checklist,
                    "needs": needed(missing),
                }
                for step, _, missing in steps
                if actor.can(Capability.PUBLISH_APIS)
            ],
            "checks": [check for check in checks if check.level != checking.Level.DONE],
            "endpoints": [
                (key_type, row, STRATEGY_LABELS.get(row.config.get("strategy"), "") if row else "")
                for key_type in KEY_TYPES
                for row in [rows.get(key_type)]
            ],
            "further": further(api),
            "revisions_limit": publishing.REVISIONS_LIMIT,
            "revisions": list(selectors.revisions_of(api)),
            "deployments": list(api.deployments.all()),
            "history": history_lines(selectors.history_of(api)[:HISTORY_SHOWN]),
            "may_design": actor.can(Capability.DESIGN_APIS),
            "may_move_default": actor.can(Capability.DESIGN_APIS) or actor.can(Capability.PUBLISH_APIS),
            "may_deploy": actor.can(Capability.DEPLOY_APIS) and api.state != State.RETIRED,
            "revisions_left": max(0, publishing.REVISIONS_LIMIT - api.revisions.count()),
        }
