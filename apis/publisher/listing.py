"""The list of APIs: what a creator or publisher sees first."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from apis import searching, selectors
from apis.lifecycle import LABELS, State
from apis.permissions import Actor, designs_for
from apis.publisher.pages import PortalRequest, page, paged


@page
def apis(request: PortalRequest, actor: Actor) -> HttpResponse:
    """All APIs this person may see; `?search=`, `?state=`, `?mine=1` narrow, `?page=` turns the page."""
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("search", "state", "mine")}
    every = rows = selectors.apis_visible(actor)
    rows = searching.apis_matching(rows, search=asked["search"], state=asked["state"], whole=designs_for(actor))
    if asked["mine"]:
        rows = rows.filter(provider=actor.person)
    context = {
        "rows": paged(request, rows),
        "asked": asked,
        "any_at_all": every.exists(),
        "states": [(state.value, LABELS[state]) for state in State],
    }
    return render(request, "publisher/apis.html", context)
