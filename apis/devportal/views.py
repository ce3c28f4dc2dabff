"""Pages of the developer portal."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apis import selectors
from apis.permissions import Actor


def api_list(request: HttpRequest) -> HttpResponse:
    """The APIs on offer, to anybody."""
    return render(request, "devportal/apis.html", {"apis": selectors.apis_on_offer()})


@login_required
def application_list(request: HttpRequest) -> HttpResponse:
    """The person's own applications."""
    assert request.user.is_authenticated  # noqa: S101 - login_required
    rows = selectors.applications_of(Actor.of(request.user))
    return render(request, "devportal/applications.html", {"applications": rows})
