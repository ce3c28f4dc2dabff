"""May this client come in? The checks of CONTRACT section 5, in its order, without waiting for anything.

`Admission.steps` is a generator: it yields a question where somebody else must look something up, and is sent the
answer. So the order of the checks stands here alone, whether an answer comes from a cache or from a database.
Order: (upgrade, by the doorway) path, state, credential, subscription, scope, deny and origin, plan, (upstream, by
the consumer).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.announcing import rate_limit_fields, told
from gateway.core.conditions import Asked
from gateway.core.credentials import (
    NO_QUERY,
    NOTHING_OFFERED,
    Headers,
    Query,
    Shown,
    Subprotocols,
    sort_query,
    sort_subprotocols,
)
from gateway.core.denying import NOBODY
from gateway.core.familiar import Familiar
from gateway.core.identifying import (
    OPEN,
    Redeem,
    Ticket,
    WhoIs,
    anybody,
    entitled_by_test_key,
    for_address,
    identify,
    origin_allowed,
    origin_of,
)
from gateway.core.levels import NOTHING_ASKED, Levels, kept_of, levels_of, plan_levels
from gateway.core.matching import Route, RoutingTable
from gateway.core.permits import BOTH_WAYS, Permit, permit
from gateway.core.rejections import Rejection
from gateway.core.snapshot import (
    ANONYMOUS,
    BLOCKED,
    OPEN_STATES,
    TEST_KEY,
    UNSUBSCRIBED_STATES,
    ApiSnapshot,
    EndpointSnapshot,
    Entitlement,
    Principal,
    Runtime,
)
from gateway.core.throttling import HANDSHAKES, SECONDS, Throttle, retry_after
from gateway.core.vhosts import is_elsewhere

__all__ = ["Admission", "MayUse", "Question", "Redeem", "Room", "Standing", "Toll", "WhoIs"]


@dataclass(frozen=True, slots=True)
class MayUse:
    """Question: what lets this application ("": anybody) use this API? Answer: an Entitlement or None."""

    application_id: str
    api_id: str


@dataclass(frozen=True, slots=True)
class Room:
    """Question: how much of the plans is left? Answer: a Standing, counted after whatever was waited for."""

    entitlement: Entitlement
    principal: Principal
    levels: Levels = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Answer to Room: the running limits of all levels, and how many sessions there are already.

    Attributes:
        sessions: of the subscription, which is of this application at this API.
        at_api: of everybody at this API.
        from_address: from the client's address at this API.
    """

    throttles: tuple[Throttle, ...] = ()
    sessions: int = 0
    at_api: int = 0
    from_address: int = 0


NOBODY_IN: Final = Standing()
KNOWN_STATES: Final = OPEN_STATES | UNSUBSCRIBED_STATES
Question = WhoIs | Redeem | MayUse | Room


@dataclass(frozen=True, slots=True)
class Toll:
    """Handshakes charged to throttles; `undo` when the client is refused after all."""

    charged: tuple[tuple[Throttle, int], ...] = ()

    def undo(self) -> None:
        """Give it back, where the window is still the same."""
        for throttle, start in self.charged:
            throttle.give_back(1, start)


FREE: Final = Toll()
NOWHERE: Final = EndpointSnapshot(())


