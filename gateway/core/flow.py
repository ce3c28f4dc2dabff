"""The state of one direction of a session: its limits, its credit, what was counted, and what happens to its messages.

`gateway.core.frames.FrameScanner` judges frames by it; this part of it is what the rest of the gateway sets and reads.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Final

from gateway.core.rejections import PROTOCOL_ERROR, TOO_BIG
from gateway.core.wire import CONTROL_LIMIT, NOTHING, WHOLE, alike

if TYPE_CHECKING:
    from gateway.core.frames import FrameScanner

# Why feed() stopped; 0 while nothing stands in the way. The last two are close codes (CONTRACT section 6).
GO: Final = 0
CREDIT: Final = 1  # the next message is not paid for: grant(), then feed the rest again
HALTED: Final = 2  # halt() was asked for and a frame boundary is reached: seek() looks for the answer
CLOSED: Final = 3  # a close frame passed; nothing after it counts (RFC 6455 section 5.5.1)
FLOOD: Final = 4  # more control frames than one CONTROL_BURST: calm(), then feed the rest again
ANSWER: Final = 5  # here is the answer to a ping of the gateway's own: sift() leaves it out
DROP: Final = 6  # here is (a further part of) a data frame that is discarded: sift() leaves it out
PROTOCOL: Final = PROTOCOL_ERROR
OVERSIZE: Final = TOO_BIG

# What discard() may be told.
KEEP: Final = 0  # every message passes, or waits for credit
UNPAID: Final = 1  # a message that finds no credit is discarded (a plan with on_spent "drop")
ALL: Final = 2  # every message is discarded (a direction that the client lacks the scope for)

FOREVER: Final = 1 << 62  # credit that means unlimited: 146 years at a thousand million messages a second
CONTROL_BURST: Final = 256
"""Control frames are free, so their number is bounded: after this many it is up to the shell when to calm()."""
FRAGMENT_FLOOR: Final = 4096  # the `websockets` library's bound on fragments of one message
FRAGMENT_BYTES: Final = 16
"""A message may have max(FRAGMENT_FLOOR, largest message / FRAGMENT_BYTES) fragments: endless empty fragments cost
the upstream memory (CVE-2026-48779) while neither an event nor a byte is ever charged for them."""
ALIKE: Final = 6 if isinstance(alike, FunctionType) else 32
"""So many messages in one read, and it pays to look whether all are of one length: fewer in source than compiled."""

Tap = Callable[[int, int, int, bytes], None]
"""See Flow.watch()."""


class Flow:
    """One direction of one session; see FrameScanner for the arguments."""

    __slots__ = (
        "aside", "close_code", "close_reason", "controls", "discarded", "discards", "dropping", "event", "events",
        "fragments", "gap", "halting", "head", "masked", "max_fragments", "max_message_bytes", "messages", "octets",
        "open", "payload", "pings", "probe", "refill", "rows", "rsv", "size", "skip", "tap", "whole",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - the first six facts of a direction, in a fixed order
        self,
        masked: bool,
        deflate: bool = False,
        max_message_bytes: int = 1 << 20,
        events: int = 0,
        octets: int = 0,
        refill: Callable[[FrameScanner, int], bool] | None = None,
    ) -> None:
        self.masked = masked
        self.rsv = 0x30 if deflate else 0x70  # reserved bits that are illegal on the first frame of a message
        self.head = 6 if masked else 2
        self.skip = 0  # bytes of the present frame still to come
        self.gap = 0  # bytes of a discarded frame still to be left out
        self.open = False
        self.dropping = False  # the open message is being discarded
        self.size = 0  # payload of the open message so far
        self.fragments = 0  # its frames so far
        self.events = events
        self.octets = octets
        self.refill = refill
        self.messages = 0
        self.payload = 0
        self.pings = 0
        self.discards = KEEP
        self.discarded = 0
        self.tap: Tap | None = None
        self.probe = b""  # payload of the gateway's own pings to this side; their answers never travel on
        self.controls = CONTROL_BURST
        self.close_code = 0  # 0 until a close frame passed; then its code, NO_STATUS (1005) if it carried none
        self.close_reason = b""
        self.halting = False
        self.aside = False
        self.event = GO
        self.limit(max_message_bytes)

    @property
    def closed(self) -> bool:
        """A close frame came from this side."""
        return self.close_code != 0

    @property
    def between_frames(self) -> bool:
        """What was let through so far ends with a whole frame: a close may be written here."""
        return self.skip == 0

    @property
    def between_messages(self) -> bool:
        """What was let through so far ends with a whole message: a notice may be written here."""
        return self.skip == 0 and (self.dropping or not self.open)

    @property
    def deflate(self) -> bool:
        """A permessage extension was agreed."""
        return self.rsv == 0x30

    def limit(self, max_message_bytes: int) -> None:
        """Set the largest message, also on a live session; a message that has begun is judged by it from here on."""
        self.max_message_bytes = max_message_bytes
        self.max_fragments = max(FRAGMENT_FLOOR, max_message_bytes // FRAGMENT_BYTES)
        self._choose_rows()

    def discard(self, which: int) -> None:
        """Say which messages of this direction are left out, also on a live session.

        A message that has begun to pass is finished, one that is being discarded is discarded to its end, and control
        frames in between pass. What is left out is legal and within the limits, or the session ends as ever; it is
        counted in `discarded`, which is a plan's `throttled`, and in nothing else (CONTRACT section 7).

        Args:
            which: KEEP, UNPAID (every message asks `refill` anew) or ALL.
        Raises:
            ValueError: a permessage extension was agreed: what comes after a discarded message could not be inflated.
                Whoever may have to discard takes the extension offer out of the handshake (CONTRACT section 5).
        """
        if which and self.deflate:
            raise ValueError("messages of a session with a compression context cannot be discarded")
        self.discards = which
        self._choose_rows()

    def watch(self, tap: Tap | None) -> None:
        """Show every frame of this direction to `tap` from now on, or to nobody (None).

        Costs nothing where nobody looks: a watched direction takes the long way for each of its frames.

        Args:
            tap: called with the first header byte, the payload's size, what became of it (GO or CLOSED: passed, DROP:
                discarded, CREDIT or FLOOD: held back and shown again once it passes, ANSWER: it answered a ping of
                the gateway's own, PROTOCOL or OVERSIZE) and the front of the frame as it travels, header included, as
                far as this read has brought it and at most frames.TAP_BYTES (`wire.payload_of` reads it).
                It must be quick and must not raise, write to or close the session.
        """
        self.tap = tap
        self._choose_rows()

    def _choose_rows(self) -> None:
        # The table knows no limit below its own 125 bytes, no tap and no discarding: these take the long way.
        plain = self.tap is None and self.discards != ALL and self.max_message_bytes >= CONTROL_LIMIT
        self.whole = WHOLE[self.masked, self.rsv == 0x30] if plain else NOTHING
        self.rows = NOTHING if self.halting or self.open or self.gap or self.close_code else self.whole

    def grant(self, events: int, octets: int) -> None:
        """Add credit (messages, payload bytes) and lift CREDIT; feed what was kept again."""
        self.events += events
        self.octets += octets
        if self.event == CREDIT:
            self.event = GO

    def calm(self) -> None:
        """Allow another CONTROL_BURST and lift FLOOD; feed what was kept again."""
        self.controls = CONTROL_BURST
        if self.event == FLOOD:
            self.event = GO

    def halt(self) -> bool:
        """Let no further frame begin. True if a frame boundary is here; otherwise feed() gives HALTED at the next."""
        self.halting = True
        self.rows = NOTHING
        return self.skip == 0

    def _messages(self, data: bytes, pos: int, end: int, step: int) -> int:  # noqa: C901 - a call costs more
        """From the frame boundary at pos over whole messages that are paid for: where the next one is, maybe past end.

        It stops, for the long way to go on, where so many of the shortest frames would have spent all messages.

        Args:
            step: the length of the first, small message at pos, or 0.
        """
        if self.octets <= end + CONTROL_LIMIT:  # what the last of them has beyond this read must be paid for, too
            return pos
        rows, head, mark = self.rows, self.head, pos
        stop = end - 1
        count = 0
        if self.events < end:
            stop = min(stop, pos + self.events * head)
        elif 0 < step * ALIKE <= end and data[step + 1] == data[1]:
            count = alike(data, pos, end, step)
            pos += count * step
        while pos < stop:
            step = rows[data[pos]][data[pos + 1]]
            if step > 0:
                pos += step
                count += 1
                continue
            if step > -9:  # a length of 16 bits
                size = data[pos + 2] << 8 | data[pos + 3] if step and pos + 4 <= end else 0
                if size < 126:
                    break
            else:
                size = int.from_bytes(data[pos + 2 : pos + 10], "big") if pos + 10 <= end else 0
                if size < 65536:
                    break
            if size > self.max_message_bytes or size > self.octets - end:
                break
            pos += size - step
            mark -= head + step  # the further bytes of length are header, too
            count += 1
        if count:
            octets = pos - mark - head * count
            self.messages += count
            self.events -= count
            self.payload += octets
            self.octets -= octets
        return pos
