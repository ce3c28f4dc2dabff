"""From what a handshake shows to who it is: accepted here, alive, used where it may be used.

`identify` is a generator like the checks of `core.admission`: it yields a question where somebody else must look
something up, and is sent the answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.core.credentials import Credential, Headers, Shown, find_credential
from gateway.core.denying import place_of
from gateway.core.matching import Route
from gateway.core.rejections import Rejection
from gateway.core.snapshot import (
    ANONYMOUS,
    TEST_KEY,
    ApiSnapshot,
    Entitlement,
    PlanSnapshot,
    Principal,
    Security,
    TopicSnapshot,
)

OPEN: Final = "none"  # security of a topic that anybody may connect to
_SCHEMES: Final = {"oauth": "oauth", "jwt": "oauth", "api_key": "api_key"}  # kind of principal -> scheme of an API
_WORDS: Final = {"oauth": "access tokens", "api_key": "API keys"}
TEST_PLAN: Final = PlanSnapshot(name="Test key", max_sessions=10)


@dataclass(frozen=True, slots=True)
class WhoIs:
    """Question: whose credential is this? Answer: a Principal, or None where it is unknown or revoked.

    Attributes:
        key_managers: those that the API names: they may be asked about a token that says nothing by itself.
    """

    credential: Credential
    key_managers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Redeem:
    """Question: what is this ticket worth? Answer: a Ticket, which nobody else gets any more, or None."""

    credential: Credential


@dataclass(frozen=True, slots=True)
class Ticket:
    """A one-time right to connect (CONTRACT section 4).

    Attributes:
        connection_id: what the session will be called.
        principal: whom it stands for.
        topic: what must follow the API's path, or None for anything.
        origin: the only page that may use it, or None for any that the API allows.
    """

    connection_id: str
    principal: Principal
    api_id: str
    topic: str | None = None
    origin: str | None = None


Identified = tuple[Principal, Ticket | None]


def identify(shown: Shown, route: Route, client: str, now: float) -> Generator[WhoIs | Redeem, Any, Identified]:
    """Who shows this credential at this API?

    Args:
        client: IP address.
        now: epoch seconds.

    Raises:
        Rejection: missing_credentials, invalid_token, denied (an API key elsewhere than permitted) or
            origin_not_allowed (a ticket on another page).
    """
    credential, api = find_credential(shown), route.api
    ticket: Ticket | None = None
    if credential.kind == "ticket":
        ticket = yield Redeem(credential)
        if ticket is None:
            raise Rejection("invalid_token", "The ticket is unknown, used or expired.")
        check_ticket(ticket, route, origin_of(shown.headers))
        principal: Principal | None = ticket.principal
    else:
        check_accepted(api.security, credential.kind)
        principal = yield WhoIs(credential, api.security.key_managers)
    if principal is None or not principal.alive(now):
        raise Rejection("invalid_token")
    if ticket is not None:
        check_accepted(api.security, principal.kind)
    if not trusted(api, principal):
        raise Rejection("invalid_token", "The access token is for another API.")
    if principal.restrictions is not None and not principal.restrictions.allow(client, shown.headers):
        raise Rejection("denied", "This API key may not be used from this address or page.")
    if principal.kind == TEST_KEY:
        if principal.api_id != api.api_id:
            raise Rejection("invalid_token", "This test key is for another API.")
        principal = replace(principal, scopes=every_scope(api))
    if credential.in_query:
        principal = replace(principal, in_query=True)
    return principal, ticket


def check_accepted(security: Security, kind: str) -> None:
    """An API says what it accepts; a test key of its makers is always accepted."""
    if not accepts(security, kind):
        words = " and ".join(_WORDS[scheme] for scheme in sorted(security.schemes))
        raise Rejection("missing_credentials", f"This API accepts {words} only.")


def accepts(security: Security, kind: str) -> bool:
    """Whether a principal of this kind may use an API of this security."""
    scheme = _SCHEMES.get(kind)
    return scheme is None or scheme in security.schemes


def trusted(api: ApiSnapshot, principal: Principal) -> bool:
    """Whether an API takes tokens of the key manager that issued this one, and it is for this API (RFC 8707)."""
    if _SCHEMES.get(principal.kind) != "oauth":
        return True
    if principal.resources and not principal.resources & api.urls:
        return False
    named = api.security.key_managers
    return principal.key_manager in named or not (named or principal.only_named)


def check_ticket(ticket: Ticket, route: Route, origin: str) -> None:
    """A ticket opens what it was minted for."""
    if ticket.api_id != route.api.api_id or ticket.topic not in {None, route.asked}:
        raise Rejection("invalid_token", "The ticket is for another API or topic.")
    if ticket.origin not in {None, origin}:
        raise Rejection("origin_not_allowed", "The ticket is for another page.")


def origin_of(headers: Headers) -> str:
    """The page that a browser comes from (RFC 6454 section 7), "" without one; it comes at most once."""
    for name, value in headers:
        if name == b"origin":
            return value.decode("latin-1")
    return ""


def origin_allowed(security: Security, origin: str) -> bool:
    """Whether a page may connect: exact match. Programs that are no browser send no Origin and always may."""
    return not security.origins or not origin or origin in security.origins


def still_welcome(api: ApiSnapshot, topic: TopicSnapshot, principal: Principal, origin: str) -> bool:
    """Whether somebody who is connected might come in now, by what their API and topic accept."""
    if principal.kind == ANONYMOUS and topic.security != OPEN:
        return False
    if principal.in_query and not api.security.query_credentials:
        return False
    return accepts(api.security, principal.kind) and trusted(api, principal) and origin_allowed(api.security, origin)


def every_scope(api: ApiSnapshot) -> frozenset[str]:
    """All scopes that the topics of an API ask for."""
    return frozenset().union(*map(scopes_of, api.topics))


def scopes_of(topic: TopicSnapshot) -> frozenset[str]:
    """All scopes that a topic asks for."""
    return topic.scopes | topic.subscribe_scopes | topic.publish_scopes


def anybody(api: ApiSnapshot) -> Principal:
    """Who connects to a topic without security."""
    return _ANYBODY["production" if "production" in api.endpoints else "sandbox"]


_ANYBODY: Final = {
    "production": Principal(ANONYMOUS, "", key_type="production"),
    "sandbox": Principal(ANONYMOUS, "", key_type="sandbox"),
}


def entitled_by_test_key(principal: Principal) -> Entitlement:
    """What a test key may: that one API, in a few sessions, on nobody's bill."""
    return Entitlement(
        subscription_id=f"test:{principal.token_id}",
        api_id=principal.api_id,
        application_id="",
        application_name=TEST_PLAN.name,
        owner_id=principal.end_user,
        business_plan=TEST_PLAN,
        kind=TEST_KEY,
    )


def for_address(offer: Entitlement, client: str) -> Entitlement:
    """The entitlement of one address at a topic without security: everybody there shares its counters.

    Args:
        offer: of the API, with its plan; its subscription id is replaced by one of the address (IPv6: of its /64).
    """
    return replace(offer, subscription_id=f"anonymous:{offer.api_id}:{place_of(client)}")
