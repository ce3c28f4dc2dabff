"""An API's own pages: overview, basic info, business plans."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse

from apis import checking, selectors
from apis.errors import Forbidden, ServiceError, Stale
from apis.lifecycle import ACTION_LABELS, VISIBLE_TO_DEVELOPERS, State
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.defaults import default_facts
from apis.publisher.editing import seen_in
from apis.publisher.forms import InfoForm, PlansForm
from apis.publisher.pages import PortalRequest, api_page, go, show
from apis.publisher.securing import needs_subscription
from apis.publisher.topics import differs
from apis.roles import Capability
from apis.services import designs


@api_page
def overview(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Develop > Deploy > Publish with what is done and what is missing, and the facts of the API."""
    ways = [
        (step.action, ACTION_LABELS[step.action], ready, missing)
        for step, ready, missing in checking.transitions_of(actor, api)
        if step.target == State.PUBLISHED != step.source
    ]
    context = {
        "facts": selectors.overview_facts(api),
        "publish": ways[0] if ways else None,
        "on_show": api.state in VISIBLE_TO_DEVELOPERS,
        "endpoints": api.endpoints.all(),
        "topics_differ": differs(api, list(api.topics.all())),
        "subscription_count": selectors.subscriptions_visible(actor).filter(api=api).count(),
        "needs_subscription": needs_subscription(api),
    }
    return show(request, api, "overview", context)


@api_page
def info(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Name, context and version while they may change; display name, description and tags."""
    facts = default_facts(actor, api)
    if not actor.can(Capability.DESIGN_APIS):
        if request.method == "POST":
            actor.require(Capability.DESIGN_APIS)
        return show(request, api, "info", {"form": None, "facts": facts})
    if request.method != "POST":
        return show(request, api, "info", {"form": InfoForm(api), "facts": facts})
    form = InfoForm(api, request.POST)
    status = 400
    if form.is_valid():
        try:
            designs.api_update(actor=actor, api=api, seen=seen_in(request), **form.values())
        except Stale as stale:
            form = InfoForm(api, values=stale.merged)
            return show(request, api, "info", {"form": form, "facts": facts}, refusal=stale)
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            messages.success(request, "Saved.")
            return go(request, "info", api.pk)
    return show(request, api, "info", {"form": form, "facts": facts}, status=status)


def _why_not_plans(actor: Actor, api: Api) -> str:
    """Why this person may not choose the API's plans now, or ""."""
    try:
        designs.require_edit(actor, api, {"business_plans"})
    except Forbidden as refusal:
        return refusal.detail
    return ""


@api_page
def plans(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Which business plans the API offers."""
    offered = [plan.name for plan in api.business_plans.all()]
    form, status, stale = PlansForm(request.POST if request.method == "POST" else None), 200, None
    if form.is_valid():
        try:
            designs.api_update(actor=actor, api=api, seen=seen_in(request), **form.cleaned_data)
        except Forbidden:
            raise
        except Stale as refusal:
            stale = refusal
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            messages.success(request, "Saved.")
            return go(request, "plans", api.pk)
    elif form.is_bound:
        status = 400
    context = {
        "form": form,
        "plans": selectors.business_plans(),
        "chosen": request.POST.getlist("business_plans") if form.is_bound else offered,
        "why_not": _why_not_plans(actor, api),
    }
    return show(request, api, "plans", context, refusal=stale, status=status)
