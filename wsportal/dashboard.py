"""The start page of the administration: the control plane's numbers, and live sessions where they are known."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from apis.admin.dashboard import numbers
from apis.permissions import Actor
from apis.roles import Capability
from gateway.plane import plane


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. In `up` the gateway lives in this process; in `serve` it lives elsewhere."""
    context = numbers(request, context)
    if settings.MODE != "serve" and Actor.of(request.user).can(Capability.SEE_APIS):  # type: ignore[arg-type]
        context["live"] = [("Live sessions", len(plane.registry.sessions))]
    return context
