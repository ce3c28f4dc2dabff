"""One direction of a WebSocket connection, judged frame by frame without copying it (sans-IO).

A `FrameScanner` reads frame headers only (RFC 6455 section 5.2): payloads are neither unmasked nor kept.
It answers one question: how many bytes from the front of this buffer may travel on? It never says yes to a byte
of a frame that is illegal, too big or not paid for, so whoever feeds it may write a frame of its own exactly there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.core.rejections import NO_STATUS, PROTOCOL_ERROR, TOO_BIG
from gateway.core.wire import BINARY, CLOSE, CONTROL_LIMIT, NOTHING, PING, PONG, WHOLE, body_of, is_wire_code

# Why feed() stopped; 0 while nothing stands in the way. The last two are close codes (CONTRACT section 6).
GO: Final = 0
CREDIT: Final = 1  # the next message is not paid for: grant(), then feed the rest again
HALTED: Final = 2  # halt() was asked for and a frame boundary is reached: seek() looks for the answer
CLOSED: Final = 3  # a close frame passed; nothing after it counts (RFC 6455 section 5.5.1)
FLOOD: Final = 4  # more control frames than one CONTROL_BURST: calm(), then feed the rest again
ANSWER: Final = 5  # here is the answer to a ping of the gateway's own: leave it out, set GO, feed the rest again
PROTOCOL: Final = PROTOCOL_ERROR
OVERSIZE: Final = TOO_BIG

FOREVER: Final = 1 << 62  # credit that means unlimited: 146 years at a thousand million messages a second
CONTROL_BURST: Final = 256
"""Control frames are free, so their number is bounded: after this many it is up to the shell when to calm()."""
FRAGMENT_FLOOR: Final = 4096  # the `websockets` library's bound on fragments of one message
FRAGMENT_BYTES: Final = 16
"""A message may have max(FRAGMENT_FLOOR, largest message / FRAGMENT_BYTES) fragments: endless empty fragments cost
the upstream memory (CVE-2026-48779) while neither an event nor a byte is ever charged for them."""


class FrameScanner:
    """Judges one direction of one session.

    Args:
        masked: frames must be masked (they come from a client) or must not be (they come from an upstream).
        deflate: a permessage extension was agreed, so RSV1 may mark the first frame of a message.
        max_message_bytes: largest payload of one message, as it travels; there is no separate limit for a frame.
        events, octets: first credit in messages and payload bytes.
        refill: asked once for more, with the payload size of the frame at hand, when that does not fit the credit, and
            before feed() gives CREDIT; True if a message may begin. It must not write to or close the session from
            within: answer False and act when CREDIT is reported.

    A message is admitted when its first frame finds `events > 0` and `octets > 0`; it is counted and charged there,
    and a message that has begun is always let finish. So bytes may overdraw by one message, which is counted
    (CONTRACT section 7). Control frames are free.

    Attributes for others to read: `messages`, `payload` (bytes of data frames), `pings`, `close_code`,
    `close_reason`, `event`, `open` (inside a fragmented message), and the credit left in `events` and `octets`.
    """

    __slots__ = (
        "aside", "close_code", "close_reason", "controls", "event", "events", "fragments", "halting", "head", "masked",
        "max_fragments", "max_message_bytes", "messages", "octets", "open", "payload", "pings", "probe", "refill",
        "rows", "rsv", "size", "skip", "whole",
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
        self.limit(max_message_bytes)
        self.rows = self.whole
        self.head = 6 if masked else 2
        self.skip = 0  # bytes of the present frame still to come
        self.open = False
        self.size = 0  # payload of the open message so far
        self.fragments = 0  # its frames so far
        self.events = events
        self.octets = octets
        self.refill = refill
        self.messages = 0
        self.payload = 0
        self.pings = 0
        self.probe = b""  # payload of the gateway's own pings to this side; their answers never travel on
        self.controls = CONTROL_BURST
        self.close_code = 0  # 0 until a close frame passed; then its code, NO_STATUS (1005) if it carried none
        self.close_reason = b""
        self.halting = False
        self.aside = False
        self.event = GO

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
        return self.skip == 0 and not self.open

    def limit(self, max_message_bytes: int) -> None:
        """Set the largest message, also on a live session; a message that has begun is judged by it from here on."""
        self.max_message_bytes = max_message_bytes
        self.max_fragments = max(FRAGMENT_FLOOR, max_message_bytes // FRAGMENT_BYTES)
        # the table knows no limit below its own 125 bytes; tinier limits take the long way
        self.whole = WHOLE[self.masked, self.rsv == 0x30] if max_message_bytes >= CONTROL_LIMIT else NOTHING

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

    def feed(self, data: bytes) -> int:
        """How many bytes from the front of `data` may travel on.

        Returns:
            A count <= len(data). The bytes beyond it were not judged: put them before the next read while `event`
            is GO (an incomplete header or close frame, at most 130 bytes), else see the constant in `event`.
        """
        end = len(data)
        pos = self.skip
        if pos >= end:
            self.skip = pos - end
            return end
        # one small message, whole: what most reads bring
        if not pos and end > 1 and self.rows[data[0]][data[1]] == end and self.events > 0 and self.octets > end:
            octets = end - self.head
            self.events -= 1
            self.messages += 1
            self.octets -= octets
            self.payload += octets
            return end
        pos = self._walk(data, pos, end)
        if pos > end:
            self.skip = pos - end
            return end
        self.skip = 0
        return pos

    def _walk(self, data: bytes, pos: int, end: int) -> int:
        """From the frame boundary at pos over all frames that may pass: where the next boundary is, maybe past end."""
        last = end - 1
        while pos < last:
            rows = self.rows
            limit = self.events if self.octets > end else 0
            mark = pos
            count = 0
            while pos < last and count < limit:
                step = rows[data[pos]][data[pos + 1]]
                if step > 0:
                    pos += step
                    count += 1
                    continue
                size = data[pos + 2] << 8 | data[pos + 3] if step and pos + 4 <= end else 0
                if not 125 < size <= self.max_message_bytes:
                    break
                pos += size - step
                mark += 2  # the two bytes of length are header, too
                count += 1
            if count:
                octets = pos - mark - self.head * count
                self.messages += count
                self.events -= count
                self.payload += octets
                self.octets -= octets
            if pos < last:
                step = self._frame(data, pos, end)
                if step <= 0:
                    return pos
                pos += step
                if self.event:  # a close frame passed
                    return pos
        return pos

    def seek(self, data: bytes) -> int:
        """After HALTED: look for this side's close frame in what still comes; none of it travels on or is counted.

        Returns:
            How many bytes were understood; put the others before the next read. `event` becomes CLOSED when found.
        """
        self.aside = True
        self.event = GO
        taken = self.feed(data)
        if self.event == GO:
            self.event = HALTED
        return taken

    def _stop(self, event: int) -> int:
        self.event = event
        return -1

    def _frame(self, data: bytes, pos: int, end: int) -> int:
        """Judge the frame at pos: its length, 0 if more bytes are needed to tell, -1 if it must not pass."""
        if self.close_code:
            return self._stop(CLOSED)
        if self.halting and not self.aside:
            return self._stop(HALTED)
        if (data[pos + 1] > 127) != self.masked:  # RFC 6455 section 5.1
            return self._stop(PROTOCOL)
        return self._control(data, pos, end) if data[pos] & 15 > 7 else self._data(data, pos, end)

    def _data(self, data: bytes, pos: int, end: int) -> int:
        """Judge a data frame, as _frame()."""
        first, size = data[pos], data[pos + 1] & 127
        opcode, head = first & 15, self.head
        if opcode > BINARY or (opcode == 0) != self.open or first & (self.rsv if opcode else 0x70):
            return self._stop(PROTOCOL)
        if size > 125:
            wide = 2 if size == 126 else 8
            if pos + 2 + wide > end:
                return 0
            size = int.from_bytes(data[pos + 2 : pos + 2 + wide], "big")
            head += wide
            # the shortest form is a must, and the top bit of 64 must be 0 (RFC 6455 section 5.2)
            if size < (126 if wide == 2 else 65536) or size >> 63:
                return self._stop(PROTOCOL)
        stop = 0 if self.aside else self._admit(opcode, size)
        if stop:
            return self._stop(stop)
        if first > 127:
            self.open = False
            self.size = self.fragments = 0
            self.rows = NOTHING if self.halting else self.whole
        else:
            self.open = True
            self.size += size
            self.fragments += 1
            self.rows = NOTHING  # until FIN every frame takes the long way
        return head + size

    def _admit(self, opcode: int, size: int) -> int:
        """Size, then credit of a data frame; 0 and charged if it may pass, else the event that stops it."""
        if self.size + size > self.max_message_bytes or self.fragments >= self.max_fragments:
            return OVERSIZE
        short = self.octets < size or (opcode and (self.events <= 0 or self.octets <= 0))
        if short and self.refill is not None:
            # Asked before a lease is overdrawn, too: nobody else may hold credit while this message overdraws it.
            self.skip = 1  # what was judged is not written yet: a halt() from within must not find a boundary
            self.refill(self, size)
            if self.halting:
                return HALTED
        if opcode:
            if self.events <= 0 or self.octets <= 0:
                return CREDIT
            self.events -= 1
            self.messages += 1
        self.octets -= size
        self.payload += size
        return 0

    def _control(self, data: bytes, pos: int, end: int) -> int:
        """Judge a control frame (RFC 6455 section 5.5); as _frame()."""
        first, size = data[pos], data[pos + 1] & 127
        opcode = first & 15
        if opcode > PONG or first & 0xF0 != 0x80 or size > CONTROL_LIMIT or (opcode == CLOSE and size == 1):
            return self._stop(PROTOCOL)
        length = self.head + size
        if opcode == CLOSE:
            if pos + length > end:
                return 0  # whole or not at all: its code decides
            body = body_of(data[pos : pos + length])
            code = int.from_bytes(body[:2], "big") if size else NO_STATUS
            if size and not is_wire_code(code):
                return self._stop(PROTOCOL)
            self.close_code, self.close_reason = code, body[2:]
            self.rows = NOTHING
            self.event = CLOSED
            return length
        if not self.aside:
            if self.controls <= 0:
                return self._stop(FLOOD)
            if opcode == PONG and size and size == len(self.probe):
                if pos + length > end:
                    return 0  # whole or not at all: whose ping it answers decides
                if body_of(data[pos : pos + length]) == self.probe:
                    length = self._stop(ANSWER)
            self.controls -= 1
            self.pings += opcode == PING
        return length
