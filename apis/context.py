"""What every portal page knows (a Django context processor)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from apis.roles import Capability


def portals(request: HttpRequest) -> dict[str, Any]:
    """The signed-in person's capabilities as plain names, so that templates ask `may.design_apis`."""
    person = getattr(request, "user", None)
    held = person.capabilities if person is not None and person.is_authenticated else frozenset()
    return {"may": {capability.value: capability in held for capability in Capability}}
