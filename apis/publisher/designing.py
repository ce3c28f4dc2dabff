"""Which business plans an API offers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse

from apis import selectors
from apis.errors import Forbidden, ServiceError, Stale
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.forms import PlansForm
from apis.publisher.pages import PortalRequest, api_page, go, show
from apis.saying import said
from apis.seeing import seen_in
from apis.services import designs


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
            messages.success(request, said("Saved."))
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
