"""Everything a check may find: how grave it is, where it is mended, and the sentence that says it.

Codes are stable: clients of the REST API go by them. `{names}` in a sentence are filled in by the rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """ERROR keeps an API from being published, WARNING is asked about, HINT is said, DONE is as it should be."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding.

    Attributes:
        page: URL name in the publisher portal where it is mended.
        field: what it is about, as REST names it.
    """

    level: Level
    page: str
    field: str
    text: str


E, W, H, D = Level.ERROR, Level.WARNING, Level.HINT, Level.DONE
RULES: Final[dict[str, Rule]] = {
    # Where it leads
    "endpoint_given": Rule(D, "endpoints", "endpoint", "An endpoint is given."),
    "endpoint_missing": Rule(E, "endpoints", "endpoint", "There is no endpoint, so there is nothing to connect to."),
    "endpoint_refused": Rule(
        E, "endpoints", "endpoint", "{url} may not be dialled from here. An operator can allow it with {variable}."
    ),
    "endpoint_secret_unreadable": Rule(
        E, "endpoints", "endpoint", "The secrets of the {key_type} endpoint cannot be read any more. Enter them again."
    ),
    "production_missing": Rule(
        W, "endpoints", "endpoint", "There is no production endpoint: whoever comes with production keys is refused."
    ),
    "sandbox_missing": Rule(
        W, "endpoints", "endpoint", "There is no sandbox endpoint: whoever comes with sandbox keys is refused."
    ),
    "endpoint_plain": Rule(
        W, "endpoints", "endpoint", "{url} is on another machine and is not encrypted: ws:// instead of wss://."
    ),
    "endpoint_secret_plain": Rule(
        W, "endpoints", "endpoint", "{url} is not encrypted, and the credentials of the gateway travel to it in clear."
    ),
    "endpoint_certificate_unused": Rule(
        W, "endpoints", "endpoint", "{url} is not wss://, so the client certificate is never shown to it."
    ),
    "endpoint_unverified": Rule(
        W, "endpoints", "endpoint",
        "The certificate of the {key_type} endpoint is not verified: anybody could be there.",
    ),
    "endpoint_claim_unknown": Rule(
        W, "endpoints", "endpoint",
        "The {key_type} endpoint chooses by the claim {claim}, which no credential has here.",
    ),
    "upstream_unreachable": Rule(
        W, "endpoints", "endpoint", "The gateway cannot reach {url} just now: {problem}"
    ),
    # Who may use it, and how much
    "business_plans_given": Rule(D, "plans", "business_plans", "A business plan is chosen."),
    "business_plans_missing": Rule(
        E, "plans", "business_plans", "No business plan is chosen, so nobody could subscribe."
    ),
    "plan_unlimited": Rule(W, "plans", "business_plans", "The plan {plan} has no limits."),
    "plan_never_stops": Rule(
        W, "plans", "business_plans", "The plan {plan} is free and goes on beyond its limits: it limits nothing."
    ),
    "plan_for_nobody": Rule(
        W, "plans", "business_plans", "The plan {plan} is for roles that nobody has, so nobody can choose it."
    ),
    "plan_message_size": Rule(
        W, "plans", "business_plans",
        "The plan {plan} promises messages of {promised} bytes; this API takes only {allowed}.",
    ),
    "plan_session_length": Rule(
        W, "plans", "business_plans",
        "The plan {plan} promises connections of {promised} seconds; this API ends them after {allowed}.",
    ),
    "plan_sessions": Rule(
        W, "plans", "business_plans",
        "The plan {plan} promises {promised} connections at once; this API allows an application only {allowed}.",
    ),
    "plan_time_not_held": Rule(
        W, "plans", "business_plans",
        "The plan {plan} limits connection time, which can be neither held back nor dropped: when it is spent, "
        "connections are closed all the same.",
    ),
    "plan_drops_compression": Rule(
        H, "plans", "business_plans",
        "The plan {plan} drops messages, so connections under it are not compressed from end to end.",
    ),
    "api_plan_claim_unknown": Rule(
        W, "runtime", "api_plan", "The API plan {plan} asks for the claim {claim}, which no credential has here."
    ),
    "limit_never_reached": Rule(
        W, "runtime", "runtime", "One application may have {own} connections, but all of them together only {all}."
    ),
    "runtime_silence": Rule(
        W, "runtime", "runtime",
        "A connection is closed after {idle} seconds of silence, before it is ever pinged (after {ping} seconds).",
    ),
    # How it is protected
    "key_managers_work": Rule(D, "security", "security", "Credentials are accepted from somebody who issues them."),
    "key_managers_off": Rule(
        E, "security", "security", "All key managers that this API accepts are switched off: no token opens it."
    ),
    "key_managers_off_keys_left": Rule(
        W, "security", "security", "All key managers that this API accepts are switched off: only API keys open it."
    ),
    "query_any_origin": Rule(
        W, "security", "security",
        "Credentials may stand in the address, and pages from anywhere may connect: an address that leaks is enough.",
    ),
    # Topics
    "topic_plan_missing": Rule(
        E, "topics", "topics", "The topic {topic} counts under the API plan {plan}, which does not exist."
    ),
    "topic_scope_missing": Rule(
        E, "topics", "topics", "The topic {topic} asks for the scope {scope}, which does not exist."
    ),
    "topic_scope_for_nobody": Rule(
        W, "scopes", "scopes", "The topic {topic} asks for the scope {scope}, which is for roles that nobody has."
    ),
    "topic_direction_closed": Rule(
        H, "topics", "topics", "The topic {topic} names scopes for a direction that is closed to everybody."
    ),
    "topic_one_way_compression": Rule(
        H, "topics", "topics",
        "Connections to these topics may not be compressed, because they are not open in both directions to everybody: "
        "{topics}.",
    ),
    "open_topic_unlimited": Rule(
        W, "plans", "business_plans",
        "These topics are open to anybody, under the plan {plan}, which has no limits: {topics}.",
    ),
    "open_topic_roles": Rule(
        W, "topics", "topics",
        "Only people with the roles {roles} see this API, and these topics are open to anybody who knows them: "
        "{topics}.",
    ),
    "open_topic_private": Rule(
        W, "topics", "topics",
        "These topics are open to anybody and lead into your own network, to {url}: {topics}.",
    ),
    "open_topic_any_origin": Rule(
        W, "security", "security",
        "These topics are open to anybody, and pages from anywhere may connect, with the cookies that browsers have "
        "for the gateway: {topics}.",
    ),
    # What is served
    "deployed": Rule(D, "deployments", "deployments", "What you see is deployed."),
    "not_deployed": Rule(H, "deployments", "deployments", "Nothing is deployed. Publishing deploys a first revision."),
    "environment_missing": Rule(
        E, "deployments", "deployments", "There is no gateway environment {name}. An administrator can make one."
    ),
    "revision_without_endpoint": Rule(
        E, "deployments", "deployments", "{revision} would be deployed and has no endpoint. Make a new revision first."
    ),
    "revision_differs": Rule(
        W, "deployments", "deployments",
        "{revision} would be deployed, which is not what you see. It differs in: {parts}.",
    ),
    "design_differs": Rule(
        W, "deployments", "deployments", "{revision} is deployed, which is not what you see. It differs in: {parts}."
    ),
    # What people find
    "visible_to_nobody": Rule(
        W, "info", "visible_roles", "The developer portal shows it only to roles that nobody has."
    ),
    "description_missing": Rule(H, "info", "description", "There is no description: developers see only its name."),
    "description_given": Rule(D, "info", "description", "It has a description."),
    "documents_missing": Rule(H, "documents", "documents", "There is no document that helps a developer to begin."),
    "default_elsewhere": Rule(
        H, "info", "is_default_version", "Version {version} answers where the path names no version."
    ),
}  # fmt: skip
