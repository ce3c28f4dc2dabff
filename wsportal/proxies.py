"""The portals behind a proxy: who is asking, and how, as far as trusted hands say so (gateway.core.proxies)."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class TrustedProxiesMiddleware:
    """Puts the client's address and scheme where Django looks for them; before anything else reads them.

    Attempts to sign in are limited per address, so whoever could choose theirs could try for ever. The scheme goes
    through SECURE_PROXY_SSL_HEADER, which is ours alone to set: what a client sends under that name is dropped.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        headers = [
            (name.encode(), str(meta[key]).encode("latin-1", "replace"))
            for name, key in (
                ("x-forwarded-for", "HTTP_X_FORWARDED_FOR"),
                ("x-forwarded-proto", "HTTP_X_FORWARDED_PROTO"),
                ("forwarded", "HTTP_FORWARDED"),
            )
            if key in meta
        ]
        meta.pop("HTTP_X_FORWARDED_PROTO", None)
        direct = request.is_secure()
        visitor = settings.TRUSTED_PROXIES.visitor(meta.get("REMOTE_ADDR") or "", direct, headers)
        meta["REMOTE_ADDR"] = visitor.address
        if visitor.secure != direct:
            meta["HTTP_X_FORWARDED_PROTO"] = "https" if visitor.secure else "http"
        return self.get_response(request)
