"""How large a request body may be before anybody looks at it.

Daphne writes a body to a file in full and calls Django then, so no rule of a page or a resource is asked in time: those
say 413 or name the field for what is a little too large. This keeps a stranger from filling the disk.
"""

from __future__ import annotations

from typing import Any, Final

from daphne.http_protocol import HTTPFactory, WebRequest

BODY_LIMIT: Final = 16 << 20  # bytes; the largest that anything here takes is a file of 5 MiB in a form
_ANSWER: Final = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nContent-Length: 27\r\nConnection: close\r\n\r\n"
    b"The request is too large.\r\n"
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
            self.channel.transport.write(_ANSWER)
            self.channel.loseConnection()


class BoundedFactory(HTTPFactory):
    """Daphne's HTTP with requests of ours."""

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol
