"""The test console of both portals: a page that connects to an API, and the two things that its script asks for."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apis import selectors
from apis.devportal.base import member, own_page
from apis.errors import Invalid, ServiceError, TooOften
from apis.lifecycle import LABELS, State
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, api_page, sentences, show
from apis.roles import Capability
from apis.services.attempts import Attempts
from apis.shapes_security import origin_problem
from gateway import console
from gateway.core.rejections import Rejection
from gateway.knocking import knock

KNOCKS: Final = Attempts("knock", limit=30)  # a minute, of one person: each is a handshake of the gateway's
OPENED: Final = Attempts("console", limit=120)


def _page_of(request: HttpRequest) -> str:
    """The origin of the page: what a browser says, or what this server was asked by."""
    said = request.headers.get("Origin", "")
    return said if said and not origin_problem(said) else f"{request.scheme}://{request.get_host()}"


def _facts(request: HttpRequest, api: Api, choices: list[console.Choice]) -> dict[str, Any]:
    """What `gateway/_console.html` needs."""
    addresses = console.addresses(api)
    secure = request.is_secure()
    allowed = console.allowed_pages(api)
    here = f"{request.scheme}://{request.get_host()}"
    fitting = next((row for row in addresses if row.base.startswith("wss:") == secure), None)
    return {
        "addresses": addresses,
        "chosen": fitting or next(iter(addresses), None),
        "topics": selectors.topics_served(api),
        "choices": choices,
        "origin_refused": here if allowed and here not in allowed else "",
        "allowed_pages": allowed,
    }


def _with_gateway(response: HttpResponse, addresses: list[console.Address]) -> HttpResponse:
    """Let this page, and no other, talk to the gateway."""
    origins = sorted(row.base for row in addresses)
    response._csp_update = {"connect-src": ["'self'", *origins]}  # type: ignore[attr-defined]
    return response


# For those who make APIs --------------------------------------------------------------------------------------------


def _makers(actor: Actor) -> list[console.Choice]:
    return console.makers_choices() if actor.can(Capability.DEPLOY_APIS) else console.makers_choices()[2:]


@require_safe
@api_page
def console_page(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Connect to a deployed API with a test key."""
    facts = _facts(request, api, _makers(actor))
    closed = LABELS[State(api.state)] if api.state in {State.BLOCKED, State.RETIRED} else ""
    context = {
        **facts,
        "closed": closed,
        "ask": reverse("gateway:console-open", args=[api.pk]),
        "commands": console.commands(api, header="ApiKey: TEST_KEY"),
        "key_page": f"{reverse('publisher:security', args=[api.pk])}#test-key",
    }
    return _with_gateway(show(request, api, "console", context), facts["addresses"])


@require_POST
@api_page
def console_open(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """A ticket for one handshake, or why there is none; with `why`, that handshake tried from here."""
    return _answer(request, actor, api, _makers(actor))


# For subscribers ----------------------------------------------------------------------------------------------------


def _subscribers(actor: Actor, api: Api) -> list[console.Choice]:
    """Applications that may use the API come first: subscribed ones, and where nobody needs to be, all."""
    rows = list(selectors.own_applications(actor))
    subscribed = set(selectors.subscriptions_visible(actor).filter(api=api).values_list("application_id", flat=True))
    is_free = any(plan.subscriptionless for plan in api.business_plans.all())
    return console.subscribers_choices(api, [row for row in rows if is_free or row.pk in subscribed])


@require_safe
@own_page
def own_console_page(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Try an API on offer with a token of one's own application, or an API key."""
    actor = member(request)
    api = selectors.api_on_offer(actor, api_id)
    facts = _facts(request, api, _subscribers(actor, api))
    header = "Authorization: Bearer ACCESS_TOKEN" if "oauth" in api.security["schemes"] else "ApiKey: API_KEY"
    context = {
        **facts,
        "api": api,
        "ask": reverse("gateway:own-console-open", args=[api.pk]),
        "has_application": len(facts["choices"]) > 2,
        "commands": console.commands(api, header=header),
    }
    return _with_gateway(render(request, "devportal/console.html", context), facts["addresses"])


@require_POST
@own_page
def own_console_open(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The same as `console_open`, for a subscriber."""
    actor = member(request)
    api = selectors.api_on_offer(actor, api_id)
    return _answer(request, actor, api, _subscribers(actor, api))


# What the script asks -----------------------------------------------------------------------------------------------


def _answer(request: HttpRequest, actor: Actor, api: Api, choices: list[console.Choice]) -> HttpResponse:
    """{"url","credential"} or {"refused","status","code"}; of a tried handshake {"open","status","says","code"}.

    That a handshake is refused is what was asked for, so it is no error of this request; 400 is for input that no
    page of ours sends.
    """
    is_why = request.POST.get("why") == "yes"
    try:
        limit = KNOCKS if is_why else OPENED
        if wait_s := limit.begin(str(actor.person.pk)):
            raise TooOften(wait_s, "You try too often")
        visit = console.visit_of(api, request.POST.dict(), choices, actor, _page_of(request))
        headers = [
            (name.lower().encode(), value.encode("latin-1", "replace")) for name, value in request.headers.items()
        ]
        client = request.META.get("REMOTE_ADDR", "")
        door = console.open_door(actor=actor, api=api, visit=visit, headers=headers, client=client)
    except Rejection as rejection:
        return JsonResponse({"refused": rejection.detail, "status": rejection.status, "code": rejection.code})
    except Invalid as refusal:
        return JsonResponse({"refused": " ".join(sentences(refusal)), "fields": refusal.fields}, status=400)
    except ServiceError as refusal:
        return JsonResponse({"refused": refusal.detail, "status": refusal.status, "code": refusal.code})
    if not is_why:
        return JsonResponse({"url": door.url, "credential": door.credential if visit.kind != console.NONE else ""})
    found = knock(door.url, origin=visit.origin, subprotocols=visit.subprotocols)
    return JsonResponse(
        {"open": found.is_open, "status": found.status, "says": found.says, "code": found.code,
         "subprotocol": found.subprotocol}
    )  # fmt: skip
