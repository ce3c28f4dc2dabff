"""Approvals: what waits for an administrator, who asked for it and since when; approve or reject with a reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timesince import timesince
from unfold.decorators import display

from apis import selectors_approvals
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choices, Lines, YesNo
from apis.admin.pages import Page, PageForm, answer
from apis.admin.words import badge
from apis.lifecycle import ACTION_LABELS, Action
from apis.models import Approval, ApprovalRules
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.services import approval_rules, approving
from apis.words import phrase

_COLOURS = {"Waiting": "warning", "Approved": "success", "Rejected": "danger", "Withdrawn": "info"}
_BUTTONS = {"approve": "Approve", "reject": "Reject"}
_MEANING = {
    ("approve", "subscription"): "The application may connect at once, in every gateway process within a second.",
    ("reject", "subscription"): "The gateway goes on refusing it. Who asked reads your reason and may ask again.",
    ("approve", "plan_change"): "The subscription has the new plan at once; live sessions follow within a second.",
    ("reject", "plan_change"): "The subscription keeps the plan it has. Who asked reads your reason.",
    ("approve", "transition"): "It is done at once, in your name.",
    ("reject", "transition"): "The API stays as it is. Who asked reads your reason.",
    ("approve", "keys"): "Its owner may generate them, and is the only one who sees the secret.",
    ("reject", "keys"): "It stays without them. Who asked reads your reason and may ask again.",
    ("approve", "deployment"): "It is deployed at once, in your name; clients that are connected stay or are told.",
    ("reject", "deployment"): "What is deployed stays. Who asked reads your reason.",
    ("approve", "application"): "It may have keys and subscriptions at once.",
    ("reject", "application"): "It stays without keys and subscriptions. Who asked reads your reason.",
}


class DecisionForm(PageForm):
    """The words that who asked will read."""

    reason = Lines(rows=3, help_text="For who asked; may be empty. At most 500 characters.")


@admin.register(Approval)
class ApprovalAdmin(ServiceAdmin):
    """Administrators see all of them, others what concerns them; what waits comes first. Nobody writes rows here."""

    sees = (Capability.ADMINISTER, Capability.SEE_APIS, Capability.USE_APPLICATIONS)
    change_form_outer_before_template = "admin/apis/approval/decide.html"
    list_display = ("subject", "kind_name", "asks_for", "who", "waits", "state_badge", "decided")
    list_display_links = ("subject",)
    list_filter = ("state", "kind")
    search_fields = ("subject", "asked_by_name", "decided_by_name", "reason")
    fields = ("subject", "kind_name", "asks_for", "where", "who", "asked_at", "decided", "decided_at", "said")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        return selectors_approvals.approvals_visible(self.actor(request))

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """What waits comes first."""
        return [Case(When(state=Approval.State.WAITING, then=Value(0)), default=Value(1)).asc(), "-asked_at"]

    @display(description="Kind", ordering="kind")
    def kind_name(self, row: Approval) -> str:
        return said(row.get_kind_display())

    @display(description="Asks for")
    def asks_for(self, row: Approval) -> str:
        return said(asked_for(row))

    @display(description="Asked by", ordering="asked_by_name")
    def who(self, row: Approval) -> str:
        return row.asked_by_name

    @display(description="API")
    def where(self, row: Approval) -> str:
        if row.api is None:
            return "–"
        link = reverse("admin:apis_api_change", args=[row.api_id])
        return format_html('<a class="text-link" href="{}">{}</a>', link, row.api)

    @display(description="Asked", ordering="asked_at")
    def waits(self, row: Approval) -> str:
        ago = timesince(row.asked_at, depth=1)
        if not row.is_waiting:
            return date_format(row.asked_at, "SHORT_DATETIME_FORMAT")
        return said(phrase("for {ago}", ago=ago))

    @display(description="State", ordering="state", label=_COLOURS)
    def state_badge(self, row: Approval) -> tuple[str, str]:
        return badge(row.get_state_display())

    @display(description="Decided by", ordering="decided_by_name")
    def decided(self, row: Approval) -> str:
        return row.decided_by_name or "–"

    @display(description="Reason")
    def said(self, row: Approval) -> str:
        return row.reason or "–"

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if (row := context.get("original")) is not None:
            context["may_decide"] = row.is_waiting and self.actor(request).can(Capability.ADMINISTER)
            context["state_colour"] = _COLOURS[row.get_state_display()]
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide_page)
        return [path("<uuid:object_id>/decide/<str:how>/", decide, name="apis_approval_decide"), *super().get_urls()]

    def decide_page(self, request: HttpRequest, object_id: UUID, how: str) -> HttpResponse:
        row: Approval = self.find(request, object_id)
        if how not in _BUTTONS:
            raise Http404

        def run(cleaned: dict[str, Any]) -> str:
            done = approving.approval_decide(
                actor=self.actor(request), approval=row, decision=how, reason=cleaned["reason"]
            )
            return phrase("{subject}: {label_of}.", subject=done.subject, label_of=done.get_state_display())

        wish = phrase("{who} asks for: {wish}.", who=row.asked_by_name, wish=said(asked_for(row)))
        text = phrase("{wish} {what}", wish=wish, what=_MEANING[how, row.kind])
        page = Page(
            title=phrase("{what}: {subject}", what=_BUTTONS[how], subject=row.subject),
            button=_BUTTONS[how],
            run=run,
            text=text,
            danger=how == "reject",
        )
        return answer(self, request, row, page, DecisionForm)


def asked_for(row: Approval) -> str:
    """What somebody wants, in a few words."""
    wanted = row.wanted
    if row.kind == Approval.Kind.PLAN_CHANGE:
        return phrase("the plan {after} instead of {before}", after=wanted.get("after"), before=wanted.get("before"))
    if row.kind == Approval.Kind.SUBSCRIPTION:
        return phrase("the plan {plan}", plan=wanted.get("plan"))
    if row.kind == Approval.Kind.TRANSITION:
        return ACTION_LABELS.get(wanted.get("action"), str(wanted.get("action")))
    if row.kind == Approval.Kind.KEYS:
        return phrase(
            "{key_type} keys ({grants})",
            key_type=wanted.get("key_type"),
            grants=", ".join(wanted.get("grant_types", ())),
        )
    if row.kind == Approval.Kind.DEPLOYMENT:
        places = selectors_approvals.places_in_words(row)
        return phrase("deploying revision {number} to {places}", number=wanted.get("revision"), places=places)
    return phrase("a new application")


class RulesForm(ServiceForm):
    """What else needs approval; nothing of it does unless it is ticked."""

    transitions = Choices(
        label="Steps of the lifecycle",
        choices=tuple((action.value, ACTION_LABELS[action]) for action in Action),
        help_text="Ticked, a publisher asks for it and an administrator decides. Yours need no approval.",
    )
    applications = YesNo(
        label="New applications",
        help_text="Ticked, an application has neither keys nor subscriptions until an administrator says yes.",
    )
    production_keys = YesNo(
        label="Production keys",
        help_text="Ticked, an application has no production credential until an administrator says yes. Those that "
        "have one keep it.",
    )
    sandbox_keys = YesNo(label="Sandbox keys", help_text="The same for sandbox credentials.")
    deployments = YesNo(
        label="Deployments",
        help_text="Ticked, a revision waits for an administrator before it is deployed, and so does publishing what is "
        "not deployed yet.",
    )

    class Meta:
        model = ApprovalRules
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = {name: getattr(self.instance, name) for name in approval_rules.RULES}
        self.initial = {**stored, **self.initial}


@admin.register(ApprovalRules)
class ApprovalRulesAdmin(ServiceAdmin):
    """The only row of its kind: what needs approval besides plans."""

    form = RulesForm
    changes = (Capability.ADMINISTER,)
    fieldsets = ((None, {"fields": approval_rules.RULES}),)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one row, so its page is the list. Raises: PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ApprovalRules.objects.get_or_create(pk=ApprovalRules.ONLY)
        return self.change_view(request, str(ApprovalRules.ONLY))

    def update(self, actor: Actor, obj: ApprovalRules, form: Any) -> None:
        values = {name: form.cleaned_data[name] for name in approval_rules.RULES}
        approval_rules.approval_rules_set(actor=actor, seen=form.seen, **values)
