"""A connection to an upstream by TLS, in the poller of the sessions like a plain one."""

from __future__ import annotations

import ssl
from contextlib import suppress

from gateway.core.frames import FrameScanner
from gateway.core.upstream_handshake import BadAnswer
from gateway.exchanges import SocketExchange
from gateway.relay import Link, TlsLayer, TlsLeg
from gateway.relay.legs import Leg
from gateway.running import Pause


class TlsExchange(SocketExchange):
    """See SocketExchange; call `secured` as soon as it is connected.

    Args:
        fd: see there.
        context: whom to trust, and what to show.
        name: whom the upstream must prove to be, if the context asks for that.

    Raises:
        OSError: the name cannot be anybody's; the socket is the caller's still.
    """

    __slots__ = ("_layer",)

    def __init__(self, fd: int, context: ssl.SSLContext, name: str) -> None:
        try:
            self._layer = TlsLayer(context, server_side=False, server_hostname=name)
        except ValueError as error:
            raise ssl.SSLError(1, str(error)) from None
        super().__init__(fd)

    async def secured(self, wait_s: float) -> None:
        """Do the handshake.

        Raises:
            OSError: it failed, or took longer; closed. TimeoutError is one, and so is a certificate that is not good.
        """
        try:
            self._layer.begin()
            self._answer()
            await self._wait(wait_s)
        except BadAnswer as error:
            self.close()
            raise ConnectionResetError(str(error)) from None
        except BaseException:
            self.close()
            raise

    def _say(self, request: bytes) -> None:
        self._send((self._unsent or b"") + b"".join(self._layer.records(request)))

    def _answer(self) -> None:
        """Send what the layer itself has to say. Raises: OSError."""
        data = (self._unsent or b"") + self._layer.outgoing()
        if data:
            self._send(data)

    def _heard(self, data: bytes, pause: Pause) -> None:
        """See SocketExchange."""
        layer = self._layer
        shaking = not layer.established
        try:
            text = layer.opened(data)
        except ssl.SSLError:
            with suppress(OSError):
                self._answer()  # the alert
            raise
        if layer.news:
            self._answer()
        if shaking and layer.established:
            self._data += text
            pause.end(0)
        elif text:
            super()._heard(text, pause)
        if layer.ended and not pause.done:
            raise BadAnswer("the connection ended before an answer")

    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """See SocketExchange."""
        fd, self.fd = self.fd, -1
        unread = bool(self._left or self.signs)
        return TlsLeg(link, scanner, fd, self._layer, unread=unread, unsent=self._unsent or b"")
