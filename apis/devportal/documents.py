"""Documents of an API in the developer portal: read here, or saved. Anybody reads them where the API is public."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apis import selectors, selectors_social
from apis.devportal.base import actor_of, found_or_404
from apis.downloads import document_response
from apis.models import Api, ApiDocument


def _found(request: HttpRequest, api_id: UUID, document_id: UUID) -> tuple[Api, ApiDocument]:
    """Raises: Missing."""
    actor = actor_of(request)
    api = selectors.api_on_offer(actor, api_id)
    return api, selectors_social.document_get(actor, api, document_id)


@require_safe
@never_cache
@found_or_404
def document(request: HttpRequest, api_id: UUID, document_id: UUID) -> HttpResponse:
    """A document to be read, with the way to the others."""
    api, found = _found(request, api_id, document_id)
    others = selectors_social.documents_of(actor_of(request), api)
    return render(request, "devportal/document.html", {"api": api, "document": found, "documents": others})


@require_safe
@found_or_404
def content(request: HttpRequest, api_id: UUID, document_id: UUID) -> HttpResponse:
    """The text or the file, to be saved."""
    return document_response(_found(request, api_id, document_id)[1])


@require_safe
@found_or_404
def image(request: HttpRequest, api_id: UUID, document_id: UUID) -> HttpResponse:
    """An image for a page; anything else is to be saved."""
    return document_response(_found(request, api_id, document_id)[1], as_image=True)
