"""A handshake whose head was admitted before: as long as nothing of what decided then is another, it decides again.

The checks of `gateway.core.admission` up to the plan are a function of the head, the routing table, the principal and
its entitlement, and of two more things: the time, by which a credential expires, and the deny policies. These two are
looked at each time. What depends on more than that is not remembered, and the plan is asked anew, here as there last.
"""

from __future__ import annotations

from typing import Any

from gateway.core.admission import Admission, Room, Standing, check_plan
from gateway.core.levels import plan_levels
from gateway.core.matching import Route, RoutingTable
from gateway.core.permits import Permit
from gateway.core.rejections import Rejection
from gateway.core.snapshot import ANONYMOUS, TEST_KEY, EndpointSnapshot, Entitlement, Principal


class Admitted:
    """What a head came to.

    Attributes:
        mark: of the routing table.
        credential, principal, offer: what was asked, by kind and digest, and what was answered.
        route, entitlement, endpoint, permit: what came of it (see Admission).
        requests: to upstreams, by URL and whatever else they depend on (`gateway.core.upstream_handshake.Form`).
    """

    __slots__ = (
        "credential", "endpoint", "entitlement", "mark", "offer", "permit", "principal", "requests", "route",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - all of it, in the order of the checks
        self,
        mark: object,
        credential: tuple[str, str],
        principal: Principal,
        offer: Entitlement,
        entitlement: Entitlement,
        route: Route,
        endpoint: EndpointSnapshot,
        permit: Permit,
    ) -> None:
        self.mark = mark
        self.credential = credential
        self.principal = principal
        self.offer = offer
        self.entitlement = entitlement
        self.route = route
        self.endpoint = endpoint
        self.permit = permit
        self.requests: dict[tuple[Any, ...], Any] = {}


def outcome(admission: Admission, table: RoutingTable, credential: tuple[str, str]) -> Admitted | None:
    """What an admission came to, or None where it cannot be recalled: its next one may depend on something else.

    Args:
        credential: kind and digest of what was shown.
    """
    principal, offer, route, entitlement = admission.principal, admission.offer, admission.route, admission.entitlement
    if principal is None or offer is None or route is None or entitlement is None or not credential[0]:
        return None
    plans = table.custom or route.api.api_plan is not None or route.topic.api_plan is not None
    elsewhere = principal.kind in {ANONYMOUS, TEST_KEY} or principal.restrictions is not None or principal.in_query
    if plans or elsewhere or offer.kind == ANONYMOUS or admission.ticket is not None:
        return None
    return Admitted(table.mark, credential, principal, offer, entitlement, route, admission.endpoint, admission.permit)


def recall(admission: Admission, before: Admitted, now: float) -> Room:
    """Admit somebody as before, up to the plan.

    Args:
        before: whose table, principal and offer are those of now.
        now: epoch seconds.

    Returns:
        The question that is still open; its answer goes to `settle`.
    Raises:
        Rejection: the credential has expired meanwhile, or a policy denies it.
    """
    principal, entitlement, route = before.principal, before.entitlement, before.route
    admission.route, admission.principal = route, principal
    if not principal.alive(now):
        raise Rejection("invalid_token")
    admission.offer, admission.entitlement = before.offer, entitlement
    admission.endpoint, admission.permit = before.endpoint, before.permit
    denials = admission.denials
    if denials.rules and denials.find(
        route.api.api_id, principal.application_id, principal.end_user, admission.client, now
    ):
        raise Rejection("denied")
    admission.levels = plan_levels(entitlement, principal.end_user)
    return Room(entitlement, principal, admission.levels)


def settle(admission: Admission, standing: Standing, now: float) -> None:
    """The last check: is there room? See check_plan."""
    assert admission.entitlement is not None  # noqa: S101  (recalled)
    assert admission.route is not None  # noqa: S101
    admission.standing = standing
    admission.toll = check_plan(admission.entitlement, standing, now, admission.route.api.runtime)
