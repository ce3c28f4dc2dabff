"""How large a request body may be before anybody looks at it.

Daphne writes a body to a file in full and calls Django then, so no rule of a page or a resource is asked in time: those
say 413 or name the field for what is a little too large. This keeps a stranger from filling the disk.
"""

from __future__ import annotations

from typing import Any, Final

from daphne.http_protocol import HTTPFactory, WebRequest

BODY_LIMIT: Final = 16 << 20  # bytes; the largest that anything here takes is a file of 5 MiB in a form
_HEAD: Final = (
    "HTTP/1.1 413 Content Too Large\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
)
_PROBLEM: Final = (
    '{"type":"about:blank","title":"Content Too Large","status":413,"detail":"A request has at most 16 MiB.",'
    '"code":"too_large"}'
)
_PAGE: Final = (
    '<!doctype html><html lang="en"><title>Too large \u00b7 wsportal</title><h1>This is too large</h1>'
    "<p>A request has at most 16 MiB, a file less. Nothing was changed: go back and choose a smaller one.</p></html>"
)


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
        is_browser = b"text/html" in (self.requestHeaders.getRawHeaders(b"accept") or [b""])[0]
        kind, text = ("text/html; charset=utf-8", _PAGE) if is_browser else ("application/problem+json", _PROBLEM)
        body = text.encode()
        return _HEAD.format(kind=kind, length=len(body)).encode() + body


class BoundedFactory(HTTPFactory):
    """Daphne's HTTP with requests of ours."""

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol
