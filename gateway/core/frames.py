"""One direction of a WebSocket connection, judged frame by frame without copying it (sans-IO).

A `FrameScanner` reads frame headers only (RFC 6455 section 5.2): payloads are neither unmasked nor kept.
It answers one question: how many bytes from the front of this buffer may travel on? It never says yes to a byte
of a frame that is illegal, too big or not paid for, so whoever feeds it may write a frame of its own exactly there.
"""

from __future__ import annotations

from typing import Final

from gateway.core.flow import (
    ALL,
    ANSWER,
    CLOSED,
    CONTROL_BURST,
    CREDIT,
    DROP,
    FLOOD,
    FOREVER,
    FRAGMENT_BYTES,
    FRAGMENT_FLOOR,
    GO,
    HALTED,
    KEEP,
    OVERSIZE,
    PROTOCOL,
    UNPAID,
    Flow,
)  # fmt: skip
from gateway.core.rejections import NO_STATUS
from gateway.core.wire import BINARY, CLOSE, CONTROL_LIMIT, NOTHING, PING, PONG, body_of, header_of, is_wire_code

__all__ = [
    "ALL", "ANSWER", "CLOSED", "CONTROL_BURST", "CREDIT", "DROP", "FLOOD", "FOREVER", "FRAGMENT_BYTES",
    "FRAGMENT_FLOOR", "GO", "HALTED", "KEEP", "OVERSIZE", "PROTOCOL", "TAP_BYTES", "UNPAID", "FrameScanner",
]  # fmt: skip

TAP_BYTES: Final = 4096  # what a tap is shown of one frame


class FrameScanner(Flow):
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

    Attributes for others to read: `messages`, `payload` (bytes of data frames), `discarded` (messages), `pings`,
    `close_code`, `close_reason`, `event`, `open` (inside a fragmented message), and the credit left in `events` and
    `octets`. To steer it: discard(), watch(), limit(), grant(), calm(), halt() of Flow.
    """

    __slots__ = ()

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
        step = 0
        if not pos and end > 1:
            step = self.rows[data[0]][data[1]]
            # one small message, whole: what most reads bring
            if step == end and self.events > 0 and self.octets > end:
                octets = end - self.head
                self.events -= 1
                self.messages += 1
                self.octets -= octets
                self.payload += octets
                return end
        pos = self._messages(data, pos, end, step)
        if pos < end:
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
            step = self._frame(data, pos, end)
            if step <= 0:
                return pos
            pos += step
            if self.event:  # a close frame passed
                return pos
            if self.rows is not NOTHING:
                pos = self._messages(data, pos, end, 0)
        if pos < end and self.gap:  # the last byte of what is left out, by itself
            self.event = DROP
        return pos

    def sift(self, data: bytes) -> tuple[bytes, int]:
        """After ANSWER or DROP: go on behind the frame at the front of `data`, and behind each further such one.

        Returns:
            The bytes that may travel on, and how many bytes of `data` were judged, those left out included. The
            others are treated as those beyond the count of feed().
        """
        passed: list[bytes] = []
        pos, end = 0, len(data)
        while self.event in {ANSWER, DROP}:
            pos += self._leave_out(end - pos)
            self.event = GO
            if pos >= end:
                break
            stop = self._walk(data, pos, end)
            self.skip = max(0, stop - end)
            stop -= self.skip
            if stop > pos:
                passed.append(data[pos:stop])
            pos = stop
        return b"".join(passed), pos

    def _leave_out(self, most: int) -> int:
        """Bytes of the frame at hand that are here and do not travel on."""
        if self.event == ANSWER:
            return self.head + len(self.probe)
        cut = min(self.gap, most)
        self.gap -= cut
        self._choose_rows()
        return cut

    def seek(self, data: bytes) -> int:
        """After HALTED: look for this side's close frame in what still comes; none of it travels on or is counted.

        Returns:
            How many bytes were understood; put the others before the next read. `event` becomes CLOSED when found.
        """
        self.aside = True
        self.event = GO
        rest = min(self.gap, len(data))  # of a frame that was being discarded
        self.gap -= rest
        taken = rest + self.feed(data[rest:])
        if self.event == GO:
            self.event = HALTED
        return taken

    def _stop(self, event: int) -> int:
        self.event = event
        return -1

    def _frame(self, data: bytes, pos: int, end: int) -> int:
        """Judge the frame at pos: its length, 0 if more bytes are needed to tell, -1 if it must not pass."""
        if self.gap:
            return self._stop(DROP)
        if self.close_code:
            return self._stop(CLOSED)
        if self.halting and not self.aside:
            return self._stop(HALTED)
        step = self._judge(data, pos, end)
        if self.tap is not None and step and not self.aside:
            size, head = header_of(data, pos)
            self.tap(data[pos], size, self.event, data[pos : pos + min(head + size, TAP_BYTES)])
        return step

    def _judge(self, data: bytes, pos: int, end: int) -> int:
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
        stop = GO if self.aside else self._admit(opcode, size)
        if stop not in {GO, DROP}:
            return self._stop(stop)
        self.open = first < 128
        self.dropping = self.open and stop == DROP
        if self.open:
            self.size += size
            self.fragments += 1
        else:
            self.size = self.fragments = 0
        if stop == DROP:
            self.gap = head + size
        # until FIN, or the end of what is left out, every frame takes the long way
        self.rows = NOTHING if self.open or stop == DROP or self.halting else self.whole
        return head + size if stop == GO else self._stop(DROP)

    def _admit(self, opcode: int, size: int) -> int:
        """Size, then credit of a data frame: GO and charged if it may pass, DROP, or the event that stops it."""
        if self.size + size > self.max_message_bytes or self.fragments >= self.max_fragments:
            return OVERSIZE
        if opcode and self.discards == ALL:
            self.discarded += 1
            return DROP
        if self.dropping:  # never true at a first frame
            return DROP
        short = self.octets < size or (opcode and (self.events <= 0 or self.octets <= 0))
        if short and self.refill is not None:
            # Asked before a lease is overdrawn, too: nobody else may hold credit while this message overdraws it.
            self.skip = 1  # what was judged is not written yet: a halt() from within must not find a boundary
            self.refill(self, size)
            if self.halting:
                return HALTED
        if opcode:
            if self.events <= 0 or self.octets <= 0:
                if self.discards == KEEP:
                    return CREDIT
                self.discarded += 1
                return DROP
            self.events -= 1
            self.messages += 1
        self.octets -= size
        self.payload += size
        return GO

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
