"""The client's side of a handshake on the gateway's own ports, plain and TLS alike.

A `Doorway` is the first protocol on every connection. It reads the request itself, puts a valid upgrade to the ASGI
application as `websocket.connect`, carries its refusal back as a real HTTP answer, or, when the application takes the
connection, answers 101 and hands it to a relay; then nothing of the handshake remains. Source: DESIGN section 4.
"""

from __future__ import annotations

import asyncio
import enum
import os
import secrets
import socket
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, cast

import structlog

from gateway import meters
from gateway.callers import CORRIDOR, peer_of, scope
from gateway.core.frames import FrameScanner
from gateway.core.handshake import (
    Plain,
    Upgrade,
    accept_answer,
    check_early,
    final_answer,
    head_end,
    parse_request,
    plain_answer,
)
from gateway.core.proxy_protocol import Source
from gateway.core.rejections import Rejection
from gateway.host import Host
from gateway.relay import HAS_EPOLL, Link, LinkOwner, SocketLeg, TransportLeg
from gateway.relay.legs import Leg
from gateway.sockets import keep_alive
from gateway.upstreams import Upstream

log = structlog.get_logger("gateway")

HEAD_WAIT_S: Final = 10.0  # CONTRACT section 5: for the whole request head
ANSWER_WAIT_S: Final = 60.0
"""For the application's decision. Dialling has its own, shorter limits, so this only ever ends something stuck."""
FAREWELL_S: Final = 1.0
"""After a final answer: for the client to read it and close, so that a reset does not take it away from it."""
EARLY_LIMIT: Final = 65536
"""Frames that a client may send before it is answered; more of them wait in TCP."""


class ClientGone(Exception):
    """The client left before it was answered."""


class Stage(enum.Enum):
    """How far a connection has come."""

    HEAD = "reading the request"
    DECISION = "the application decides"
    OVER = "answered finally, taken by a relay, or gone"


