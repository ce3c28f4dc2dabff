"""What changed between a version and the one before it, of what developers are told."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apis import comparing, selectors
from apis.devportal import commands
from apis.devportal.base import actor_of, found_or_404


@require_safe
@never_cache
@found_or_404
def changes(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """What differs, what breaks clients first; a version without one before it says so."""
    actor = actor_of(request)
    api = selectors.api_on_offer(actor, api_id)
    before = comparing.version_before(actor, api)
    found = comparing.compared_in_public(before, api, commands.portal_url(request)) if before else None
    return render(request, "devportal/changes.html", {"api": api, "before": before, "comparison": found})
