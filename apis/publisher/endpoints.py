"""The Endpoints page and the configuration behind each cogwheel."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse

from apis import selectors
from apis.errors import Forbidden, Missing, ServiceError, Stale
from apis.models import Api, Endpoint
from apis.permissions import Actor
from apis.publisher.endpoint_form import EndpointForm
from apis.publisher.pages import PortalRequest, Question, api_page, ask, go, is_confirmed, sentences, sheet, show
from apis.roles import Capability
from apis.saying import said
from apis.seeing import in_section, seen_in, told
from apis.services import configuring
from apis.shapes import KEY_TYPES
from apis.shapes_endpoint import STRATEGY_LABELS, complete
from apis.shapes_upstream_security import SECURITY_TYPES
from apis.words import phrase

PURPOSES: Final = {
    "production": "Where the connections of production keys go.",
    "sandbox": "Where the connections of sandbox keys go.",
}


def _stored(api: Api, key_type: str) -> Endpoint | None:
    return next((endpoint for endpoint in api.endpoints.all() if endpoint.key_type == key_type), None)


@api_page
def endpoints(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Both endpoints, each with its URL to change, what is configured, and the cogwheel."""
    typed, problem, status, stale = {}, "", 200, None
    if request.method == "POST":
        key_type, url = request.POST.get("key_type", ""), request.POST.get("url", "")
        try:
            _set_url(actor, api, key_type, url, copy_of=request.POST.get("copy", ""), seen=seen_in(request))
        except Forbidden:
            raise
        except Stale as refusal:
            typed, stale, api = {"key_type": key_type, "url": url}, refusal, selectors.api_get(actor, api.pk)
        except ServiceError as refusal:
            typed, problem, status = {"key_type": key_type, "url": url}, " ".join(sentences(refusal)), refusal.status
        else:
            messages.success(request, said(phrase("The {key_type} endpoint is saved.", key_type=key_type)))
            return go(request, "endpoints", api.pk)
    found = [(key_type, PURPOSES[key_type], _stored(api, key_type)) for key_type in KEY_TYPES]
    context = {
        "cards": [(*card, summary(complete(card[2].config)) if card[2] else [], removal(card[0])) for card in found],
        "typed": typed,
        "problem": problem,
        "is_deployed": api.deployments.exists(),
    }
    return show(request, api, "endpoints", context, refusal=stale, status=status)


def summary(config: dict[str, Any]) -> list[tuple[str, str]]:
    """What is configured, in a few words a line."""
    timeouts, suspension = config["timeouts"], config["suspension"]
    idle = (
        phrase("idle {duration}", duration=duration(timeouts["idle_s"] * 1000)) if timeouts["idle_s"] else "never idle"
    )
    waits = phrase(
        "connect {duration}, handshake {duration_2}, {idle}",
        duration=duration(timeouts["connect_ms"]),
        duration_2=duration(timeouts["handshake_ms"]),
        idle=idle,
    )
    if timeouts["action"] == "refuse":
        waits += "; the client is refused at once then"
    lines = [("Timeouts", waits), ("Suspension", _suspension(suspension))]
    if len(config["urls"]) > 1:
        lines.append(("Several URLs", STRATEGY_LABELS[config["strategy"]]))
    return lines + _further(config)


def _further(config: dict[str, Any]) -> list[tuple[str, str]]:
    """What is not as by default of security, headers, TLS, proxy and dynamic targets; no secret among it."""
    tls, proxy, dynamic = config["tls"], config["proxy"], config["dynamic"]
    trust = [
        "" if tls["verify"] else "certificates are not verified",
        "own authorities" if tls["ca"] else "",
        phrase("asks for {server_name}", server_name=tls["server_name"]) if tls["server_name"] else "",
    ]
    lines = {
        "Security": SECURITY_TYPES[config["security"]["type"]] if config["security"]["type"] != "none" else "",
        "Headers": ", ".join(config["headers"]),
        "TLS": ", ".join(word for word in trust if word),
        "Proxy": proxy["url"],
        "Dynamic": _targets(dynamic)
        if dynamic["by"] != "none" else "",
    }  # fmt: skip
    return [line for line in lines.items() if line[1]]


def _targets(dynamic: dict[str, Any]) -> str:
    number, by, name = len(dynamic["targets"]), dynamic["by"], dynamic["name"]
    return phrase("{number} targets by the {by} {name}", number=number, by=by, name=name)


