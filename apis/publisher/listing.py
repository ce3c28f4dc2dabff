"""The list of APIs: what a creator or publisher sees first."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@login_required
def apis(request: HttpRequest) -> HttpResponse:
    """All APIs this person may see."""
    return render(request, "publisher/apis.html")
