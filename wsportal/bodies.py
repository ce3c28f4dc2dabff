"""How large a request body may be before anybody looks at it.

Daphne writes a body to a file in full and calls Django then, so no rule of a page or a resource is asked in time: those
say 413 or name the field for what is a little too large. This keeps a stranger from filling the disk.
"""

from __future__ import annotations

from typing import Any, Final

from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from django.http import HttpRequest, parse_cookie
from django.utils import translation
from django.utils.translation import gettext

from wsportal.middleware import SECURE_PREFIX

BODY_LIMIT: Final = 16 << 20  # bytes; the largest that anything here takes is a file of 5 MiB in a form
_HEAD: Final = (
    "HTTP/1.1 413 Content Too Large\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
)
_PROBLEM: Final = (
    '{"type":"about:blank","title":"Content Too Large","status":413,"detail":"A request has at most 16 MiB.",'
    '"code":"too_large"}'
)
_PAGE: Final = '<!doctype html><html lang="{}"><title>{} \u00b7 wsportal</title><h1>{}</h1><p>{}</p></html>'


class BoundedRequest(WebRequest):
    """A request with at most BODY_LIMIT bytes of body, by what it says and by what comes (RFC 9110 section 15.5.14)."""

    _came = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length if length is None or length <= BODY_LIMIT else 0)
        if length is not None and length > BODY_LIMIT:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._came += len(data)
        if self._came > BODY_LIMIT:
            self._refuse()
        if not self._refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        """Nothing, for a request that was refused and came to its end in the same moment."""
        return None if self._refused else super().process()

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            self.channel.transport.write(self._answer())
            self.channel.loseConnection()

    def _answer(self) -> bytes:
        """A page for a browser, a problem document (CONTRACT section 4) for a program."""
        is_browser = "text/html" in self._header(b"accept")
        kind, text = (
            ("text/html; charset=utf-8", self._page()) if is_browser else ("application/problem+json", _PROBLEM)
        )
        body = text.encode()
        return _HEAD.format(kind=kind, length=len(body)).encode() + body

    def _page(self) -> str:
        """In the language that other pages have for this person; Django's middlewares never see this request."""
        cookies = parse_cookie(self._header(b"cookie"))
        chosen = cookies.get(SECURE_PREFIX + settings.LANGUAGE_COOKIE_NAME) or cookies.get(
            settings.LANGUAGE_COOKIE_NAME
        )
        asked = HttpRequest()
        asked.COOKIES = {settings.LANGUAGE_COOKIE_NAME: chosen} if chosen else {}
        asked.META = {"HTTP_ACCEPT_LANGUAGE": self._header(b"accept-language")}
        language = translation.get_language_from_request(asked)
        with translation.override(language):
            advice = gettext(
                "A request has at most 16 MiB, a file less. Nothing was changed: go back and choose a smaller one."
            )
            return _PAGE.format(language, gettext("Too large"), gettext("This is too large"), advice)

    def _header(self, name: bytes) -> str:
        """The first header of a name, or ""."""
        return (self.requestHeaders.getRawHeaders(name) or [b""])[0].decode("latin-1")


class BoundedFactory(HTTPFactory):
    """Daphne's HTTP with requests of ours."""

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol
