"""Both ends of a session in one test's hands, byte by byte: sam's socket and the backend's, a real gateway between."""

from __future__ import annotations

import random
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest

from gateway.core.answers import accept_key
from tests.gateway.world import Deal, World
from tests.wires import CLOSE, PING, TEXT, Seen, frame, parse, take

Answer = TypeVar("Answer")
WAIT_S = 10.0
READ_BYTES = 1 << 18
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
both_ways = pytest.mark.parametrize("sender", ["sam", "backend"])


def message(sender: str, payload: bytes = b"hello", opcode: int = TEXT, **facts: int) -> bytes:
    """A frame as this end has to send it, with an unpredictable mask."""
    return frame(opcode, payload, masked=sender == "sam", key=random.randbytes(4), **facts)


class End:
    """One end of a connection, blocking; what was read too far is kept for the next call.

    One thread may send while another reads, by TLS too: OpenSSL wants one of them at a time, and none asleep in it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(0.0 if isinstance(sock, ssl.SSLSocket) else WAIT_S)
        self._turn = threading.Lock()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""
        self._busy: list[threading.Thread] = []

    def meanwhile(self, work: Callable[[], object]) -> threading.Thread:
        """Do something with this end in a thread of its own; `close` waits for it."""
        thread = threading.Thread(target=work, daemon=True)
        self._busy.append(thread)
        thread.start()
        return thread

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._in_turn(partial(self.sock.send, view)) :]

    def drip(self, data: bytes) -> None:
        """One byte at a time, each a segment (and a TLS record) of its own."""
        for at in range(len(data)):
            self.send(data[at : at + 1])

    def read(self, size: int) -> bytes:
        """What is there, at most so many bytes; b"" at the end of the stream."""
        return self._in_turn(partial(self.sock.recv, size))

    def _in_turn(self, work: Callable[[], Answer]) -> Answer:
        """Raises: TimeoutError, OSError."""
        if not isinstance(self.sock, ssl.SSLSocket):
            return work()
        until_s = time.monotonic() + WAIT_S
        while True:
            with self._turn:
                try:
                    return work()
                except ssl.SSLWantReadError:
                    readers, writers = [self.sock], []
                except ssl.SSLWantWriteError:
                    readers, writers = [], [self.sock]
            left = until_s - time.monotonic()
            if left <= 0 or not any(select.select(readers, writers, [], left)):
                raise TimeoutError("TLS did not go on")

    def head(self) -> bytes:
        """A request or an answer, blank line included."""
        while b"\r\n\r\n" not in self.kept:
            self._more()
        head, _, self.kept = self.kept.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def bytes(self, count: int) -> bytes:
        parts = [self.kept]
        have = len(self.kept)
        while have < count:
            parts.append(self._read())
            have += len(parts[-1])
            assert parts[-1], f"the stream ended after {have} of {count} bytes"
        data = b"".join(parts)
        self.kept = data[count:]
        return data[:count]

    def frame(self) -> Seen:
        while True:
            seen, self.kept = take(self.kept)
            if seen is not None:
                return seen
            self._more()

    def rest(self) -> bytes:
        """Everything until the stream ends, however it ends."""
        data, self.kept = self.kept, b""
        while more := self._read():
            data += more
        return data

    def close(self) -> None:
        # A thread in the middle of a TLS write would go on in whatever socket gets this descriptor's number next.
        busy = [thread for thread in self._busy if thread.is_alive()]
        if busy:
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        for thread in busy:
            thread.join(WAIT_S)
            assert not thread.is_alive(), "a thread still uses this end"
        self.sock.close()

    def _more(self) -> None:
        more = self._read()
        assert more, f"the stream ended: {self.kept[:200]!r}"
        self.kept += more

    def _read(self) -> bytes:
        try:
            return self.read(READ_BYTES)
        except (ConnectionError, ssl.SSLError):
            return b""


@dataclass
class Session:
    """A session between them.

    Attributes:
        request: the head that the backend got.
        answer: the head that sam got.
    """

    sam: End
    backend: End
    request: bytes
    answer: bytes

    def ends(self, sender: str) -> tuple[End, End]:
        """(who sends, who receives) for "sam" or "backend"."""
        return (self.sam, self.backend) if sender == "sam" else (self.backend, self.sam)

    def passes(self, sender: str, data: bytes) -> None:
        """These bytes arrive as they were sent, while nothing else is read."""
        source, target = self.ends(sender)
        speaking = source.meanwhile(lambda: source.send(data))
        got = target.bytes(len(data))
        speaking.join(WAIT_S)
        assert got == data, "not the bytes that were sent"

    def settled(self, sender: str) -> bool:
        """Wait until the gateway has read what `sender` sent so far; False if it has said a close because of it.

        A ping the other way, sent later, is read later: when it has arrived, or a close frame in its place, so it is.
        """
        source, target = self.ends(sender)
        ping = frame(PING, b"settled?", masked=target is self.sam)
        target.send(ping)
        while True:
            seen, _ = parse(source.kept)
            closed = any(one.opcode == CLOSE for one in seen)
            if closed or any(one.payload == b"settled?" for one in seen):
                source.kept = source.kept.replace(ping, b"", 1)
                return not closed
            source._more()


class Corridor:
    """A published API whose backend is this test, and how to open sessions to it.

    Args:
        world: where it is published.
        tls: on both legs.
        plan: fields of the business plan.
    """

    def __init__(self, world: World, tls: bool, plan: dict[str, Any] | None = None) -> None:
        self.gateway = world.gateway
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT_S)
        port = self.listener.getsockname()[1]
        self.deal: Deal = world.deal(f"wss://localhost:{port}" if tls else f"ws://127.0.0.1:{port}", plan=plan)
        self.trust = self.gateway.tls()
        self.own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.own.load_cert_chain(self.gateway.certificate.cert, self.gateway.certificate.key)

    def close(self) -> None:
        self.listener.close()

    def knock(self, *lines: str, behind: bytes = b"") -> End:
        """sam's upgrade request with further header lines, and bytes in the same segment behind it."""
        port = self.gateway.wss_port if self.tls else self.gateway.ws_port
        sock = socket.create_connection(("127.0.0.1", port), WAIT_S)
        sam = End(self.trust.wrap_socket(sock, server_hostname="localhost") if self.tls else sock)
        head = [
            f"GET {self.deal.path} HTTP/1.1",
            f"Host: localhost:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {KEY}",
            f"Authorization: Bearer {self.deal.token}",
            *lines,
        ]
        sam.send("\r\n".join(head).encode() + b"\r\n\r\n" + behind)
        return sam

    def accept(self) -> tuple[End, bytes]:
        """The gateway's connection to the backend, and the request on it."""
        sock, _ = self.listener.accept()
        sock.settimeout(WAIT_S)
        backend = End(self.own.wrap_socket(sock, server_side=True) if self.tls else sock)
        return backend, backend.head()

    @contextmanager
    def session(
        self, offer: tuple[str, ...] = (), choice: tuple[str, ...] = (), *, early: tuple[bytes, bytes] = (b"", b"")
    ) -> Iterator[Session]:
        """Open one.

        Args:
            offer, choice: further header lines of sam's request and of the backend's answer.
            early: what sam sends in the segment of his request, and the backend in that of its answer.
        """
        sam = self.knock(*offer, behind=early[0])
        backend, request = self.accept()
        lines = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:-2])
        head = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_key(lines[b'Sec-WebSocket-Key']).decode()}",
            *choice,
        ]
        backend.send("\r\n".join(head).encode() + b"\r\n\r\n" + early[1])
        try:
            yield Session(sam, backend, request, sam.head())
        finally:
            sam.close()
            backend.close()


def header(head: bytes, name: str) -> list[str]:
    """All values of a header in a head, in their order."""
    lines = (line.decode().partition(": ") for line in head.split(b"\r\n")[1:])
    return [value for found, _, value in lines if found.lower() == name.lower()]
