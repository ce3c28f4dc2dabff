"""What the gateway knows about the control plane, frozen: no row, no query, no clock.

`gateway.snapshots` fills these from the models; everything in the core reads them. Ids are text, so
that a snapshot can be compared with the subject of a change without knowing where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from gateway.core.extras import Dynamic, Extras
from gateway.core.plans import UNLIMITED, ApiPlanSnapshot
from gateway.core.plans import PlanSnapshot as PlanSnapshot  # noqa: PLC0414  (exported: part of an Entitlement)
from gateway.core.restrictions import Restrictions

KeyType = Literal["production", "sandbox"]
TopicSecurity = Literal["oauth", "none"]

# States in which a deployed API can be reached (CONTRACT section 5, reference section 3.3).
OPEN_STATES: Final = frozenset({"prereleased", "published", "deprecated"})
UNSUBSCRIBED_STATES: Final = frozenset({"created"})  # reachable, but nobody can have a subscription yet
BLOCKED: Final = "blocked"
RESIDENT: Final = "Resident"  # the built-in authorization server among the key managers
ANONYMOUS: Final = "anonymous"  # kinds of principal and entitlement that no subscription stands behind
TEST_KEY: Final = "test_key"
FREE: Final = "free"

LARGEST_MESSAGE_BYTES: Final = 1 << 20  # CONTRACT section 6: 1 MiB unless the plan says otherwise


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Of one endpoint, in seconds; `idle_s` 0 means that a silent session is never closed.

    `action` says what happens after a timeout: "next" tries the next URL, "refuse" answers the client at once.
    """

    connect_s: float = 5.0
    handshake_s: float = 10.0
    idle_s: float = 0.0
    action: str = "next"


@dataclass(frozen=True, slots=True)
class SuspensionPolicy:
    """When a failing URL is left alone, and for how long (reference section 5.1).

    Attributes:
        errors: the kinds that count, of the words in DIAL_ERRORS of `gateway.core.suspension`.
        initial_s: length of the first pause; 0 means that a URL is never suspended.
        max_s: no pause is longer than this.
        factor: each further pause is this many times longer.
        retries: failures that are forgiven before a pause.
        retry_delay_s: how long a URL is left alone after a forgiven failure.
    """

    errors: frozenset[str] = frozenset()
    initial_s: float = 30.0
    max_s: float = 300.0
    factor: float = 1.0
    retries: int = 0
    retry_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EndpointSnapshot:
    """Where a key type leads: `urls` are (url, weight) in the order they were configured.

    `extras` and `dynamic` are None for an endpoint that needs no more than its URLs.
    """

    urls: tuple[tuple[str, int], ...]
    strategy: str = "round_robin"
    timeouts: Timeouts = Timeouts()
    suspension: SuspensionPolicy = SuspensionPolicy()
    extras: Extras | None = None
    dynamic: Dynamic | None = None

    def leads_to(self, url: str) -> bool:
        """Whether a session on this URL is still one of this endpoint's."""
        targets = self.dynamic.targets if self.dynamic is not None else ()
        return any(url == one for one, _ in self.urls) or any(url == one for _, one in targets)


@dataclass(frozen=True, slots=True)
class TopicSnapshot:
    """One topic of an API: `/*`, `/notifications`, `/rooms/{roomID}`, `/rooms/*` (shape: apis.shapes_topics).

    Attributes:
        subscribe, publish: may clients receive, may they send.
        scopes: what a token needs to connect at all; `subscribe_scopes` and `publish_scopes` what a direction needs.
        url_mapping: the upstream's path and query below the endpoint's own; "" appends what the client asked for.
        security: "oauth", or "none" for a topic open to anybody.
        api_plan: limits for all of its sessions together.
    """

    name: str
    subscribe: bool = True
    publish: bool = True
    scopes: frozenset[str] = frozenset()
    subscribe_scopes: frozenset[str] = frozenset()
    publish_scopes: frozenset[str] = frozenset()
    url_mapping: str = ""
    security: TopicSecurity = "oauth"
    api_plan: ApiPlanSnapshot | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an API asks of every session (shape: apis.shapes.runtime_limits).

    Attributes:
        max_message_bytes, max_session_s: None leaves it to the plan, or else to the gateway's default.
        idle_s, keepalive_s: 0 for never and for no pings of the gateway's own.
        slow_consumer_s: how long a side may take nothing while data waits for it.
        max_sessions, max_sessions_per_application, max_sessions_per_ip: at once, at this API.
    """

    max_message_bytes: int | None = None
    max_session_s: int | None = None
    idle_s: float = 0
    keepalive_s: float = 0
    slow_consumer_s: float = 60
    max_sessions: int | None = None
    max_sessions_per_application: int | None = None
    max_sessions_per_ip: int | None = None

    def message_bytes(self, plan: PlanSnapshot) -> int:
        """The largest message: the smaller of the API's and the plan's, or the default where neither has one."""
        return smaller(self.max_message_bytes, plan.max_message_bytes) or LARGEST_MESSAGE_BYTES

    def session_s(self, plan: PlanSnapshot) -> int | None:
        """The longest session: the shorter of the API's and the plan's, or None."""
        return smaller(self.max_session_s, plan.max_session_s)


@dataclass(frozen=True, slots=True)
class Security:
    """Who may come in with what (shape: apis.shapes_security.security).

    Attributes:
        schemes: of "oauth" and "api_key".
        key_managers: names of those whose tokens count; empty for every one that is enabled.
        query_credentials: whether `?access_token=` and `?apikey=` are looked at.
        origins: exact values of Origin; empty for any.
        backend_jwt: whether the backend gets `X-JWT-Assertion`.
        inspect_payload: whether the frame inspector may show payloads; `mask`: JSON pointers it hides then.
    """

    schemes: frozenset[str] = frozenset({"oauth"})
    key_managers: frozenset[str] = frozenset()
    query_credentials: bool = False
    origins: frozenset[str] = frozenset()
    backend_jwt: bool = False
    inspect_payload: bool = False
    mask: tuple[str, ...] = ()


def smaller(one: int | None, other: int | None) -> int | None:
    """The smaller of two limits, where None is none."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


