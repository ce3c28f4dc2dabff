"""The Channels consumer behind the gateway's ports: it decides about a handshake and hands the frames to the corridor.

credential -> principal -> admitted -> upstream dialled -> client answered -> corridor. After that nothing of this
lives on but the small `Session`; there is no message loop, so no frame ever comes here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from channels.consumer import AsyncConsumer
from django.db import Error as DatabaseError

from gateway import meters, tickets
from gateway.api_keys import uses
from gateway.core.admission import Admission, MayUse, Question, Redeem, Room, Standing, WhoIs
from gateway.core.announcing import rate_limit_fields
from gateway.core.assertions import choices
from gateway.core.endpoints import Url
from gateway.core.extras import choose
from gateway.core.familiar import Familiar
from gateway.core.forwarding import backward
from gateway.core.matching import RoutingTable
from gateway.core.recalling import Admitted, outcome, recall, settle
from gateway.core.records import UsageKey
from gateway.core.rejections import Rejection
from gateway.core.session import Session
from gateway.core.snapshot import Entitlement
from gateway.counters import Wanted
from gateway.dialling import dial_any
from gateway.doorway import ClientGone
from gateway.plane import Plane, plane
from gateway.registry import places_of
from gateway.requesting import target_of
from gateway.running import in_task
from gateway.upstreams import Target, Upstream

log = structlog.get_logger("gateway")

Send = Callable[[dict[str, Any]], Awaitable[None]]
CORRIDOR: Final = "wsportal.corridor"


class GatewayConsumer(AsyncConsumer):
    """Lean on purpose: only `websocket.connect` means something here, so nothing is dispatched or awaited after it."""

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        message = await receive()
        if message["type"] == "websocket.connect":
            await Arrival(scope, plane).answer(send)


class Arrival:
    """One handshake, from its request to its session or its refusal.

    Args:
        scope: of the doorway, with the corridor in its extensions.
        plane: what the process remembers and counts.
    """

    __slots__ = (
        "admission", "client", "corridor", "familiar", "headers", "own", "plane", "recalled", "request_id", "scope",
        "shown",
    )  # fmt: skip

    def __init__(self, scope: dict[str, Any], plane: Plane) -> None:
        self.scope = scope
        self.plane = plane
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.request_id: str = scope["state"]["request_id"]
        self.corridor = scope["extensions"][CORRIDOR]
        client = scope.get("client")
        self.client: str = client[0] if client else ""  # IP address
        self.familiar: Familiar | None = scope["state"]["familiar"]
        self.admission = Admission(self.headers, scope["query_string"], self.familiar)
        self.recalled: Admitted | None = None  # what it was let in by
        self.shown = ("", "")  # kind and digest of its credential, once it was asked about
        self.own: list[tuple[bytes, bytes]] = []  # what the gateway says of the session to the backend

    async def answer(self, send: Send) -> None:
        """Let the client in, or refuse it with the status and problem document of CONTRACT section 5."""
        try:
            with self.plane.registry.arrival():
                await self._come_in()
        except ClientGone:
            return
        except Rejection as rejection:
            await self._refuse(send, rejection)
        except DatabaseError as error:
            log.error("handshake_without_database", error=type(error).__name__, request=self.request_id)
            await self._refuse(send, Rejection("overloaded"))
        except Exception:
            log.exception("handshake_failed", request=self.request_id)
            await self._refuse(send, Rejection("internal_error"))

    async def _come_in(self) -> None:
        registry = self.plane.registry
        table = await self._table()
        denials = self.plane.memory.known_denials() or await self.plane.memory.denials()
        self.admission.client, self.admission.denials = self.client, denials
        entitlement = await self._admit(table)
        places = places_of(entitlement.subscription_id, entitlement.api_id, self.client)
        registry.enter(places)  # nothing was awaited since its places were counted
        try:
            session, url = await self._connect(entitlement)
        except BaseException:
            registry.leave(places)
            self.admission.toll.undo()
            raise
        if not session.over:
            registry.open(session, url)
            uses.note(session.principal, registry.clock())
            self._look_again(table, session)

    async def _table(self) -> RoutingTable:
        memory = self.plane.memory
        return memory.known_table() or await memory.table()

    async def _admit(self, table: RoutingTable) -> Entitlement:
        """Walk through the checks, answering their questions from memory or from the database."""
        now = self.plane.registry.clock()
        before = self._before(table, now)
        if before is not None:
            self.recalled = before
            room = recall(self.admission, before, now)
            standing = self._known(room, now) or await self._look_up(room, now)
            settle(self.admission, standing, now)
            return before.entitlement
        path = self.scope["raw_path"].decode("latin-1")
        steps = self.admission.steps(path, self.headers, table, now)
        answer: Any = None
        while True:
            try:
                question = steps.send(answer)
            except StopIteration as done:
                admitted: Entitlement = done.value
                if self.admission.ticket is not None:
                    self.request_id = self.admission.ticket.connection_id
                if self.familiar is not None:
                    self.recalled = self.familiar.admitted = outcome(self.admission, table, self.shown)
                return admitted
            answer = self._known(question, now) or await self._look_up(question, now)

    def _before(self, table: RoutingTable, now: float) -> Admitted | None:
        """What was decided about its head before, if everything that decided it is as it was."""
        before = self.familiar.admitted if self.familiar is not None else None
        if before is None or before.mark is not table.mark:
            return None
        memory, offer = self.plane.memory, before.offer
        same = memory.known_by(before.credential, now) is before.principal
        return before if same and memory.known_entitlement(offer.application_id, offer.api_id) is offer else None

    def _known(self, question: Question, now: float) -> Any:
        memory, registry = self.plane.memory, self.plane.registry
        if isinstance(question, WhoIs):
            self.shown = question.credential.kind, question.credential.key
            return memory.known_by(self.shown, now)
        if isinstance(question, MayUse):
            return memory.known_entitlement(question.application_id, question.api_id)
        if isinstance(question, Redeem):
            return None
        counters = registry.counters
        throttles = counters.of(question.levels)
        if not counters.settled(throttles) or (counters.shared and counters.counts_places(self._wanted(question))):
            return None
        taken = registry.places.get  # not [], which calls Python for a place that nobody has taken
        entitlement = question.entitlement
        places = places_of(entitlement.subscription_id, entitlement.api_id, self.client)
        return Standing(throttles, *[taken(place, 0) for place in places])

    def _wanted(self, question: Room) -> tuple[Wanted, ...]:
        """The places that a session takes, and how many there are of each."""
        assert self.admission.route is not None  # noqa: S101  (it is asked after that)
        entitlement, runtime = question.entitlement, self.admission.route.api.runtime
        most = [entitlement.business_plan.max_sessions, runtime.max_sessions_per_application]
        limits = (
            min([one for one in most if one is not None], default=None),
            runtime.max_sessions,
            runtime.max_sessions_per_ip,
        )
        places = places_of(entitlement.subscription_id, entitlement.api_id, self.client)
        return tuple(zip(places, limits, strict=True))

    def _standing(self, question: Room, others: Sequence[int]) -> Standing:
        registry = self.plane.registry
        taken = [registry.places[place] + more for (place, _), more in zip(self._wanted(question), others, strict=True)]
        return Standing(registry.counters.of(question.levels), *taken)

    async def _look_up(self, question: Question, now: float) -> Any:
        await in_task()
        if isinstance(question, WhoIs):
            return await self.plane.memory.principal(question.credential, now, question.key_managers)
        if isinstance(question, Redeem):
            return await self.plane.memory.ask(tickets.redeem, question.credential.key)
        if isinstance(question, Room):
            counters = self.plane.registry.counters
            await counters.settle(counters.of(question.levels))
            others = await counters.others(self._wanted(question))
            return self._standing(question, others)
        return await self.plane.memory.entitlement(question.application_id, question.api_id)

    async def _connect(self, entitlement: Entitlement) -> tuple[Session, Url]:
        """Dial, make the session, answer the client."""
        admission, registry = self.admission, self.plane.registry
        assert admission.route is not None  # noqa: S101  (admitted)
        assert admission.principal is not None  # noqa: S101
        api, principal = admission.route.api, admission.principal
        state = registry.endpoints.of(api.api_id, principal.key_type, admission.endpoint)
        dynamic = admission.endpoint.dynamic
        chosen = choose(dynamic, self.headers, choices(api, principal, entitlement)) if dynamic is not None else None
        if api.security.backend_jwt:
            await in_task()  # a key or a name may have to be looked up
            self.own = [await self.plane.assertions.header(api, principal, entitlement)]
        url, upstream = await dial_any(state, self._target, registry.monotonic, chosen)
        throttles = registry.counters.of(admission.levels)  # those of now: a window may have rolled meanwhile
        session = Session(
            registry,
            session_id=self.request_id,
            api=api,
            principal=principal,
            entitlement=entitlement,
            client=self.client,
            upstream=url.url,
            origin=admission.origin,
            deflate=upstream.deflate,
            throttles=throttles,
            topic=admission.route.topic,
            asked=admission.route.asked,
            levels=admission.levels,
            kept=admission.kept,
            notices=admission.notices,
        )
        try:
            self._hand_over(upstream, session, rate_limit_fields(throttles, registry.clock()))
        except BaseException:
            session.abandon()
            raise
        return session, url

    def _hand_over(self, upstream: Upstream, session: Session, fields: tuple[tuple[str, str], ...]) -> None:
        """Answer the client and let the frames travel."""
        own = (("X-Request-ID", self.request_id), *fields)
        headers = backward(upstream.headers) + [(name.encode("ascii"), value.encode("ascii")) for name, value in own]
        chosen = self.admission.subprotocols.answer(upstream.subprotocol)
        session.attach(self.corridor.take(upstream, session, subprotocol=chosen, headers=headers))

    def _target(self, url: str) -> Target:
        """What is dialled for one URL of the endpoint."""
        state = self.scope["state"]
        visitor = self.client, self.scope["scheme"] == "wss", state["proxies"]
        forms = None
        if self.recalled is not None and self.familiar is not None and self.familiar.passes and not self.own:
            forms = self.recalled.requests
        return target_of(url, self.admission, self.headers, visitor, self.request_id, self.own, forms)

    def _look_again(self, table: RoutingTable, session: Session) -> None:
        """Something that was true at the check may have changed while the upstream was dialled."""
        memory, entitlement, offer = self.plane.memory, session.entitlement, self.admission.offer
        if memory.known_table() is not table:
            self.plane.control.look_at("api", session.api_id)
        if memory.known_denials() is not self.admission.denials:
            self.plane.control.look_at("deny", "")
        if offer is not None and memory.known_entitlement(offer.application_id, session.api_id) is not offer:
            self.plane.control.look_at("subscription", entitlement.subscription_id)

    async def _refuse(self, send: Send, rejection: Rejection) -> None:
        admission = self.admission
        if admission.route is not None:
            api_id = admission.route.api.api_id
            application_id = admission.principal.application_id if admission.principal else ""
            subscription_id = admission.entitlement.billed_to if admission.entitlement else ""
            self.plane.registry.recorder.refused(UsageKey(api_id, application_id, subscription_id))
        meters.handshake_ended(rejection.code)
        log.info(
            "handshake_refused",
            request=self.request_id,
            client=self.client,
            path=self.scope["path"],
            status=rejection.status,
            code=rejection.code,
        )
        await send(
            {
                "type": "websocket.http.response.start",
                "status": rejection.status,
                "headers": rejection.all_headers(),
            }
        )
        await send({"type": "websocket.http.response.body", "body": rejection.body()})
