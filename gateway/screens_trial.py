"""The Test endpoint button of the publisher portal: what was typed in the dialog, or what is stored, step by step."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from apis.errors import Forbidden, Invalid, Missing, ServiceError
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.endpoint_form import EndpointForm
from apis.publisher.endpoints import configuration
from apis.publisher.pages import PortalRequest, api_page, go, sheet
from apis.roles import Capability
from apis.services import trying
from apis.shapes import KEY_TYPES
from apis.words import phrase
from gateway import trial_runs

TEMPLATE = "gateway/endpoint_trial.html"


@api_page
def try_endpoint(request: PortalRequest, actor: Actor, api: Api, key_type: str) -> HttpResponse:
    """A fragment to a script. Without one: a page, in which everything that was typed (but secrets) is still there."""
    if request.method != "POST":
        return go(request, "endpoints", api.pk)
    actor.require(Capability.DESIGN_APIS)
    if key_type not in KEY_TYPES:
        raise Missing("There is no such endpoint.")
    row = api.endpoints.filter(key_type=key_type).first()
    if "strategy" not in request.POST:  # the button beside the endpoint, not the one in its dialog
        facts = _tried(actor, api, key_type)
        title = phrase("Test of the {key_type} endpoint", key_type=key_type)
        return sheet(request, api, TEMPLATE, {**facts, "back": "endpoints"}, current="endpoints", title=title)
    form = EndpointForm(request.POST, stored=row.config if row else None)
    if form.is_valid():
        facts = _tried(actor, api, key_type, form)
    else:
        facts = {
            "problems": _listed(Invalid({name: [str(text) for text in texts] for name, texts in form.errors.items()}))
        }
    if request.htmx:
        return render(request, TEMPLATE, facts)
    return configuration(request, api, key_type, form, trial=TEMPLATE, **facts)


def _tried(actor: Actor, api: Api, key_type: str, form: EndpointForm | None = None) -> dict[str, Any]:
    """What the fragment shows: trials, or why there are none.

    Raises: Forbidden, Missing.
    """
    given = form.config() if form else None
    try:
        offer = trying.subprotocols(form.cleaned_data["subprotocols"]) if form else []
        config = trying.endpoint_to_try(actor=actor, api=api, key_type=key_type, config=given)
    except (Forbidden, Missing):
        raise
    except ServiceError as refusal:
        if form is not None:
            form.take(refusal)
        return {"problems": _listed(refusal)}
    return {"trials": trial_runs.run(config, offer)}


def _listed(refusal: ServiceError) -> list[tuple[str, str]]:
    """(where, what) of everything that is wrong."""
    if not isinstance(refusal, Invalid):
        return [("", refusal.detail)]
    return [(path.strip("_"), text) for path, texts in refusal.fields.items() for text in texts]
