"""The definition of an API as developers read it: topics, directions, payloads; and to be saved."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apis import describing, selectors
from apis.asyncapi.dumping import dumped
from apis.asyncapi.model import PUBLISH, SUBSCRIBE
from apis.asyncapi.reading import read
from apis.asyncapi.showing import messages_of, shown_message
from apis.colouring import coloured_lines
from apis.devportal import commands
from apis.devportal.base import actor_of, found_or_404
from apis.models import Api

TYPES = {"yaml": "application/yaml", "json": "application/json"}
DIRECTIONS = ((PUBLISH, "Clients send"), (SUBSCRIBE, "Clients receive"))


def _text(request: HttpRequest, api: Api, syntax: str) -> str:
    return dumped(describing.offered(api, commands.portal_url(request)), syntax)


@require_safe
@never_cache
@found_or_404
def definition(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Topic by topic what travels, and the document below."""
    api = selectors.api_on_offer(actor_of(request), api_id)
    text = _text(request, api, "yaml")
    reading = read(text)
    topics = {topic["name"]: topic for topic in selectors.topics_served(api)}
    rows = []
    for channel in reading.channels:
        sides = [
            (label, [shown_message(message, reading) for message in messages_of(channel, direction)])
            for direction, label in DIRECTIONS
            if channel.direction(direction)
        ]
        rows.append((channel, topics.get(channel.address), sides))
    context = {"api": api, "rows": rows, "lines": coloured_lines(text, "yaml"), "version": reading.version}
    return render(request, "devportal/definition.html", context)


@require_safe
@never_cache
@found_or_404
def download(request: HttpRequest, api_id: UUID, syntax: str) -> HttpResponse:
    """The document as a file."""
    api = selectors.api_on_offer(actor_of(request), api_id)
    response = HttpResponse(_text(request, api, syntax).encode(), content_type=TYPES[syntax])
    name = f"{api.name}-{api.version}.asyncapi.{syntax}".replace(" ", "-")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response
