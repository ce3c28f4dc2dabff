"""Handing out what people have uploaded, so that no browser runs any of it on this host."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import content_disposition_header

from apis.models import ApiDocument, Thumbnail
from apis.selectors_social import octets_of

MARKDOWN: Final = "text/markdown; charset=utf-8"
# Even an image that turned out to be a page could load nothing, run nothing and would have no origin.
_CAGE: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


class SeeOther(HttpResponseRedirect):
    """303 (RFC 9110 section 15.4.4): the content is at another address, to be had with GET and without credentials."""

    status_code = 303


def document_response(document: ApiDocument, *, as_image: bool = False) -> HttpResponse:
    """The content of a document: Markdown and files to be saved, and the way to a link.

    Args:
        as_image: an image may be shown in a page instead.
    """
    if document.source == ApiDocument.Source.URL:
        return SeeOther(document.url)
    if document.source == ApiDocument.Source.INLINE:
        octets, media_type, name = document.content.encode(), MARKDOWN, f"{_plain(document.name)}.md"
    else:
        octets, media_type, name = octets_of(document), document.media_type, document.file_name
    to_save = not (as_image and document.is_image)
    disposition = content_disposition_header(to_save, name) or "attachment"
    return _caged(octets, media_type, disposition, "private, no-store")


def thumbnail_response(picture: Thumbnail) -> HttpResponse:
    """The picture of an API, which its browser may keep: the address of another one differs."""
    return _caged(bytes(picture.content), picture.media_type, "inline", "private, max-age=86400")


def _caged(octets: bytes, media_type: str, disposition: str, caching: str) -> HttpResponse:
    """Bytes of somebody's, as what they are and nothing else."""
    response = HttpResponse(octets, content_type=media_type)
    response["Content-Disposition"] = disposition
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = _CAGE
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = caching
    return response


def _plain(name: str) -> str:
    """A document's name as that of a file."""
    return re.sub(r"[^\w .()-]+", "_", name).strip(". ") or "document"
