"""What every portal page knows (a Django context processor)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from apis.roles import Capability


def portals(request: HttpRequest) -> dict[str, Any]:
    """The signed-in person's capabilities as plain names, so that templates ask `may.design_apis`."""
    person = getattr(request, "user", None)
    held = person.capabilities if person is not None and person.is_authenticated else frozenset()
    return {"may": {capability.value: capability in held for capability in Capability}}


def languages(request: HttpRequest) -> dict[str, Any]:
    """What the language switch of every page offers: codes, each with the language's own name, and where to come back.

    A page that answers a form need not have an address for GET; then it is the page that the form was sent from.
    """
    here = request.get_full_path() if request.method == "GET" else request.META.get("HTTP_REFERER") or reverse("home")
    return {"languages": settings.LANGUAGES, "language": get_language() or settings.LANGUAGE_CODE, "here": here}