def _suspension(suspension: dict[str, Any]) -> str:
    if not suspension["initial_ms"] or not suspension["errors"]:
        return "never"
    words = [duration(suspension["initial_ms"])]
    if suspension["factor"] > 1:
        words.append(
            phrase(
                "{factor:g} times longer each time, at most {duration}",
                factor=suspension["factor"],
                duration=duration(suspension["max_ms"]),
            )
        )
    if suspension["retries"]:
        words.append(f"after {suspension['retries']} more {'try' if suspension['retries'] == 1 else 'tries'}")
    return ", ".join(words)


def duration(ms: int) -> str:
    """Milliseconds in the largest unit that stays short: "250 ms", "1.5 s", "5 min", "24 h"."""
    for unit, size in (("h", 3_600_000), ("min", 60_000)):
        if ms >= size and ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms / 1000:g} s" if ms >= 1000 else f"{ms} ms"


def _set_url(actor: Actor, api: Api, key_type: str, url: str, *, copy_of: str, seen: int | None) -> None:
    """Change the URL alone and keep everything else, or take all of the other endpoint."""
    if copy_of:
        configuring.endpoint_copy(actor=actor, api=api, source=copy_of, target=key_type, seen=seen)
    else:
        configuring.endpoint_set_url(actor=actor, api=api, key_type=key_type, url=url, seen=seen)


@api_page
def endpoint(request: PortalRequest, actor: Actor, api: Api, key_type: str) -> HttpResponse:
    """The configuration of one endpoint: a dialog to a script, a page without."""
    if key_type not in KEY_TYPES:
        raise Missing("There is no such endpoint.")
    actor.require(Capability.DESIGN_APIS)
    row = _stored(api, key_type)
    stored = row.config if row else None
    if request.method != "POST":
        return configuration(request, api, key_type, EndpointForm(stored=stored))
    form, status = EndpointForm(request.POST, stored=stored), 400
    if form.is_valid():
        try:
            configuring.endpoint_configure(
                actor=actor, api=api, key_type=key_type, config=form.config(), seen=seen_in(request)
            )
        except Stale as stale:
            api = selectors.api_get(actor, api.pk)
            row = _stored(api, key_type)
            mine = in_section(stale, "endpoints").get(key_type)
            form = form.anew(mine or form.config(), row.config if row else None)
            return configuration(request, api, key_type, form, status=stale.status, **told(stale))
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            messages.success(request, said(phrase("The {key_type} endpoint is saved.", key_type=key_type)))
            return go(request, "endpoints", api.pk)
    return configuration(request, api, key_type, form, status=status)


def configuration(
    request: PortalRequest, api: Api, key_type: str, form: EndpointForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    """The form of an endpoint: a dialog to a script, a page without.

    Args:
        context: what else `publisher/_endpoint_form.html` shows.
    """
    facts = {
        "form": form,
        "key_type": key_type,
        "strategies": STRATEGY_LABELS,
        "is_deployed": api.deployments.exists(),
        "now": dict(summary(complete(row.config))) if (row := _stored(api, key_type)) else {},
        **context,
    }
    title = f"{key_type.capitalize()} endpoint"
    return sheet(request, api, "publisher/_endpoint_form.html", facts, current="endpoints", title=title, status=status)


@api_page
def endpoint_remove(request: PortalRequest, actor: Actor, api: Api, key_type: str) -> HttpResponse:
    """Take an endpoint away, after a question."""
    if request.method != "POST":
        return go(request, "endpoints", api.pk)
    refusal = None
    if is_confirmed(request):
        try:
            configuring.endpoint_remove(actor=actor, api=api, key_type=key_type, seen=seen_in(request))
        except (Forbidden, Missing):
            raise
        except Stale:
            messages.error(
                request,
                said(
                    phrase(
                        "Somebody else changed the {key_type} endpoint meanwhile; look at it first.", key_type=key_type
                    )
                ),
            )
            return go(request, "endpoints", api.pk)
        except ServiceError as refused:
            refusal = refused
        else:
            messages.success(request, said(phrase("The {key_type} endpoint is removed.", key_type=key_type)))
            return go(request, "endpoints", api.pk)
    return ask(request, api, removal(key_type), current="endpoints", refusal=refusal)


def removal(key_type: str) -> Question:
    """What is asked before an endpoint is removed."""
    return Question(
        phrase("Remove the {key_type} endpoint?", key_type=key_type),
        phrase(
            "Connections with {key_type} keys are refused then. Its configuration is gone, secrets included.",
            key_type=key_type,
        ),
        "Remove",
    )
