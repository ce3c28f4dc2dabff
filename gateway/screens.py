"""Pieces of portal pages that show what the data plane knows; the portals place them by their addresses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apis import selectors
from apis.checking import asking
from apis.errors import ServiceError, TooOften
from apis.permissions import PUBLISHER_PORTAL, Actor
from apis.publisher.asking import lines
from apis.roles import Capability
from apis.services import trying
from gateway import reports
from gateway.charting import chart_names
from gateway.health_report import health_of

SPAN: Final = timedelta(hours=24)
STEP: Final = "hour"


def _card(request: HttpRequest, actor: Actor, **which: UUID) -> HttpResponse:
    now = timezone.now()
    found = reports.report(reports.visible_usage(actor, **which), now - SPAN, now, STEP)
    rows = reports.filled(found, now - SPAN, now, STEP)
    chart: dict[str, Any] = {
        "form": "clock",
        "starts": [row["start"].isoformat() for row in rows],
        "columns": {name: [row[name] for row in rows] for name in ("events_in", "events_out")},
    }
    facts = {
        "total": found.total,
        "chart": chart,
        "chart_id": f"usage-{next(iter(which.values()))}",
        "names": chart_names()["both_ways"],
        "busy_rows": found.rows,
    }
    return render(request, "gateway/usage_card.html", facts)


@require_safe
@never_cache
@login_required
def usage_of_api(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """The last day of one API, for people who may see it."""
    actor = Actor.of(request.user)  # type: ignore[arg-type]  # login_required
    try:
        selectors.api_get(actor, api_id)
    except ServiceError:
        raise Http404 from None
    return _card(request, actor, api_id=api_id)


@require_safe
@never_cache
@login_required
def usage_of_application(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """The last day of one application, for its owner."""
    actor = Actor.of(request.user)  # type: ignore[arg-type]  # login_required
    try:
        selectors.application_get(actor, application_id)
    except ServiceError:
        raise Http404 from None
    return _card(request, actor, application_id=application_id)


@require_safe
@never_cache
@login_required
def health_of_endpoint(request: HttpRequest, api_id: UUID, key_type: str) -> HttpResponse:
    """How the URLs of an endpoint are in every gateway process, for people who may see the design."""
    actor = Actor.of(request.user)  # type: ignore[arg-type]  # login_required
    try:
        urls = health_of(selectors.api_get(actor, api_id), key_type)
    except ServiceError:
        raise Http404 from None
    return render(request, "gateway/endpoint_health.html", {"urls": urls, "key_type": key_type})


@require_safe
@never_cache
@login_required
def reach_of_api(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Whether its upstreams can be reached just now, as findings for people who may see the design; dials them."""
    actor = Actor.of(request.user, via=PUBLISHER_PORTAL)  # type: ignore[arg-type]  # login_required
    try:
        actor.require(Capability.SEE_APIS)
        api = selectors.api_get(actor, api_id)
        trying.count_look(actor)
    except TooOften:
        return HttpResponse()
    except ServiceError:
        raise Http404 from None
    checks = lines([one.check() for one in asking.looked(api, asking.asked(api))])
    return render(request, "publisher/_checks.html", {"api": api, "checks": checks})
