"""The picture of an API, for everybody who sees the API."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from apis import selectors
from apis.devportal.base import actor_of
from apis.downloads import thumbnail_response
from apis.errors import Missing
from apis.models import Thumbnail


@require_safe
def thumbnail(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """PNG or JPEG. The pages add `?v=` and a part of its digest, so that a browser may keep it."""
    actor = actor_of(request)
    try:
        api = selectors.api_readable(actor, api_id) if actor else selectors.api_on_offer(None, api_id)
    except Missing as gone:
        raise Http404(gone.detail) from gone
    picture = Thumbnail.objects.filter(api=api).first()
    if picture is None:
        raise Http404("This API has no thumbnail.")
    response = thumbnail_response(picture)
    response["ETag"] = f'"{picture.digest}"'
    return get_conditional_response(request, etag=response["ETag"], response=response) or response
