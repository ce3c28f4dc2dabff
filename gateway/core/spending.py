"""What a session may spend, and what happens when it has: it is closed, held back or its messages are dropped.

Also what it tells its client of that, where the plan says so or the client asked for it (`wsportal.notices`). The part
of `gateway.core.session.Session` that is about plans. Source: CONTRACT sections 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Any, Final

from gateway.core.airtime import AirTime
from gateway.core.announcing import told, words
from gateway.core.frames import ALL, KEEP, UNPAID, FrameScanner
from gateway.core.grading import DRY_S, Grading
from gateway.core.home import Corridor, Home
from gateway.core.permits import BOTH_WAYS, Permit
from gateway.core.rejections import PLAN_SPENT, spent_reason
from gateway.core.snapshot import Entitlement
from gateway.core.throttling import HANDSHAKES, SECONDS, Purse, Throttle, retry_after
from gateway.core.warning import listen, unlisten

RETRY_S: Final = 0.25  # until a warning that found no gap between two messages is tried again


class Spender:
    """The credit of both directions and of connection time.

    Args:
        home: clocks, and who calls back.
        notices: whether its client asked to be warned and told.

    Attributes:
        waiting: directions that a plan holds back.
        airtime: where a limit on connection time counts, what of it is paid for.
        may: which directions are open to its client at all.
    """

    __slots__ = (
        "_graded_in", "_graded_out", "_heard", "_unsaid", "airtime", "closing", "entitlement", "home", "link", "may",
        "notices", "over", "purse_in", "purse_out", "scanner_in", "scanner_out", "throttled", "waiting",
    )  # fmt: skip

    def __init__(
        self, home: Home, entitlement: Entitlement, scanner_in: FrameScanner, scanner_out: FrameScanner, notices: bool
    ) -> None:
        self.home = home
        self.entitlement = entitlement
        self.notices = notices
        self.scanner_in = scanner_in
        self.scanner_out = scanner_out
        self.purse_in = Purse(scanner_in, home.clock)
        self.purse_out = Purse(scanner_out, home.clock)
        self.may: Permit = BOTH_WAYS
        self.airtime: AirTime | None = None
        self.link: Corridor | None = None
        self.closing: tuple[int, str] | None = None  # decided before there was a link
        self.waiting: tuple[Any, ...] = ()
        self.throttled = 0
        self.over = False
        self._graded_in: Grading | None = None
        self._graded_out: Grading | None = None
        self._heard: tuple[Throttle, ...] = ()  # whose bell it listens to
        self._unsaid: tuple[Throttle, ...] = ()  # warnings that still have to be written

    # -- credit -------------------------------------------------------------------------------------------------

    def draw_from(self, throttles: Iterable[Throttle]) -> None:
        """Count under these from now on."""
        chosen = tuple(throttles)
        drops = self.entitlement.business_plan.on_spent == "drop"
        into, out = self.purse_in, self.purse_out
        counted_in, counted_out = into.attach(chosen, "in"), out.attach(chosen, "out")
        self.scanner_in.refill = (self._refill if drops else into.refill) if counted_in else None
        self.scanner_out.refill = (self._refill if drops else out.refill) if counted_out else None
        self._graded_in = self._graded_out = None
        if chosen or self.airtime is not None:
            self._draw_time(tuple([one for one in chosen if one.limit.kind == SECONDS]))
        if self.notices:
            self._listen(chosen)

    def _refill(self, scanner: FrameScanner, wanted: int) -> bool:
        """The hook where unpaid messages are dropped: not while it is not known whether there is more."""
        inward = scanner is self.scanner_in
        purse = self.purse_in if inward else self.purse_out
        if scanner.discards == ALL or scanner.deflate:
            return purse.refill(scanner, wanted)
        grading = self._grading(inward)
        now = self.home.monotonic()
        if now < grading.dry_until and (scanner.events <= 0 or scanner.octets <= 0):
            return False
        grading.dry_until = 0.0
        found = purse.refill(scanner, wanted)
        if not found:
            awaited = purse.awaited()
            scanner.discards = KEEP if awaited else UNPAID
            ends = [] if awaited else [one.end - self.home.clock() for one in purse.spent_throttles()]
            grading.dry_until = now + min(DRY_S, max(ends, default=0))
        return found

    def _grading(self, inward: bool) -> Grading:
        found = self._graded_in if inward else self._graded_out
        if found is None:
            found = Grading()
            if inward:
                self._graded_in = found
            else:
                self._graded_out = found
        return found

    def choose_messages(self) -> None:
        """Say to the scanners which messages are left out: those of a closed direction, unpaid ones, or none.

        What was compressed in one context cannot be taken apart: such a session, whose plan began to drop when it was
        under way, is closed where others drop.

        Raises:
            ValueError: a direction of such a session is closed to its client.
        """
        drops = self.entitlement.business_plan.on_spent == "drop"
        for scanner, is_open in ((self.scanner_in, self.may.send), (self.scanner_out, self.may.receive)):
            wanted = ALL if not is_open else UNPAID if drops and not scanner.deflate else KEEP
            if scanner.discards != wanted:
                scanner.discard(wanted)

    # -- when it is spent ---------------------------------------------------------------------------------------

    def spent(self, direction: Any) -> None:
        """That direction's next message is not paid for: hold it back, or close with 4429."""
        purse = self._purse(direction)
        holds = self.entitlement.business_plan.on_spent == "hold"
        if not holds and not purse.awaited():
            self.throttled += 1
            self._close_spent(purse.spent_throttles())
            return
        self.waiting = (*self.waiting, direction)
        self.home.held(self)
        if holds and self.notices:
            self._grade(direction)

    def awaits(self) -> bool:
        """Whether a direction waits only to hear if there is more (`gateway.core.leases`)."""
        return any(self._purse(direction).awaited() for direction in self.waiting)

    def discarded(self, direction: Any) -> None:
        """Messages of that direction were left out; the scanner has counted them."""
        if self._scanner(direction).discards != ALL:
            self._grade(direction)

    def _grade(self, direction: Any) -> None:
        """Tell the sender once in a window; close who takes no notice. An upstream is told, too, but never blamed."""
        inward = direction.name == "IN"
        grading = self._grading(inward)
        discarded = self._scanner(direction).discarded
        dropped, grading.seen = discarded - grading.seen, discarded
        now = self.home.clock()
        if grading.stale(now):
            spent = self._purse(direction).spent_throttles()
            if not spent:
                return
            longest = max(spent, key=_end)
            grading.begin(now, longest.start, longest.end)
            if grading.told_at is None and self._tell(direction, spent, now):
                grading.told(now, retry_after(spent, now))
        elif inward and dropped and grading.ignored(now, dropped):
            self._close_spent(self._purse(direction).spent_throttles())

    def _tell(self, direction: Any, spent: list[Throttle], now: float) -> bool:
        plan = self.entitlement.business_plan
        asked = self.notices and direction.name == "IN"
        if self.link is None or not (asked or (plan.notice and plan.on_spent == "drop")):
            return False
        facts = {"type": "throttled", "code": "quota_exceeded", "retry_after": retry_after(spent, now)}
        return self.link.notice(direction, words(facts, max(spent, key=_end)))

    def _close_spent(self, spent: list[Throttle]) -> None:
        self.close(PLAN_SPENT, spent_reason(retry_after(spent, self.home.clock()), told(spent)))

    def try_again(self) -> None:
        """A window has rolled, or the plan was changed: let go on what was held back, where there is room now."""
        waiting, self.waiting = self.waiting, ()
        for direction in waiting:
            purse = self._purse(direction)
            if purse.refill(purse.scanner):
                self._resume(direction)
            elif self.over:
                return
            elif self._scanner(direction).discards == UNPAID and not purse.awaited():
                purse.scanner.grant(0, 0)  # let it be judged again, and dropped
                self._resume(direction)
            else:
                self.spent(direction)

    def _resume(self, direction: Any) -> None:
        if self.link is not None:
            self.link.resume(direction)

    def _purse(self, direction: Any) -> Purse:
        return self.purse_in if direction.name == "IN" else self.purse_out

    def _scanner(self, direction: Any) -> FrameScanner:
        return self.scanner_in if direction.name == "IN" else self.scanner_out

    # -- connection time ----------------------------------------------------------------------------------------

    def _draw_time(self, timed: tuple[Throttle, ...]) -> None:
        if self.airtime is None:
            if not timed:
                return
            self.airtime = AirTime(self.home.clock, self.home.monotonic, self._time_changed)
        self.airtime.attach(timed)
        if timed:
            self.pay_time()
        else:
            self.airtime = None

    def _time_changed(self) -> None:
        self.home.timed(self)

    def pay_time(self) -> None:
        """What is paid for of its connection time may be over: pay for more, or close with 4429.

        Time cannot be held back or dropped, so it is the same for every plan.
        """
        airtime = self.airtime
        if airtime is None:
            return
        if airtime.pay():
            self.home.timed(self)
        else:
            self._close_spent(airtime.spent_throttles())

    # -- warnings -----------------------------------------------------------------------------------------------

    def _listen(self, throttles: tuple[Throttle, ...]) -> None:
        percent = self.entitlement.business_plan.warn_at
        before = self._heard
        self._heard = tuple([one for one in throttles if one.limit.kind != HANDSHAKES]) if percent else ()
        for throttle in before:
            if throttle not in self._heard:
                unlisten(throttle, self)
        for throttle in self._heard:
            listen(throttle, self, percent or 100)

    def warn(self, throttle: Throttle) -> None:
        """So much of this limit is taken as its client wants to be warned of; written as soon as may be."""
        if not self._unsaid:
            self.home.soon(self.say, 0)
        if throttle not in self._unsaid:
            self._unsaid = (*self._unsaid, throttle)

    def say(self) -> None:
        """Write the warnings that wait, between two messages; those of a window that is over are out of date."""
        now = self.home.clock()
        unsaid, self._unsaid = self._unsaid, ()
        for throttle in unsaid if not self.over and self.closing is None else ():
            if throttle not in self._heard or now >= throttle.end:
                continue
            facts = {"type": "wsportal.warning", "left": throttle.left(), "reset": max(0, ceil(throttle.end - now))}
            if self.link is None or not self.link.tell(words(facts, throttle)):
                self._unsaid = (*self._unsaid, throttle)
        if self._unsaid:
            self.home.soon(self.say, RETRY_S)

    # -- the end ------------------------------------------------------------------------------------------------

    def close(self, code: int, reason: str = "") -> None:
        """End it from here, with one of the gateway's own codes (CONTRACT section 6)."""
        if self.link is not None:
            self.link.close(code, reason)
        elif self.closing is None:
            self.closing = (code, reason)

    def let_go(self) -> None:
        """Give everything back that is not spent.

        Scanner, purse, session and link hold each other; let go, so that no garbage collection has to.
        """
        self.waiting = ()
        self.purse_in.close()
        self.purse_out.close()
        if self.airtime is not None:
            self.airtime.close()
            self.airtime = None
        for throttle in self._heard:
            unlisten(throttle, self)
        self._heard = self._unsaid = ()
        self.scanner_in.refill = self.scanner_out.refill = self.link = None


def _end(throttle: Throttle) -> float:
    return throttle.end
