"""One session after its upgrade: who it is, what it may spend, and what happens when it is spent or over.

The corridor (`gateway.relay`) moves its frames and tells it two things only: a direction has no credit, and it is all
over. Everything it needs from the outside comes with its `Home`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from zlib import crc32

from gateway.core.announcing import told
from gateway.core.conditions import Asked
from gateway.core.frames import ALL, KEEP, FrameScanner
from gateway.core.home import Corridor, Ended, Home
from gateway.core.levels import NOTHING_ASKED, Levels
from gateway.core.permits import ANY_TOPIC, Permit, permit
from gateway.core.records import SessionRecord, Tally, UsageKey
from gateway.core.rejections import PLAN_SPENT, Rejection, spent_reason
from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal, Runtime, TopicSnapshot
from gateway.core.throttling import Purse, Throttle, retry_after

LONGEST_SESSION_S: Final = 86_400  # CONTRACT section 6: 24 h with jitter, unless the plan says otherwise
JITTER: Final = 0.1


class Session:
    """The facts and the credit of one live session. It owns both scanners.

    Args:
        home: clocks, and who hears of the end.
        session_id: also the request id of its handshake.
        upstream: the URL that was dialled.
        origin: the page that a browser came from, or "".
        deflate: whether a permessage extension was agreed on.
        throttles: the running limits of all levels; none at all means unlimited, and costs nothing.
        topic, asked: the topic at which it came in, and the path below the API's own that it asked for.
        levels, kept: under which limits it counts, and what it keeps of its handshake to be judged again.
    """

    __slots__ = (
        "api_id", "api_name", "api_version", "asked", "born", "client", "closing", "counted", "dies_at",
        "entitlement", "home", "kept", "levels", "link", "mark", "origin", "over", "principal", "purse_in",
        "purse_out", "runtime",
        "scanner_in", "scanner_out", "session_id", "started_at", "throttled", "topic", "upstream", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        home: Home,
        *,
        session_id: str,
        api: ApiSnapshot,
        principal: Principal,
        entitlement: Entitlement,
        client: str,
        upstream: str,
        origin: str = "",
        deflate: bool = False,
        throttles: Iterable[Throttle] = (),
        topic: TopicSnapshot = ANY_TOPIC,
        asked: str = "",
        levels: Levels = (),
        kept: Asked = NOTHING_ASKED,
    ) -> None:
        self.runtime = api.runtime_for(principal.key_type)
        largest = self.runtime.message_bytes(entitlement.business_plan)
        self.home = home
        self.session_id = session_id
        self.api_id = api.api_id
        self.api_name = api.name
        self.api_version = api.version
        self.principal = principal
        self.entitlement = entitlement
        self.client = client
        self.upstream = upstream
        self.origin = origin
        self.started_at = home.clock()
        self.born = home.monotonic()  # durations go by this clock: it is never set
        self.dies_at: float | None = None  # when its token expires (monotonic); set by the registry
        self.scanner_in = FrameScanner(True, deflate, largest)
        self.scanner_out = FrameScanner(False, deflate, largest)
        self.purse_in = Purse(self.scanner_in, home.clock)
        self.purse_out = Purse(self.scanner_out, home.clock)
        self.link: Corridor | None = None
        self.closing: tuple[int, str] | None = None  # decided before there was a link
        self.waiting: tuple[Any, ...] = ()  # directions that a plan holds back
        self.throttled = 0
        self.counted = Tally()  # what the recorder has already put into its minutes
        self.mark = 0  # a number that tells whether there is more
        self.over = False
        self.topic = topic
        self.asked = asked
        self.levels = levels
        self.kept = kept
        self._draw_from(throttles)
        self._leave_out(permit(topic, principal.scopes))

    @property
    def usage_key(self) -> UsageKey:
        """Whose usage this is."""
        entitlement = self.entitlement
        return UsageKey(self.api_id, entitlement.application_id, entitlement.billed_to)

    def facets(self) -> tuple[tuple[str, str], ...]:
        """What this session can be found by: the kinds and subjects of `apis.models.Change`."""
        return (
            ("api", self.api_id),
            ("subscription", self.entitlement.subscription_id),
            ("application", self.entitlement.application_id),
            ("token", self.principal.token_id),
            ("person", self.principal.end_user),
            ("person", self.entitlement.owner_id),
        )

    def plan_ids(self) -> tuple[str, str]:
        """The business plan and the application plan it runs under."""
        return self.entitlement.business_plan.plan_id, self.entitlement.application_plan.plan_id

    def activity(self) -> int:
        """A number that grows with every message and ping, and with the bytes of a long one, in either direction."""
        into, out = self.scanner_in, self.scanner_out
        under_way = into.skip + out.skip
        left_out = into.discarded + out.discarded
        return into.messages + out.messages + left_out + into.payload + out.payload + into.pings + out.pings - under_way

    def time_over_at(self) -> float:
        """When it has lived long enough (monotonic): by its API or plan, or after a day less some jitter.

        The jitter comes from the session's own id, so that sessions that began together do not return together.
        """
        longest_s = self.runtime.session_s(self.entitlement.business_plan)
        if longest_s is not None:
            return self.born + longest_s
        part = crc32(self.session_id.encode()) / (1 << 32)
        return self.born + LONGEST_SESSION_S * (1 - JITTER * part)

    def tally(self) -> Tally:
        """Its counters of this moment."""
        into, out = self.scanner_in, self.scanner_out
        throttled = self.throttled + into.discarded + out.discarded
        return Tally(1, into.messages, out.messages, into.payload, out.payload, 0, throttled)

    def begin(self) -> bool:
        """Count itself; False if it was counted before. From now on only the recorder's `news` are new."""
        if self.mark:
            return False
        self.counted, self.mark = Tally(1), 1
        return True

    def news(self) -> Tally | None:
        """What was counted since the last call, or None: only the recorder asks."""
        into, out = self.scanner_in, self.scanner_out
        throttled = self.throttled + into.discarded + out.discarded
        mark = 1 + into.messages + out.messages + into.payload + out.payload + throttled
        if mark == self.mark:
            return None
        before, self.counted, self.mark = self.counted, self.tally(), mark
        return self.counted.less(before)

    def _draw_from(self, throttles: Iterable[Throttle]) -> None:
        into, out = self.purse_in, self.purse_out
        chosen = tuple(throttles)
        self.scanner_in.refill = into.refill if into.attach(chosen, "in") else None
        self.scanner_out.refill = out.refill if out.attach(chosen, "out") else None

    def replan(self, entitlement: Entitlement, throttles: Iterable[Throttle], levels: Levels = ()) -> None:
        """A plan, or its subscription, was changed: go on under the new terms without a reconnect."""
        self.entitlement = entitlement
        self.levels = levels
        self.govern(self.runtime)
        self._draw_from(throttles)
        self.try_again()

    def govern(self, runtime: Runtime) -> None:
        """The runtime limits of its API were changed, or those of its plan beside them."""
        self.runtime = runtime
        for scanner in (self.scanner_in, self.scanner_out):
            scanner.limit(runtime.message_bytes(self.entitlement.business_plan))

    def permit(self, topic: TopicSnapshot | None = None) -> bool:
        """Its token or its topic is another one now: judge anew what it may send and receive (`core.permits`).

        Returns:
            False where it may not stay: no direction is open to it, or messages would have to be left out of a stream
            whose compression needs each of them. The caller closes it.
        """
        self.topic = topic or self.topic
        try:
            self._leave_out(permit(self.topic, self.principal.scopes))
        except (Rejection, ValueError):
            return False
        return True

    def _leave_out(self, may: Permit) -> None:
        for scanner, is_open in ((self.scanner_in, may.send), (self.scanner_out, may.receive)):
            if is_open != (scanner.discards != ALL):
                scanner.discard(KEEP if is_open else ALL)

    def spent(self, direction: Any) -> None:
        """That direction's next message is not paid for: hold it back, or close with 4429."""
        if self.entitlement.business_plan.on_spent == "hold":
            self.waiting = (*self.waiting, direction)
            self.home.held(self)
            return
        self.throttled += 1
        purse = self.purse_in if direction.name == "IN" else self.purse_out
        spent = purse.spent_throttles()
        self.close(PLAN_SPENT, spent_reason(retry_after(spent, self.home.clock()), told(spent)))

    def discarded(self, direction: Any) -> None:
        """Messages of that direction were left out; the scanner has counted them."""

    def try_again(self) -> None:
        """A window has rolled, or the plan was changed: let go on what was held back, where there is room now."""
        waiting, self.waiting = self.waiting, ()
        for direction in waiting:
            purse = self.purse_in if direction.name == "IN" else self.purse_out
            if purse.refill(purse.scanner):
                if self.link is not None:
                    self.link.resume(direction)
            else:
                self.waiting = (*self.waiting, direction)
        if self.waiting and not self.over:
            self.home.held(self)

    def attach(self, link: Corridor) -> None:
        """Its frames have begun to travel. What a first message decided before this call is done now."""
        if self.over:
            return
        self.link = link
        if self.closing is not None:
            link.close(*self.closing)

    def close(self, code: int, reason: str = "") -> None:
        """End it from here, with one of the gateway's own codes (CONTRACT section 6)."""
        if self.link is not None:
            self.link.close(code, reason)
        elif self.closing is None:
            self.closing = (code, reason)

    def abandon(self) -> None:
        """Its client left before it was answered: give the credit back; it never was a session."""
        self.over = True
        self._let_go()

    def _let_go(self) -> None:
        self.waiting = ()
        self.purse_in.close()
        self.purse_out.close()
        # Scanner, purse, session and link hold each other; let go, so that no garbage collection has to.
        self.scanner_in.refill = self.scanner_out.refill = self.link = None

    def ended(self, ending: Ended) -> None:
        """The corridor's last word: return the credit, write the record. Only the first call counts."""
        if self.over:
            return
        self.over = True
        self._let_go()
        tally = self.tally()
        record = SessionRecord(
            session_id=self.session_id,
            key=self.usage_key,
            end_user=self.principal.end_user,
            client=self.client,
            upstream=self.upstream,
            started_at=self.started_at,
            ended_at=self.started_at + self.home.monotonic() - self.born,
            events_in=tally.events_in,
            events_out=tally.events_out,
            bytes_in=tally.bytes_in,
            bytes_out=tally.bytes_out,
            throttled=tally.throttled,
            initiator=ending.initiator,
            code=ending.code,
            reason=ending.reason,
            how=ending.how,
        )
        self.home.ended(self, record)