class Doorway(asyncio.Protocol):
    """One connection until it is refused or relayed; as the scope's corridor, it is what `take` is called on.

    Args:
        host: the server.
        secure: whether the transport speaks TLS.
        source: what the PROXY protocol said of the client.
    """

    __slots__ = ("_answer", "_began", "_body", "_data", "_host", "_key", "_late", "_queue", "_request_id", "_secure",
                 "_source", "_stage", "_task", "_timer", "_transport")  # fmt: skip
    _transport: asyncio.Transport
    _timer: asyncio.TimerHandle

    def __init__(self, host: Host, secure: bool, source: Source | None = None) -> None:
        self._host = host
        self._secure = secure
        self._source = source
        self._began = 0.0  # when its request was complete (perf_counter)
        self._late = False  # it came when nobody is let in any more
        self._stage = Stage.HEAD
        self._data = b""  # of the head, then of what came behind it
        self._key = b""
        self._request_id = ""
        self._queue: asyncio.Queue[dict[str, Any]] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._answer: tuple[int, Sequence[tuple[bytes, bytes]]] | None = None
        self._body = b""

    @property
    def deciding(self) -> bool:
        """Whether its request is with the application."""
        return self._stage is Stage.DECISION

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._late = self._host.draining and not self._host.replaced
        if not self._late:
            self._host.arrivals.add(self)
        self._timer = asyncio.get_running_loop().call_later(HEAD_WAIT_S, self._too_slow)
        if self._host.crowded(transport.get_extra_info("socket").fileno()):
            self.refuse(Rejection("overloaded"))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._stage is Stage.HEAD:
            self._data += data
            try:
                end = head_end(self._data)
                if end:
                    self._received(self._data[:end], self._data[end:])
            except Rejection as rejection:
                self.refuse(rejection)
        elif self._stage is Stage.DECISION:
            self._data += data
            if len(self._data) > EARLY_LIMIT:
                self._transport.pause_reading()

    def eof_received(self) -> bool:
        """See asyncio.Protocol; whoever stops sending during a handshake has left."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        deciding = self.deciding
        self._over()
        if deciding:
            meters.handshake_ended(meters.ABANDONED)
            if self._queue is not None:
                self._queue.put_nowait({"type": "websocket.disconnect", "code": 1006, "reason": ""})
            if self._task is not None:
                self._task.cancel()  # whatever it dials or waits for is for nobody

    def _over(self) -> None:
        """Nothing is decided here any more."""
        self._stage = Stage.OVER
        self._timer.cancel()
        self._host.arrival_over(self)
        if self._began:
            meters.HANDSHAKE_SECONDS.observe(perf_counter() - self._began)
            self._began = 0.0

    def _received(self, head: bytes, early: bytes) -> None:
        request = parse_request(head)
        if isinstance(request, Plain):
            self._say_finally(plain_answer(request, self._host.health_report()))
            return
        self._began = perf_counter()
        check_early(early)
        self._data = early
        if self._late or self._host.closing:
            raise Rejection("draining")
        self._decide(request)

    def _decide(self, upgrade: Upgrade) -> None:
        """Put the handshake to the application, as Daphne does for its own protocols."""
        self._stage = Stage.DECISION
        self._key = upgrade.key
        self._request_id = secrets.token_hex(16)
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(ANSWER_WAIT_S, self._stuck)
        self._host.protocol_connected(self)
        self._queue = self._host.create_application(self, self._scope(upgrade))
        self._task = task = self._host.connections[self]["application_instance"]
        task.add_done_callback(self._decided)
        if self._queue is not None:
            self._queue.put_nowait({"type": "websocket.connect"})

    def _scope(self, upgrade: Upgrade) -> dict[str, Any]:
        facts = scope(upgrade, self._transport, source=self._source, secure=self._secure, trust=self._host.trust)
        facts["state"]["request_id"], facts["extensions"][CORRIDOR] = self._request_id, self
        return facts

    def handle_reply(self, message: dict[str, Any]) -> None:
        """What the application sends."""
        if self._stage is not Stage.DECISION:
            return
        kind = message["type"]
        if kind == "websocket.http.response.start":
            self._answer = message["status"], message.get("headers", ())
        elif kind == "websocket.http.response.body" and self._answer is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                status, headers = self._answer
                own = (b"X-Request-ID", self._request_id.encode())
                self._say_finally(final_answer(status, [*headers, own], self._body))
        elif kind == "websocket.close":
            self.refuse(Rejection("denied", "The gateway refuses this handshake."))
        else:
            log.error("message_not_understood", type=kind, hint="the gateway relays frames, it sends no messages")
            self.refuse(Rejection("internal_error"))

    def check_timeouts(self) -> None:
        """Called every two seconds; a doorway has timers of its own."""

    def handle_exception(self, exception: Exception) -> None:
        """The application failed; `_decided` has answered already."""

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """The application sent headers that are none."""
        self.refuse(Rejection("internal_error"))

    def refuse(self, rejection: Rejection) -> None:
        """Answer with the problem document of `rejection`, unless an answer was given."""
        if self._stage is Stage.OVER:
            return
        meters.handshake_ended(rejection.code)
        peer, _ = peer_of(self._transport, self._source)
        log.info("doorway_refused", status=rejection.status, code=rejection.code, peer=peer)
        self._say_finally(final_answer(rejection.status, rejection.all_headers(), rejection.body()))

    def take(
        self, upstream: Upstream, owner: LinkOwner, *, subprotocol: bytes | None, headers: Sequence[tuple[bytes, bytes]]
    ) -> Link:
        """Answer 101 and relay from now on.

        Args:
            upstream: a dialled one; it is used or closed, whatever happens.
            owner: decides about the link, and hears of its end, maybe before this returns.
            subprotocol: for the client; its extensions are the upstream's.
            headers: further headers of the 101.
        Raises:
            ClientGone: nobody is there any more.
            ValueError: a header would break out of its line.
            Rejection: overloaded, if the process has no descriptor left.
        """
        if self._stage is not Stage.DECISION or self._transport.is_closing():
            upstream.close()
            raise ClientGone
        try:
            answer = accept_answer(self._key, subprotocol, upstream.extensions, headers)
            link = Link(asyncio.get_running_loop(), owner, self._host.link_ended)
            client = self._hand_over(link, owner.scanner_in)
        except BaseException:
            upstream.close()
            raise
        if self._queue is not None:
            self._queue.put_nowait({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        early, self._data = self._data, b""
        self._host.link_began(link)
        meters.handshake_ended(meters.ACCEPTED)
        self._over()
        link.join(client, upstream.leg(link, owner.scanner_out))
        link.start(answer, early, upstream.early)
        return link

    def _hand_over(self, link: Link, scanner: FrameScanner) -> Leg:
        """The client's connection as a leg: a plain socket leaves its transport, TLS keeps it."""
        transport = self._transport
        if self._secure or not HAS_EPOLL:
            return TransportLeg(link, scanner, transport)
        shared = transport.get_extra_info("socket")
        transport.pause_reading()
        try:
            fd = os.dup(shared.fileno())
        except OSError:
            transport.resume_reading()
            raise Rejection("overloaded") from None
        sock = socket.socket(shared.family, socket.SOCK_STREAM, 0, fileno=fd)
        keep_alive(sock)
        leg = SocketLeg(link, scanner, sock.detach())
        self._stage = Stage.OVER
        transport.abort()  # closes its own descriptor only: the connection lives in ours
        return leg

    def _say_finally(self, answer: bytes) -> None:
        """Write the last bytes of this connection and see it off."""
        self._over()
        transport = self._transport
        transport.write(answer)
        if transport.can_write_eof():
            transport.write_eof()
            self._timer = asyncio.get_running_loop().call_later(FAREWELL_S, transport.abort)
        else:
            transport.close()

    def _too_slow(self) -> None:
        self.refuse(Rejection("handshake_timeout"))

    def _stuck(self) -> None:
        log.error("handshake_stuck", request=self._request_id, seconds=ANSWER_WAIT_S)
        self.refuse(Rejection("overloaded"))
        if self._task is not None:
            self._task.cancel()

    def _decided(self, task: asyncio.Task[Any]) -> None:
        """The application is done; it must have answered or taken the connection."""
        self._host.connections.pop(self, None)
        self._task = self._queue = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("handshake_failed", request=self._request_id, exc_info=error)
        elif self._stage is Stage.DECISION and not task.cancelled():
            log.error("handshake_unanswered", request=self._request_id)
        self.refuse(Rejection("draining" if self._host.closing else "internal_error"))