class Admission:
    """One handshake on its way in. What is known so far stays readable when it is refused, for the usage.

    Attributes:
        route, principal, entitlement: None until that step has been passed; `offer` the entitlement as it was answered.
        query: the client's, sorted out: only its `rest` may travel on.
        ticket: what was shown instead of a credential, or None.
        endpoint: where the key type leads; set with the entitlement.
        permit: whether it may send, and receive.
        levels: under which limits it counts, and `kept` what it keeps of the handshake for them.
        standing: the running limits; `toll` what was charged to them.
        client, denials: its IP address and the deny policies of now; set them before the first step.
    """

    __slots__ = (
        "client", "denials", "endpoint", "entitlement", "kept", "levels", "offer", "origin", "permit", "principal",
        "query", "route", "standing", "subprotocols", "ticket", "toll",
    )  # fmt: skip

    def __init__(self, headers: Headers, query: bytes = b"", familiar: Familiar | None = None) -> None:
        if familiar is not None:  # it offers nothing and has no query
            self.subprotocols: Subprotocols = NOTHING_OFFERED
            self.query: Query = NO_QUERY
            self.origin = familiar.origin
        else:
            self.subprotocols = sort_subprotocols(headers)
            self.query = sort_query(query)
            self.origin = origin_of(headers)
        self.ticket: Ticket | None = None
        self.offer: Entitlement | None = None
        self.client = ""
        self.denials = NOBODY
        self.route: Route | None = None
        self.principal: Principal | None = None
        self.entitlement: Entitlement | None = None
        self.endpoint = NOWHERE
        self.permit: Permit = BOTH_WAYS
        self.levels: Levels = ()
        self.kept = NOTHING_ASKED
        self.standing = NOBODY_IN
        self.toll = FREE

    @property
    def whole(self) -> bool:
        """No message has to be left out, so that compression may be agreed on. Known once it is admitted."""
        drops = self.entitlement is not None and self.entitlement.business_plan.on_spent == "drop"
        return self.permit.whole and not drops

    @property
    def notices(self) -> bool:
        """The client asked to be warned before a plan is spent."""
        return self.subprotocols.notices or self.query.notices

    def steps(
        self, raw_path: str, headers: Headers, table: RoutingTable, now: float
    ) -> Generator[Question, Any, Entitlement]:
        """The checks in their order.

        Args:
            raw_path: path of the request line without its query, latin-1.
            headers: lower-case names and values.
            table: the deployed APIs.
            now: epoch seconds.

        Returns:
            The entitlement under which the client comes in; the attributes hold the rest.

        Raises:
            Rejection: the first check that fails.
        """
        route = table.find(raw_path)
        if route is None or (table.hosts and is_elsewhere(table.hosts, route.api.vhost, headers)):
            raise Rejection("not_found")
        self.route = route
        principal = yield from self.enter(route, headers, now)
        assert self.entitlement is not None  # noqa: S101  (entered)
        if table.custom or route.api.api_plan is not None or route.topic.api_plan is not None:
            asked = Asked(self.client, headers, self.query.rest)
            self.levels = levels_of(self.entitlement, principal, route.api, route.topic, table.custom, asked=asked)
            self.kept = kept_of(route.api, route.topic, asked)
        else:  # nothing that the handshake shows matters
            self.levels = plan_levels(self.entitlement, principal.end_user)
        self.standing = yield Room(self.entitlement, principal, self.levels)
        self.toll = check_plan(self.entitlement, self.standing, now, route.api.runtime)
        return self.entitlement

    def enter(
        self, route: Route, headers: Headers, now: float, *, open_topics: bool = True
    ) -> Generator[Question, Any, Principal]:
        """State, credential, subscription, scope, deny and origin: what a ticket is minted by, too.

        Args:
            open_topics: whether a topic without security asks for no credential; a ticket is looked at all the same,
                for it names the connection.

        Raises:
            Rejection: the first check that fails.
        """
        api = route.api
        check_state(api.state)
        if open_topics and route.topic.security == OPEN and not self.query.has_ticket:
            principal = self.principal = anybody(api)
        else:
            shown = Shown(headers, self.subprotocols, self.query, api.security.query_credentials)
            principal, self.ticket = yield from identify(shown, route, self.client, now)
            self.principal = principal
        self.entitlement = yield from self._entitle(api, principal)
        check_subscription(self.entitlement, principal)
        endpoint = api.endpoints.get(principal.key_type)
        if endpoint is None or not endpoint.urls:
            raise Rejection("wrong_key_type")
        self.endpoint = endpoint
        self.permit = permit(route.topic, principal.scopes)
        if self.denials.find(api.api_id, principal.application_id, principal.end_user, self.client, now):
            raise Rejection("denied")
        if not origin_allowed(api.security, self.origin):
            raise Rejection("origin_not_allowed")
        return principal

    def _entitle(self, api: ApiSnapshot, principal: Principal) -> Generator[Question, Any, Entitlement]:
        """What lets this principal use the API. Before an API is published, only a test key does."""
        if principal.kind == TEST_KEY:
            return entitled_by_test_key(principal)
        offer: Entitlement | None = yield MayUse(principal.application_id, api.api_id)
        if offer is None or api.state in UNSUBSCRIBED_STATES:
            raise Rejection("subscription_required")
        self.offer = offer
        return for_address(offer, self.client) if offer.kind == ANONYMOUS else offer


def check_state(state: str) -> None:
    """A blocked API says so before anybody is asked who they are; a retired one is not there."""
    if state == BLOCKED:
        raise Rejection("api_blocked")
    if state not in KNOWN_STATES:
        raise Rejection("not_found")


def check_subscription(entitlement: Entitlement, principal: Principal) -> None:
    """A blocked subscription, or one whose owner may not work any more."""
    if entitlement.blocked_for(principal.key_type):
        raise Rejection("subscription_blocked")


def check_plan(entitlement: Entitlement, standing: Standing, now: float, runtime: Runtime) -> Toll:
    """Is there room under the plans and at the API? Charges the limits on handshakes if there is.

    A plan that holds its clients back instead of closing them lets them in although it is spent: they wait inside.

    Raises:
        Rejection: quota_exceeded or too_many_connections, with Retry-After and RateLimit fields.
    """
    plan = entitlement.business_plan
    throttles = standing.throttles
    for throttle in throttles:
        throttle.roll(now)
    waits = plan.on_spent == "hold"
    spent = [one for one in throttles if (not waits or one.limit.kind in {HANDSHAKES, SECONDS}) and one.spent()]
    if spent:
        limit = told(spent)
        amount = f"{limit['amount']} {limit['kind']} per {limit['per']}"
        detail = f"The {limit['level']} plan {limit['name']} is spent: {amount}."
        raise Rejection("quota_exceeded", detail, headers=retry_fields(spent, throttles, now), more={"limit": limit})
    for who, most, taken in (
        ("The plan allows", plan.max_sessions, standing.sessions),
        ("This API allows an application", runtime.max_sessions_per_application, standing.sessions),
        ("This API allows an address", runtime.max_sessions_per_ip, standing.from_address),
        ("This API allows", runtime.max_sessions, standing.at_api),
    ):
        if most is not None and taken >= most:
            detail = f"{who} {most} concurrent session{'s' * (most != 1)}."
            raise Rejection("too_many_connections", detail, headers=retry_fields((), throttles, now))
    counted = [throttle for throttle in throttles if throttle.limit.kind == HANDSHAKES]
    for throttle in counted:
        throttle.take()
    return Toll(tuple([(throttle, throttle.start) for throttle in counted])) if counted else FREE


def retry_fields(spent: Sequence[Throttle], throttles: Sequence[Throttle], now: float) -> tuple[tuple[str, str], ...]:
    """`Retry-After` and the RateLimit fields of a 429."""
    return (("Retry-After", str(retry_after(spent, now))), *rate_limit_fields(throttles, now))
