"""A door with TLS: the handshake runs in the poller, and the doorway behind it hears only what was opened."""

from __future__ import annotations

import ssl
from typing import Final

from gateway.callers import End
from gateway.core.frames import FrameScanner
from gateway.core.proxy_protocol import Source
from gateway.doors import SocketDoor
from gateway.host import Host, Stage
from gateway.relay import Link, Poller, TlsLayer, TlsLeg
from gateway.relay.legs import Leg

UNSENT_LIMIT: Final = 1 << 17
"""For the gateway's part of a handshake that nobody reads: many times what it can be."""


class TlsDoor(SocketDoor):
    """On a raw socket with TLS. An answer that is due before the handshake is done waits for it, FAREWELL_S at most.

    Whoever is no client of TLS, or breaks off, is closed, and that is no news: port scanners and health checks do so.

    Args:
        layer: of a server, fresh; the others: see SocketDoor.
    """

    __slots__ = ("_answer_due", "_layer")

    def __init__(
        self,
        host: Host,
        source: Source | None,
        poller: Poller,
        fd: int,
        ends: tuple[End, End],
        *,
        layer: TlsLayer,
    ) -> None:
        self._layer = layer
        self._answer_due = b""
        super().__init__(host, source, poller, fd, ends, secure=True)

    def received(self, data: bytes) -> None:
        """What came from the socket."""
        layer = self._layer
        try:
            text = layer.opened(data)
        except ssl.SSLError:
            self._write(layer.outgoing())  # the alert
            self.left()
            self.part()
            return
        if layer.news:
            self._write(layer.outgoing())
            if len(self._unsent) > UNSENT_LIMIT:
                self.left()
                self.part()
                return
        if self._answer_due and layer.established:
            answer, self._answer_due = self._answer_due, b""
            self.see_off(answer)
        if text:
            super().received(text)
        if layer.ended and self.fd >= 0 and self._stage is not Stage.OVER:
            self.left()
            self.part()

    def expired(self) -> None:
        """See Doorway; before the handshake there is no way to say anything."""
        if self._layer.established or self._stage is not Stage.HEAD:
            super().expired()
        else:
            self.left()
            self.part()

    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """See Doorway."""
        fd, self.fd = self.fd, -1
        unread = self._full or self.signs != 0
        return TlsLeg(link, scanner, fd, self._layer, unread=unread, unsent=self._unsent)

    def see_off(self, answer: bytes) -> None:
        """See Doorway."""
        layer = self._layer
        if not layer.established:
            self._answer_due = answer
        else:
            super().see_off(b"".join([*layer.records(answer), layer.goodbye()]))
