"""The start page of the administration: the control plane's numbers, and live sessions where they are known."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from apis.admin.dashboard import numbers
from apis.permissions import Actor
from apis.roles import Capability
from gateway.live import sessions_visible
from gateway.plane import plane


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. In `up` the gateway lives in this process; in `serve` the directory knows."""
    context = numbers(request, context)
    actor = Actor.of(request.user)  # type: ignore[arg-type]
    if actor.can(Capability.SEE_APIS):
        count = sessions_visible(actor).count() if settings.MODE == "serve" else len(plane.registry.sessions)
        context["live"] = [("Live sessions", count)]
    return context