@dataclass(frozen=True, slots=True)
class ApiSnapshot:
    """A deployed API as its deployed revision designed it; `state` is the lifecycle's word of this moment.

    Attributes:
        default_path: where it answers without a version in the path, if it is the default version, else "".
        closed_paths: below that, where versions of this and of other APIs have their paths: where one of them is not
            deployed nobody answers, the default version neither.
        vhost: the virtual host on which it is served (`RoutingTable.hosts`); "" for the environment's own.
    """

    api_id: str
    name: str
    context: str
    version: str
    path: str
    state: str
    topics: tuple[TopicSnapshot, ...]
    endpoints: dict[str, EndpointSnapshot] = field(hash=False)
    revision: int = 0
    runtime: Runtime = Runtime()
    security: Security = Security()
    default_path: str = ""
    closed_paths: tuple[str, ...] = ()
    urls: frozenset[str] = frozenset()
    api_plan: ApiPlanSnapshot | None = None
    vhost: str = ""
    runtimes: dict[str, Runtime] = field(default_factory=dict, init=False, repr=False, compare=False)  # by key type

    def runtime_for(self, key_type: str) -> Runtime:
        """The runtime limits of a session, with the endpoint's own idle time in them."""
        known = self.runtimes.get(key_type)
        if known is None:
            endpoint = self.endpoints.get(key_type)
            times = [one for one in (self.runtime.idle_s, endpoint.timeouts.idle_s if endpoint else 0) if one]
            idle_s = min(times, default=0)
            known = self.runtime if idle_s == self.runtime.idle_s else replace(self.runtime, idle_s=idle_s)
            self.runtimes[key_type] = known
        return known


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One subscription seen from the gateway: which application may use which API, under which plans.

    Attributes:
        subscription_id: what its sessions are counted under together; not that of a row for the other kinds.
        kind: "subscription", or what lets somebody in without one: FREE (the API offers a plan that needs none),
            ANONYMOUS (a topic without security, by address), TEST_KEY.
    """

    subscription_id: str
    api_id: str
    application_id: str
    application_name: str
    owner_id: str
    state: str = "unblocked"  # unblocked | blocked | production_blocked
    owner_active: bool = True
    business_plan: PlanSnapshot = UNLIMITED
    application_plan: PlanSnapshot = UNLIMITED
    kind: str = "subscription"
    levels: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # gateway.core.levels

    @property
    def billed_to(self) -> str:
        """The subscription whose usage it is, or "" where there is none."""
        return self.subscription_id if self.kind == "subscription" else ""

    def blocked_for(self, key_type: str) -> bool:
        """Whether a credential of this key type is refused."""
        return (
            not self.owner_active
            or self.state == "blocked"
            or (self.state == "production_blocked" and key_type == "production")
        )


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is connecting: the application a credential belongs to, and the person behind it.

    Attributes:
        kind: how it was shown: "oauth" for an OAuth 2.0 access token, "api_key", TEST_KEY, ANONYMOUS.
        token_key: the SHA-256 of the credential in hex; the credential itself is never kept.
        token_id: primary key of the token's row, as text.
        end_user: id of the person the token was issued for; the application's owner where there was none.
        expires_at: epoch seconds, None for a credential that does not expire.
        api_id: the only API it opens, or "".
        restrictions: from where it may be used, or None for anywhere.
        claims: of a JWT access token; empty for every other kind.
        key_manager: the name of who issued the token; only_named where only APIs that name it take it.
        resources: the URLs of the APIs that an access token is for (RFC 8707); empty for any.
        in_query: whether this session showed it in the query, which its API may cease to allow.
    """

    kind: str
    token_key: str = field(repr=False)
    token_id: str = ""
    application_id: str = ""
    key_type: str = "production"
    end_user: str = ""
    scopes: frozenset[str] = frozenset()
    expires_at: float | None = None
    api_id: str = ""
    restrictions: Restrictions | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    key_manager: str = RESIDENT
    only_named: bool = False
    resources: frozenset[str] = frozenset()
    in_query: bool = False

    def alive(self, now: float) -> bool:
        """Whether the credential has not expired at `now` (epoch seconds)."""
        return self.expires_at is None or now < self.expires_at
