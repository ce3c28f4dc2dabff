"""The portal's addresses, and some more: where something goes wrong as soon as somebody looks."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from wsportal import urls, views
from wsportal.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

RAISED: Final[dict[str, type[Exception]]] = {
    "400": BadRequest,
    "403": PermissionDenied,
    "404": Http404,
    "500": RuntimeError,
    "503": OperationalError,
}


def trouble(request: HttpRequest, what: str) -> HttpResponse:
    """One of `catalogue.TROUBLES`.

    Raises: those of RAISED.
    """
    if what in RAISED:
        raise RAISED[what]
    return views.stale_form(request) if what == "stale-form" else views.locked_out(request)


urlpatterns = [*urls.urlpatterns, path("trouble/<str:what>", trouble)]
