"""One session after its upgrade: who it is, what it may spend, and what happens when it is spent or over.

The corridor (`gateway.relay`) moves its frames and tells it two things only: a direction has no credit, and it is all
over. Everything it needs from the outside comes with its `Home`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zlib import crc32

from gateway.core.conditions import Asked
from gateway.core.frames import FrameScanner
from gateway.core.home import Corridor, Ended, Home
from gateway.core.levels import NOTHING_ASKED, Levels
from gateway.core.permits import ANY_TOPIC, permit
from gateway.core.records import SessionRecord, Tally, UsageKey
from gateway.core.rejections import Rejection
from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal, Runtime, TopicSnapshot
from gateway.core.spending import Spender
from gateway.core.throttling import Throttle

LONGEST_SESSION_S: Final = 86_400  # CONTRACT section 6: 24 h with jitter, unless the plan says otherwise
JITTER: Final = 0.1


class Session(Spender):
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
        notices: whether its client asked for notices of the gateway.
    """

    __slots__ = (
        "api_id", "api_name", "api_version", "asked", "born", "client", "counted", "dies_at", "kept", "levels", "mark",
        "origin", "principal", "runtime", "session_id", "started_at", "topic", "upstream",
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
        notices: bool = False,
    ) -> None:
        self.runtime = api.runtime_for(principal.key_type)
        largest = self.runtime.message_bytes(entitlement.business_plan)
        into, out = FrameScanner(True, deflate, largest), FrameScanner(False, deflate, largest)
        super().__init__(home, entitlement, into, out, notices)
        self.session_id = session_id
        self.api_id = api.api_id
        self.api_name = api.name
        self.api_version = api.version
        self.principal = principal
        self.client = client
        self.upstream = upstream
        self.origin = origin
        self.started_at = home.clock()
        self.born = home.monotonic()  # durations go by this clock: it is never set
        self.dies_at: float | None = None  # when its token expires (monotonic); set by the registry
        self.counted = Tally()  # what the recorder has already put into its minutes
        self.mark = 0  # a number that tells whether there is more
        self.topic = topic
        self.asked = asked
        self.levels = levels
        self.kept = kept
        self.may = permit(topic, principal.scopes)
        self.choose_messages()
        self.draw_from(throttles)

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

    def replan(self, entitlement: Entitlement, throttles: Iterable[Throttle], levels: Levels = ()) -> None:
        """A plan, or its subscription, was changed: go on under the new terms without a reconnect."""
        self.entitlement = entitlement
        self.levels = levels
        self.govern(self.runtime)
        self.choose_messages()
        self.draw_from(throttles)
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
            self.may = permit(self.topic, self.principal.scopes)
            self.choose_messages()
        except (Rejection, ValueError):
            return False
        return True

    def attach(self, link: Corridor) -> None:
        """Its frames have begun to travel. What a first message decided before this call is done now."""
        if self.over:
            return
        self.link = link
        if self.closing is not None:
            link.close(*self.closing)

    def abandon(self) -> None:
        """Its client left before it was answered: give the credit back; it never was a session."""
        self.over = True
        self.let_go()

    def ended(self, ending: Ended) -> None:
        """The corridor's last word: return the credit, write the record. Only the first call counts."""
        if self.over:
            return
        self.over = True
        self.let_go()
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
