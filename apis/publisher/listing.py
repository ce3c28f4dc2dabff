"""The list of APIs: what a creator or publisher sees first."""

from __future__ import annotations

from typing import Final

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render

from apis import selectors
from apis.lifecycle import LABELS, State
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, page, paged

_SEARCHED: Final = ("version_set__name", "version_set__context", "display_name", "version", "description")


@page
def apis(request: PortalRequest, actor: Actor) -> HttpResponse:
    """All APIs this person may see; `?search=`, `?state=`, `?mine=1` narrow, `?page=` turns the page."""
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("search", "state", "mine")}
    every = rows = selectors.apis_visible(actor)
    if asked["search"]:
        rows = rows.filter(_anywhere(asked["search"]))
    if asked["state"]:
        rows = rows.filter(state=asked["state"])
    if asked["mine"]:
        rows = rows.filter(provider=actor.person)
    context = {
        "rows": paged(request, rows),
        "asked": asked,
        "any_at_all": every.exists(),
        "states": [(state.value, LABELS[state]) for state in State],
    }
    return render(request, "publisher/apis.html", context)


def _anywhere(text: str) -> Q:
    """`text` in one of the fields by which people look for an API."""
    found = Q()
    for field in _SEARCHED:
        found |= Q(**{f"{field}__icontains": text})
    return found
