"""Two legs and how they end: every way a session can be over, told truly to both sides."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from gateway.core.frames import OVERSIZE
from gateway.core.rejections import ABNORMAL, GOING_AWAY, PROTOCOL_ERROR, TOO_BIG, UPSTREAM_VANISHED, close_reason
from gateway.core.wire import close_frame, ping_frame, text_frame
from gateway.relay.legs import LINGER_S, Leg
from gateway.relay.owner import Direction, Ending, LinkOwner
from gateway.timekeeper import Timekeeper

CLOSE_WAIT_S: float = 1.0
"""For the gateway's own close: how long until a frame boundary must come, then how long for the answer (CONTRACT 6)."""


class Link:
    """The two legs of one session.

    Args:
        loop: the running loop.
        owner: asked and told; its scanners judge the two directions.
        on_end: called with the link after `owner.ended`.

    Give it its legs with `join`, then call `start`.
    """

    __slots__ = ("client", "deadline", "ending", "loop", "on_end", "over", "owner", "seen", "upstream")
    __deletable__ = ("client", "owner", "upstream")  # mypyc wants to know
    client: Leg
    upstream: Leg

    def __init__(
        self, loop: asyncio.AbstractEventLoop, owner: LinkOwner, on_end: Callable[[Link], object] | None = None
    ) -> None:
        self.loop = loop
        self.owner = owner
        self.on_end = on_end
        self.ending: Ending | None = None  # set by whatever ends the session first
        self.deadline = 0.0  # of what it waits for at its end (time.monotonic)
        self.over = False
        self.seen: tuple[object, ...] = ()  # what waited for a slow side at the last look

    def join(self, client: Leg, upstream: Leg) -> None:
        """Make the two legs each other's peer."""
        self.client, self.upstream = client, upstream
        client.peer, upstream.peer = upstream, client

    def start(self, answer: bytes, from_client: bytes, from_upstream: bytes) -> None:
        """Begin to relay.

        Args:
            answer: the 101 head, the first bytes for the client.
            from_client, from_upstream: frames that were read behind the two handshakes.
        """
        client, upstream = self.client, self.upstream
        client.write(answer)
        if from_upstream:
            upstream.forward(from_upstream)
        if from_client and client.alive:
            client.forward(from_client)
        for leg in (client, upstream):
            if leg.alive and leg.waiting:
                leg.go_on()

    # -- for the owner ------------------------------------------------------------------------------------------

    def close(self, code: int, reason: str = "", *, upstream_code: int = GOING_AWAY) -> None:
        """End the session with a close frame of the gateway's own, on each side at its next frame boundary.

        A side that reaches no boundary within 1 s is reset; one that does not answer within 1 s is closed. Does
        nothing if the session is ending already.

        Args:
            code, reason: for the client (CONTRACT section 6); the reason is cut at 123 bytes.
            upstream_code: for the upstream.
        """
        self._close(Ending("gateway", code, reason, "close"), (code, reason), (upstream_code, ""))

    def abort(self) -> None:
        """Reset both sides at once."""
        if not self.over:
            self.ending = self.ending or Ending("gateway", ABNORMAL, "", "error")
            for leg in (self.client, self.upstream):
                leg.abort()

    def ping(self, leg: Leg, payload: bytes) -> bool:
        """Write a ping of the gateway's own to this leg, if that is possible just now.

        It goes in at a frame boundary only, and not behind bytes that wait, where it could not be answered in time.
        """
        if self.ending is not None or not leg.alive or leg.full or not leg.peer.scanner.between_frames:
            return False
        leg.write(ping_frame(payload, os.urandom(4) if leg is self.upstream else b""))
        return True

    def notice(self, direction: Direction, text: str) -> bool:
        """Tell the sender of that direction something: one text message of the gateway's own, between its messages.

        It is no event and counts nowhere. Where it cannot go just now (a message to that side is under way, or bytes
        for it wait), nothing is written and the answer is False: try again at the next occasion.

        Args:
            direction: IN for the client, OUT for the upstream.
            text: at most 125 bytes of UTF-8 (`close_reason` makes fitting JSON).
        """
        leg = self.client if direction is Direction.IN else self.upstream
        if self.ending is not None or not leg.alive or leg.full or not leg.peer.scanner.between_messages:
            return False
        leg.write(text_frame(text, os.urandom(4) if leg is self.upstream else b""))
        return True

    def tell(self, text: str) -> bool:
        """`notice` to the client, whatever it has to do with."""
        return self.notice(Direction.IN, text)

    def give_up(self, leg: Leg) -> None:
        """This side answers nothing or takes nothing any more: end the session as if its connection had broken."""
        if not self.over and self.ending is None:
            self.lost(leg, "timeout")

    def resume(self, direction: Direction) -> None:
        """Go on in that direction after `scanner.grant()`."""
        if not self.over:
            self.loop.call_soon((self.client if direction is Direction.IN else self.upstream).go_on)

    def buffered_bytes(self) -> int:
        """Bytes of this session that the gateway holds in memory."""
        if self.over:
            return 0
        return sum(leg.unsent() + len(leg.rest) for leg in (self.client, self.upstream))

    # -- for the legs -------------------------------------------------------------------------------------------

    def name(self, leg: Leg) -> str:
        """Whose leg it is: "client" or "upstream"."""
        return "client" if leg is self.client else "upstream"

    def spent(self, leg: Leg) -> None:
        """No credit for what this leg sends."""
        if self.ending is None:
            self.owner.spent(Direction.IN if leg is self.client else Direction.OUT)

    def discarded(self, leg: Leg) -> None:
        """Messages that this leg sent were left out."""
        if self.ending is None:
            self.owner.discarded(Direction.IN if leg is self.client else Direction.OUT)

    def said_goodbye(self, leg: Leg) -> None:
        """A close frame of this leg was passed on: the other one has LINGER_S to answer."""
        if self.ending is None:
            scanner = leg.scanner
            text = scanner.close_reason.decode("utf-8", "replace")
            self.ending = Ending(self.name(leg), scanner.close_code, text, "close")
            self._arm(LINGER_S)
        self.settle()

    def violated(self, leg: Leg, event: int) -> None:
        """A frame of this leg is illegal (1002 to both sides) or too big (1009 to it, 1001 to the other)."""
        if self.ending is not None:
            self.lost(leg, "reset")  # no close frame can be expected from it any more
            return
        if event == OVERSIZE:
            ours, theirs = (TOO_BIG, close_reason("message_too_big")), (GOING_AWAY, "")
            ending = Ending("gateway", TOO_BIG, f"message too big from the {self.name(leg)}", "error")
        else:
            ours = theirs = (PROTOCOL_ERROR, close_reason("protocol_error"))
            ending = Ending("gateway", PROTOCOL_ERROR, f"illegal frame from the {self.name(leg)}", "error")
        self._close(ending, *((ours, theirs) if leg is self.client else (theirs, ours)))

    def lost(self, leg: Leg, how: str) -> None:
        """The connection of this leg has ended ("eof") or broke ("reset")."""
        if self.over:
            return
        leg.over = True
        peer = leg.peer
        if self.ending is None:
            self._vanished(leg, how)
        elif how == "eof" and leg.alive and peer.alive and leg.scanner.closed and not leg.informed:
            return  # it said goodbye and only ended its own stream: it still gets the answer
        if how == "timeout":
            leg.abort()  # what lies in the kernel for it is not worth minutes of retransmission
        else:
            leg.drop()
        if peer.alive and peer.waiting:  # for room where nobody is any more; its answer lies behind what it has sent
            self.loop.call_soon(peer.go_on)
        if peer.alive and not peer.informed:
            peer.final = b""  # there will be no boundary any more
            self._arm(CLOSE_WAIT_S)
            peer.leave()
        self.settle()

    def _vanished(self, leg: Leg, how: str) -> None:
        """Without a close frame: a vanished client is 1001 to the upstream, a vanished upstream 1014 to the client."""
        if leg is self.client:
            self.ending = Ending("client", ABNORMAL, "", how)
            code, reason = GOING_AWAY, ""
        else:
            self.ending = Ending("upstream", UPSTREAM_VANISHED, "", how)
            code, reason = UPSTREAM_VANISHED, close_reason("upstream_vanished")
        self._arm(CLOSE_WAIT_S)
        self._tell(leg.peer, code, reason)
        leg.peer.hush()

    def wait_for_answer(self) -> None:
        """A close frame of our own was written just now."""
        self._arm(CLOSE_WAIT_S)

    def settle(self) -> None:
        """End both legs as soon as each has had and sent its close frame, or is gone."""
        if self.over:
            return
        legs = (self.client, self.upstream)
        for leg in legs:
            if leg.alive and not (leg.scanner.close_code and leg.informed):
                return
        for leg in legs:
            leg.leave()
        if not self.over:
            self._arm(CLOSE_WAIT_S)

    def left(self) -> None:
        """A leg is closed."""
        if self.over or self.client.alive or self.upstream.alive:
            return
        self.over = True
        Timekeeper.of(self.loop).forget(self)
        ending = self.ending or Ending("gateway", ABNORMAL, "", "error")
        owner, on_end = self.owner, self.on_end
        # without cycles all of it is freed at once, not at some later collection
        del self.owner, self.client.peer, self.upstream.peer, self.client, self.upstream
        self.on_end = None
        try:
            owner.ended(ending)
        finally:
            if on_end is not None:
                on_end(self)

    # -- own ----------------------------------------------------------------------------------------------------

    def _close(self, ending: Ending, to_client: tuple[int, str], to_upstream: tuple[int, str]) -> None:
        if self.over or self.ending is not None:
            return
        self.ending = ending
        self._arm(CLOSE_WAIT_S)
        self._tell(self.client, *to_client)
        self._tell(self.upstream, *to_upstream)

    def _tell(self, leg: Leg, code: int, reason: str) -> None:
        """Write a close frame to this leg at the next boundary of what its peer sends."""
        if leg.alive and not leg.informed:
            leg.final = close_frame(code, reason, os.urandom(4) if leg is self.upstream else b"")
            leg.peer.hush()

    def _arm(self, seconds: float) -> None:
        if not self.over:
            self.deadline = monotonic() + seconds
            Timekeeper.of(self.loop).watch(self)

    def expired(self) -> None:
        """See gateway.timekeeper.Timed: time is over for a boundary, an answer or a flush."""
        if self.over:
            return
        legs = [leg for leg in (self.client, self.upstream) if leg.alive]
        waiting = tuple(leg.progress() for leg in legs if leg.unsent())
        if waiting and waiting != self.seen and self.ending is not None and self.ending.initiator != "gateway":
            # What a side said before it left is still delivered, as long as the other one takes any of it.
            self.seen = waiting
            self._arm(LINGER_S)
            return
        if self.ending is not None and self.ending.how == "close":
            self.ending = replace(self.ending, how="timeout")
        for leg in legs:
            if leg.unsent() or not leg.informed:
                leg.abort()
            else:
                leg.drop()
