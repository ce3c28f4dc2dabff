"""The fast leg with TLS: a raw socket in the poller like any other, and a TLS layer between it and the frames."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from typing import Final

from gateway.core.frames import FrameScanner
from gateway.relay.link import Link
from gateway.relay.poller import WRITABLE
from gateway.relay.sockets import DRAIN, READ_BYTES, READS, TO_THE_END, SocketLeg
from gateway.relay.tls import PLAIN, TlsLayer

UNTAKEN_BYTES: Final = 4 * READ_BYTES
"""Of what waits for this side when the layer wants to answer it once more: more than frames ever leave there. It asks
for answers (updates of keys) and does not read them."""


class TlsLeg(SocketLeg):
    """A leg on a raw socket whose TLS handshake is done. What waits for this side waits sealed.

    Args:
        layer: of this connection; it has nothing opened that was not taken.
        unsent: sealed bytes that come before everything else.
    """

    __slots__ = ("layer",)

    def __init__(
        self,
        link: Link,
        scanner: FrameScanner,
        fd: int,
        layer: TlsLayer,
        *,
        unread: bool = True,
        unsent: bytes = b"",
    ) -> None:
        super().__init__(link, scanner, fd, unread=unread)
        self.layer = layer
        self.pending = unsent
        self.full = bool(unsent)
        if layer.ended:
            link.loop.call_soon(self._left_before)

    def _left_before(self) -> None:
        if self.fd >= 0:
            self.link.lost(self, "eof")

    def ready(self, what: int) -> None:  # noqa: C901, PLR0912 - as SocketLeg's: every call costs 1 %
        """See SocketLeg."""
        if what & WRITABLE:
            if self.full:
                self._flush(b"")
            if what == WRITABLE:
                return
        scanner = self.scanner
        layer = self.layer
        turns = READS
        while self.fd >= 0:
            peer = self.peer
            if peer.full or scanner.event:
                self._put_off(what)
                return
            try:
                sealed = os.read(self.fd, READ_BYTES)
                if not sealed:
                    self._ended(None)
                    return
                data = layer.opened(sealed)
            except OSError as error:
                self._ended(error)
                return
            if data:
                if self.rest:
                    data = self.rest + data
                    self.rest = b""
                taken = scanner.feed(data)
                if taken == len(data):
                    peer.write(data)
                else:
                    self.rest = data[taken:]
                    if taken:
                        peer.write(data[:taken])
                if scanner.event:
                    self.stopped()
            if layer.news and not self._heard():
                return
            if len(sealed) < READ_BYTES and not what & TO_THE_END:
                return
            turns -= 1
            if turns == 0:
                self.link.loop.call_soon(self._again, what | DRAIN)
                return

    def _heard(self) -> bool:
        """The layer has something to say, or heard a goodbye. Whether this side is to be read on."""
        if self.fd < 0:
            return False
        answer = self.layer.outgoing()
        if answer and len(self.pending) > UNTAKEN_BYTES:
            self.link.lost(self, "reset")
            return False
        self._push(answer)
        if self.layer.ended:
            self.link.lost(self, "eof")
            return False
        return True

    def _ended(self, error: OSError | None) -> None:
        """See SocketLeg; what is no TLS any more ends a connection as if it had broken."""
        if isinstance(error, ssl.SSLError) and not self.full:  # else its alert has no place between what waits
            with suppress(OSError):
                os.write(self.fd, self.layer.outgoing())
        super()._ended(error)

    def _listen(self, what: int) -> None:
        """See SocketLeg."""
        for _ in range(READS):
            try:
                sealed = os.read(self.fd, READ_BYTES)
                if not sealed:
                    self._ended(None)
                    return
                data = self.layer.opened(sealed)
            except OSError as error:
                self._ended(error)
                return
            if data:
                self.aside(data)
            if (self.layer.news and not self._heard()) or self.fd < 0:
                return
        self.link.loop.call_soon(self._again, what | DRAIN)

    def write(self, data: bytes) -> None:
        """See Leg."""
        if self.full or self.fd < 0:
            self._flush(data)
            return
        layer = self.layer
        sealed = b""
        try:
            if len(data) > PLAIN:
                self._write_records(layer.records(data))
                return
            if data:
                layer.seal(data)
            sealed = layer.take()
            sent = os.write(self.fd, sealed)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.link.loop.call_soon(self._broken)
            return
        if sent != len(sealed):
            self.pending = sealed[sent:]
            self.full = True

    def _push(self, sealed: bytes) -> None:
        """Write what the layer itself has to say, or keep it behind what waits."""
        if self.full:
            self.pending += sealed
        elif sealed:
            try:
                self._write_records([sealed])
            except OSError:
                self.link.loop.call_soon(self._broken)

    def _write_records(self, records: list[bytes]) -> None:
        """Write as many as can be written; no copy is made where all can. Raises: OSError."""
        try:
            sent = os.writev(self.fd, records)
        except BlockingIOError:
            sent = 0
        if sent != sum([len(one) for one in records]):
            self.pending = b"".join(records)[sent:]
            self.full = True

    def _flush(self, more: bytes) -> None:
        """See SocketLeg."""
        if more and self.fd >= 0:
            try:
                more = b"".join(self.layer.records(more))
            except ssl.SSLError:
                more = b""
                self.link.loop.call_soon(self._broken)
        super()._flush(more)

    def end_writing(self) -> None:
        """See Leg: close_notify goes before the end of the stream."""
        self._push(self.layer.goodbye())
        if not self.full:  # else this comes again when it has gone
            super().end_writing()

    def drop(self) -> None:
        """See Leg."""
        if self.fd >= 0 and not self.full:
            goodbye = self.layer.goodbye()
            if goodbye:
                with suppress(OSError):
                    os.write(self.fd, goodbye)
        super().drop()

    def abort(self) -> None:
        """See Leg: a stream that is cut off has no regular end to tell of."""
        self.layer.mute()
        super().abort()
