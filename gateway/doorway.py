"""The client's side of a handshake on the gateway's own ports, plain and TLS alike.

A `Doorway` stands on every connection at first. It reads the request itself, puts a valid upgrade to the ASGI
application as `websocket.connect`, carries its refusal back as a real HTTP answer, or, when the application takes the
connection, answers 101 and hands it to a relay; then nothing of the handshake remains. What it needs of the connection
is left to the two kinds of `gateway.doors`. Source: DESIGN section 4.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from time import monotonic, perf_counter
from typing import Any, Final, cast

import structlog

from gateway import meters
from gateway.callers import CORRIDOR, End, scope
from gateway.core.answers import accept_answer, final_answer, plain_answer
from gateway.core.familiar import heads
from gateway.core.frames import FrameScanner
from gateway.core.handshake import Plain, Upgrade, check_early, head_end
from gateway.core.proxy_protocol import Source
from gateway.core.rejections import Rejection
from gateway.host import Host, Stage
from gateway.randomness import random_bytes
from gateway.relay import Link, LinkOwner
from gateway.relay.legs import Leg
from gateway.running import Pause, Run
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


class Doorway(ABC):
    """One connection until it is refused or relayed; as the scope's corridor, it is what `take` is called on.

    Args:
        host: the server.
        secure: whether the connection speaks TLS.
        source: what the PROXY protocol said of the client.
    """

    __slots__ = ("_answer", "_began", "_body", "_data", "_hearing", "_host", "_key", "_late", "_request_id", "_run",
                 "_secure", "_source", "_stage", "_told", "deadline")  # fmt: skip

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
        self._run: Run | None = None  # the application, on its way
        self._told = False  # it has heard of the client
        self._hearing: Pause | None = None  # it waits to hear more
        self._answer: tuple[int, Sequence[tuple[bytes, bytes]]] | None = None
        self._body = b""
        self.deadline = 0.0

    # -- what a kind of connection must be able to do -----------------------------------------------------------

    @property
    @abstractmethod
    def ends(self) -> tuple[End, End]:
        """Address and port of the other end and of ours."""

    @property
    @abstractmethod
    def lost(self) -> bool:
        """Nobody is there any more."""

    @abstractmethod
    def hold_back(self) -> None:
        """Read no more for now."""

    @abstractmethod
    def leg(self, link: Link, scanner: FrameScanner) -> Leg:
        """Give the connection to a link; nothing remains here."""

    @abstractmethod
    def see_off(self, answer: bytes) -> None:
        """Write the last bytes, end our side, and wait for the client to close until `part` is called."""

    @abstractmethod
    def part(self) -> None:
        """Close now, if it is still open."""

    # -- called by the kind of connection -----------------------------------------------------------------------

    def arrive(self, fd: int) -> None:
        """The connection is there.

        Args:
            fd: its descriptor, which tells how many are left.
        """
        host = self._host
        self._late = host.draining and not host.replaced
        if not self._late:
            host.arrivals.add(self)
        self.deadline = monotonic() + HEAD_WAIT_S
        host.timekeeper.watch(self)
        if host.crowded(fd):
            self.refuse(Rejection("overloaded"))

    def received(self, data: bytes) -> None:
        """The client said something."""
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
                self.hold_back()

    def left(self) -> None:
        """The client has left, or only ended its stream: whoever does so during a handshake has left."""
        deciding, run = self.deciding, self._run
        self._over(1006)
        self._host.timekeeper.forget(self)
        if deciding:
            meters.handshake_ended(meters.ABANDONED)
            if run is not None:
                run.cancel()  # whatever it dials or waits for is for nobody

    def expired(self) -> None:
        """See gateway.timekeeper.Timed."""
        if self._stage is Stage.HEAD:
            self.refuse(Rejection("handshake_timeout"))
        elif self._stage is Stage.DECISION:
            log.error("handshake_stuck", request=self._request_id, seconds=ANSWER_WAIT_S)
            run = self._run
            self.refuse(Rejection("overloaded"))
            if run is not None:
                run.cancel()
        else:
            self.part()

    # -- the decision -------------------------------------------------------------------------------------------

    @property
    def deciding(self) -> bool:
        """Whether its request is with the application."""
        return self._stage is Stage.DECISION

    def _over(self, code: int) -> None:
        """Nothing is decided here any more."""
        self._stage = Stage.OVER
        self._host.arrival_over(self)
        if self._began:
            meters.HANDSHAKE_SECONDS.observe(perf_counter() - self._began)
            self._began = 0.0
        if self._hearing is not None:
            self._hearing.end({"type": "websocket.disconnect", "code": code, "reason": ""})

    def _received(self, head: bytes, early: bytes) -> None:
        request = heads.read(head)
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
        """Put the handshake to the application, which runs at once until it waits for something."""
        self._stage = Stage.DECISION
        self._key = upgrade.key
        self._request_id = random_bytes(16).hex()
        self.deadline = monotonic() + ANSWER_WAIT_S
        facts = scope(upgrade, *self.ends, source=self._source, secure=self._secure, trust=self._host.trust)
        facts["state"]["request_id"], facts["extensions"][CORRIDOR] = self._request_id, self
        run = self._run = Run(self._host.application(facts, self._receive, self._send), self._decided)
        run.go_on()

    async def _receive(self) -> dict[str, Any]:
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        if self._stage is Stage.OVER:
            return {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        self._hearing = Pause()
        return cast(dict[str, Any], await self._hearing)

    async def _send(self, message: dict[str, Any]) -> None:
        """What the application says."""
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

    def refuse(self, rejection: Rejection) -> None:
        """Answer with the problem document of `rejection`, unless an answer was given."""
        if self._stage is Stage.OVER:
            return
        meters.handshake_ended(rejection.code)
        peer = self._source.address if self._source is not None and self._source.address else self.ends[0][0]
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
        """
        if self._stage is not Stage.DECISION or self.lost:
            upstream.close()
            raise ClientGone
        try:
            answer = accept_answer(self._key, subprotocol, upstream.extensions, headers)
            link = Link(asyncio.get_running_loop(), owner, self._host.link_ended)
            client = self.leg(link, owner.scanner_in)
        except BaseException:
            upstream.close()
            raise
        early, self._data = self._data, b""
        self._host.link_began(link)
        meters.handshake_ended(meters.ACCEPTED)
        self._over(1000)
        self._host.timekeeper.forget(self)
        link.join(client, upstream.leg(link, owner.scanner_out))
        link.start(answer, early, upstream.early)
        return link

    def _say_finally(self, answer: bytes) -> None:
        self._over(1000)
        self.deadline = monotonic() + FAREWELL_S
        self._host.timekeeper.watch(self)
        self.see_off(answer)

    def _decided(self, error: BaseException | None) -> None:
        """The application is done; it must have answered or taken the connection."""
        self._run = None
        cancelled = isinstance(error, asyncio.CancelledError)
        if error is not None and not cancelled:
            log.error("handshake_failed", request=self._request_id, exc_info=error)
        elif self._stage is Stage.DECISION and not cancelled:
            log.error("handshake_unanswered", request=self._request_id)
        if self._stage is not Stage.OVER:
            self.refuse(Rejection("draining" if self._host.closing else "internal_error"))

    def dismiss(self) -> None:
        """The process stops: refuse, and stop the application."""
        run = self._run
        self.refuse(Rejection("draining"))
        if run is not None:
            run.cancel()
