"""The Test endpoint button of the publisher portal: what was typed in the dialog, or what is stored, step by step."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from apis.errors import Forbidden, Missing, ServiceError
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.endpoint_form import EndpointForm
from apis.publisher.endpoints import configuration
from apis.publisher.pages import PortalRequest, api_page, go, sentences, sheet
from apis.services import trying
from gateway import trial_runs

TEMPLATE = "gateway/endpoint_trial.html"


@api_page
def try_endpoint(request: PortalRequest, actor: Actor, api: Api, key_type: str) -> HttpResponse:
    """A fragment to a script. Without one: a page, in which everything that was typed (but secrets) is still there."""
    if request.method != "POST":
        return go(request, "endpoints", api.pk)
    row = api.endpoints.filter(key_type=key_type).first()
    if "strategy" not in request.POST:  # the button beside the endpoint, not the one in its dialog
        facts = _tried(actor, api, key_type)
        title = f"Test of the {key_type} endpoint"
        return sheet(request, api, TEMPLATE, {**facts, "back": "endpoints"}, current="endpoints", title=title)
    form = EndpointForm(request.POST, stored=row.config if row else None)
    facts = {"problems": ["Something is not filled in as it should be; nothing was tried."]}
    if form.is_valid():
        facts = _tried(actor, api, key_type, form)
    if request.htmx:
        return render(request, TEMPLATE, facts)
    return configuration(request, api, key_type, form, trial=TEMPLATE, **facts)


def _tried(actor: Actor, api: Api, key_type: str, form: EndpointForm | None = None) -> dict[str, Any]:
    """What the fragment shows: trials, or why there are none.

    Raises: Forbidden, Missing.
    """
    given = form.config() if form else None
    try:
        config = trying.endpoint_to_try(actor=actor, api=api, key_type=key_type, config=given)
    except (Forbidden, Missing):
        raise
    except ServiceError as refusal:
        told = sentences(refusal)
        if form is not None:
            form.take(refusal)
        return {"problems": told, "key_type": key_type}
    return {"trials": trial_runs.run(config), "key_type": key_type}
