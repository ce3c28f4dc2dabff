"""TLS over a socket that the poller reads and writes: what came in is opened, what goes out is sealed.

OpenSSL works in memory here and is fed one record at a time. So a read of the socket and a write to it stay one system
call each, whatever the number of records; it is never asked for what cannot be there yet, which costs an exception each
time; and between two reads it holds a part of one record at most, which bounds the memory of a session.
Source: RFC 8446 sections 5.1 (records) and 6.1 (close_notify).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

HEAD: Final = 5  # bytes of type, version and length before a record
PLAIN: Final = 16384  # bytes that a record carries at most
LONGEST: Final = HEAD + PLAIN + 2048  # of an encrypted record (TLS 1.2; RFC 5246 section 6.2.3)
KINDS: Final = range(20, 25)  # types of records: change_cipher_spec, alert, handshake, application_data, heartbeat
QUIET_RECORDS: int = 64
"""So many records that say nothing may come within QUIET_S: updates of keys cost their sender less than us, who answer,
and OpenSSL counts none of them. A client needs one an hour, an upstream sends a few tickets at its beginning."""
QUIET_S: float = 1.0
MAJOR: Final = 3  # of the version in a record's head, ever since SSL 3.0


class TlsLayer:
    """One TLS connection, without a socket.

    Args:
        context: with the certificate or the authorities; what it is then stays this connection's.
        server_side: who begins.
        server_hostname: whom the other end must prove to be, where this end is the client.

    Attributes:
        established: the handshake is done: before, nothing may be sealed, and nothing is ever opened.
        ended: the other end said close_notify: what comes after it is not looked at.
        news: there may be something of the layer's own to send, see `outgoing`.
        seal, take: what `sealed` consists of, for those who count every call.

    Raises:
        ssl.SSLError, ValueError: the name cannot be one.
    """

    __slots__ = (
        "_between", "_due", "_feed", "_goodbye", "_part", "_quiet", "_read", "_shake", "_since", "_size", "ended",
        "established", "news", "seal", "take",
    )  # fmt: skip

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        made = context.wrap_bio(incoming, outgoing, server_side=server_side, server_hostname=server_hostname)
        inner: Any = getattr(made, "_sslobj", made)  # the same methods less a Python frame each
        self._feed: Callable[[Any], int] = incoming.write
        self.take: Callable[[], bytes] = outgoing.read
        self._read: Callable[[int], bytes] = inner.read
        self.seal: Callable[[Any], int] = inner.write
        self._shake: Callable[[], None] | None = made.do_handshake  # also keeps the object until then
        self._goodbye: Callable[[], object] | None = getattr(inner, "shutdown", made.unwrap)
        self._part = b""  # of a record's head
        self._due = 0  # bytes of the record under way that are still to come
        self._size = 0  # of that record
        self._between = False  # established, and a record begins with the next byte
        self._quiet = 0  # records that said nothing, since
        self._since = 0.0  # this moment (time.monotonic)
        self.established = self.ended = self.news = False

    def begin(self) -> None:
        """The client's first word; a server has nothing to say yet."""
        self._step()

    def opened(self, data: bytes) -> bytes:
        """What these bytes of the other end say: b"" where that is nothing yet, or the end (`ended`).

        Raises:
            ssl.SSLError: no TLS, not authentic, or a handshake that fails; `outgoing` has the alert.
        """
        size = len(data)
        # one record, as mostly
        if self._between and size > HEAD and (data[3] << 8 | data[4]) + HEAD == size <= LONGEST:
            self._feed(data)
            try:
                text = self._read(size)
            except ssl.SSLWantReadError:
                return self._nothing()
            except ssl.SSLZeroReturnError:
                text = b""
            if not text:
                self.ended = self.news = True
            return text
        self._between = False
        text = self._opened(data)
        self._between = self.established and not self._due and not self._part
        return text

    def _next(self, size: int) -> bytes:
        """What the record that was fed says."""
        try:
            text = self._read(size)
        except ssl.SSLWantReadError:
            return self._nothing()
        except ssl.SSLZeroReturnError:
            text = b""
        if not text:
            self.ended = self.news = True
        return text

    def _nothing(self) -> bytes:
        """A record was a ticket, an update of keys, or empty: it costs much to read and says nothing."""
        self.news = True
        now = monotonic()
        if now - self._since >= QUIET_S:
            self._since, self._quiet = now, 0
        self._quiet += 1
        if self._quiet > QUIET_RECORDS:
            raise ssl.SSLError(1, "too many records that say nothing")
        return b""

    def _opened(self, data: bytes) -> bytes:
        """Any number of records, and pieces of some."""
        data, self._part = self._part + data, b""
        view, at, size = memoryview(data), 0, len(data)
        texts: list[bytes] = []
        while at < size and not self.ended:
            if not self._due:
                if size - at < HEAD:
                    self._part = data[at:]
                    break
                self._begin_record(view[at:])
            piece = min(self._due, size - at)
            self._feed(view[at : at + piece])
            at += piece
            self._due -= piece
            if self._due:
                break
            if not self.established:
                self._step()
            else:
                text = self._next(self._size)
                if text:
                    texts.append(text)
        return texts[0] if len(texts) == 1 else b"".join(texts)

    def _begin_record(self, rest: memoryview) -> None:
        """A record begins here; what cannot be one is OpenSSL's to refuse, with the right words."""
        self._size = self._due = HEAD + (rest[3] << 8 | rest[4])
        if rest[0] not in KINDS or rest[1] != MAJOR or self._size > LONGEST:
            self._feed(rest)
            self._step() if not self.established else self._next(PLAIN)
            raise ssl.SSLError(1, "this is no record of TLS")

    def _step(self) -> None:
        """The handshake goes on by what was fed."""
        self.news = True
        shake = self._shake
        if shake is not None:
            try:
                shake()
            except ssl.SSLWantReadError:
                return
            self.established, self._shake = True, None

    def sealed(self, data: bytes) -> bytes:
        """The record that says this, at most PLAIN bytes, behind anything of the layer's own.

        Raises:
            ssl.SSLError: nothing can be said any more.
        """
        if data:
            self.seal(data)
        return self.take()

    def records(self, data: bytes) -> list[bytes]:
        """The records that say this, whatever its length. Raises: see `sealed`."""
        view = memoryview(data)
        seal, take = self.seal, self.take
        made: list[bytes] = []
        for at in range(0, len(data), PLAIN):
            seal(view[at : at + PLAIN])
            made.append(take())
        return made

    def outgoing(self) -> bytes:
        """What the layer itself has to send: handshakes, answers to updates of keys, alerts."""
        self.news = False
        return self.take()

    def goodbye(self) -> bytes:
        """close_notify, once: nothing can be sealed any more, but what the other end still says can be opened."""
        goodbye, self._goodbye = self._goodbye, None
        if goodbye is None or not self.established:
            return b""
        try:
            goodbye()
        except OSError:  # the other end has not said it yet; or the connection is broken already
            pass
        return self.take()

    def mute(self) -> None:
        """There will be no goodbye."""
        self._goodbye = None
