"""The Endpoints page and the configuration behind each cogwheel."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse

from apis.errors import Forbidden, Missing, ServiceError
from apis.models import Api, Endpoint
from apis.permissions import Actor
from apis.publisher.forms import EndpointForm
from apis.publisher.pages import PortalRequest, api_page, go, sentences, sheet, show
from apis.roles import Capability
from apis.services import configuring
from apis.shapes import KEY_TYPES
from apis.shapes_endpoint import DEFAULTS, complete

STRATEGY_LABELS: Final = {
    "round_robin": "Round robin: each URL in turn",
    "weighted": "Weighted: in turn, some more often",
    "least_sessions": "Least sessions: where the fewest are connected",
    "failover": "Failover: the first URL that is not suspended",
}
PURPOSES: Final = {
    "production": "Where the connections of production keys go.",
    "sandbox": "Where the connections of sandbox keys go.",
}

def _stored(api: Api, key_type: str) -> Endpoint | None:
    return next((endpoint for endpoint in api.endpoints.all() if endpoint.key_type == key_type), None)


@api_page
def endpoints(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Both endpoints, each with its URL to change, what is configured, and the cogwheel."""
    typed, problem, status = {}, "", 200
    if request.method == "POST":
        key_type, url = request.POST.get("key_type", ""), request.POST.get("url", "")
        try:
            _set_url(actor, api, key_type, url, copy_of=request.POST.get("copy", ""))
        except Forbidden:
            raise
        except ServiceError as refusal:
            typed, problem, status = {"key_type": key_type, "url": url}, " ".join(sentences(refusal)), refusal.status
        else:
            messages.success(request, f"The {key_type} endpoint is saved.")
            return go(request, "endpoints", api.pk)
    found = [(key_type, PURPOSES[key_type], _stored(api, key_type)) for key_type in KEY_TYPES]
    context = {
        "cards": [(*card, summary(complete(card[2].config)) if card[2] else []) for card in found],
        "typed": typed,
        "problem": problem,
        "is_deployed": api.deployments.exists(),
    }
    return show(request, api, "endpoints", context, status=status)


def summary(config: dict[str, Any]) -> list[tuple[str, str]]:
    """What is configured, in a few words a line."""
    timeouts, suspension = config["timeouts"], config["suspension"]
    idle = f"idle {duration(timeouts['idle_s'] * 1000)}" if timeouts["idle_s"] else "never idle"
    waits = f"connect {duration(timeouts['connect_ms'])}, handshake {duration(timeouts['handshake_ms'])}, {idle}"
    lines = [("Timeouts", waits), ("Suspension", _suspension(suspension))]
    if len(config["urls"]) > 1:
        lines.append(("Several URLs", STRATEGY_LABELS[config["strategy"]]))
    return lines


def _suspension(suspension: dict[str, Any]) -> str:
    if not suspension["initial_ms"] or not suspension["errors"]:
        return "never"
    words = [duration(suspension["initial_ms"])]
    if suspension["factor"] > 1:
        words.append(f"{suspension['factor']:g} times longer each time, at most {duration(suspension['max_ms'])}")
    if suspension["retries"]:
        words.append(f"after {suspension['retries']} more {'try' if suspension['retries'] == 1 else 'tries'}")
    return ", ".join(words)


def duration(ms: int) -> str:
    """Milliseconds in the largest unit that stays short: "250 ms", "1.5 s", "5 min", "24 h"."""
    for unit, size in (("h", 3_600_000), ("min", 60_000)):
        if ms >= size and ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms} ms"


def _set_url(actor: Actor, api: Api, key_type: str, url: str, *, copy_of: str) -> None:
    """Change the URL alone and keep everything else, or take all of the other endpoint."""
    if copy_of:
        configuring.endpoint_copy(actor=actor, api=api, source=copy_of, target=key_type)
    else:
        configuring.endpoint_set_url(actor=actor, api=api, key_type=key_type, url=url)


@api_page
def endpoint(request: PortalRequest, actor: Actor, api: Api, key_type: str) -> HttpResponse:
    """The configuration of one endpoint: a dialog to a script, a page without."""
    if key_type not in KEY_TYPES:
        raise Missing("There is no such endpoint.")
    actor.require(Capability.DESIGN_APIS)
    stored = _stored(api, key_type)
    if request.method != "POST":
        return _sheet(request, api, key_type, EndpointForm(config=complete(stored.config) if stored else DEFAULTS), 200)
    form, status = EndpointForm(request.POST), 400
    if form.is_valid():
        try:
            configuring.endpoint_configure(actor=actor, api=api, key_type=key_type, config=form.config())
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            messages.success(request, f"The {key_type} endpoint is saved.")
            return go(request, "endpoints", api.pk)
    return _sheet(request, api, key_type, form, status)


def _sheet(request: PortalRequest, api: Api, key_type: str, form: EndpointForm, status: int) -> HttpResponse:
    context = {
        "form": form,
        "key_type": key_type,
        "strategies": STRATEGY_LABELS,
        "is_deployed": api.deployments.exists(),
    }
    title = f"{key_type.capitalize()} endpoint"
    return sheet(
        request, api, "publisher/_endpoint_form.html", context, current="endpoints", title=title, status=status
    )
