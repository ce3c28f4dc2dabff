"""The API plan on the Runtime page: limits that all sessions of an API share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse

from apis import selectors_plans
from apis.errors import Forbidden, ServiceError
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, api_page, go, sentences
from apis.saying import said
from apis.seeing import seen_in
from apis.services import designs
from apis.words import phrase


def why_not(actor: Actor, api: Api) -> str:
    """Why this person may not choose the API's plan now, or ""."""
    try:
        designs.require_edit(actor, api, {"api_plan"})
    except Forbidden as refusal:
        return refusal.detail
    return ""


def choice_of(actor: Actor, api: Api) -> dict[str, Any]:
    """What the card on the Runtime page shows."""
    return {"api_plans": list(selectors_plans.api_plans(actor)), "why_no_api_plan": why_not(actor, api)}


@api_page
def api_plan(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Give the API another plan, or none; then back to the Runtime page."""
    if request.method == "POST":
        name = request.POST.get("api_plan", "").replace("\x00", "")
        try:
            designs.api_update(actor=actor, api=api, api_plan=name or None, seen=seen_in(request))
        except Forbidden:
            raise
        except ServiceError as refusal:
            messages.error(request, " ".join(sentences(refusal)))
        else:
            messages.success(
                request,
                said(phrase("The API plan is {name}.", name=name) if name else "The API has no plan of its own."),
            )
    return go(request, "runtime", api.pk)
