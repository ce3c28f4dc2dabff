"""Under which limits a session counts: subscription, application, API, topic and custom plans, in this order.

Every level is a counter of its own, found by its subject; the tightest of them wins, because a message is paid for at
each. Source: CONTRACT section 7, section 6 of the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.assertions import choices
from gateway.core.conditions import Asked
from gateway.core.denying import place_of
from gateway.core.plans import ApiPlanSnapshot, CustomPlanSnapshot, Group
from gateway.core.snapshot import ApiSnapshot, Entitlement, Principal, TopicSnapshot
from gateway.core.throttling import Limit

SUBSCRIPTION: Final = "subscription"
APPLICATION: Final = "application"
API: Final = "api"
TOPIC: Final = "topic"
CUSTOM: Final = "custom"

END_USERS: Final = 256  # of one entitlement whose levels are remembered
NOTHING_ASKED: Final = Asked()


@dataclass(frozen=True, slots=True)
class Level:
    """Limits that count under one subject.

    Attributes:
        subject: whose counter it is: the word of the level, then what tells its counters apart.
        limits: at least one.
        prefix: of the limits' names in RateLimit fields, e.g. "application-".
        plan: the name of the plan, for a refusal.
    """

    subject: tuple[str, ...]
    limits: tuple[Limit, ...]
    prefix: str = ""
    plan: str = ""


Levels = tuple[Level, ...]


def levels_of(
    entitlement: Entitlement,
    principal: Principal,
    api: ApiSnapshot,
    topic: TopicSnapshot,
    custom: tuple[CustomPlanSnapshot, ...] = (),
    *,
    asked: Asked = NOTHING_ASKED,
) -> Levels:
    """The levels of a session; none at all means unlimited.

    Where neither the API nor its topic has a plan and there is no custom one, those of an entitlement are remembered.

    Args:
        custom: those that are switched on.
        asked: what the handshake shows; of a live session what it has kept of that.
    """
    own = plan_levels(entitlement, principal.end_user)
    if not custom and api.api_plan is None and topic.api_plan is None:
        return own
    found = [*own]
    claims = choices(api, principal, entitlement) if _asks_claims(api.api_plan, topic.api_plan) else {}
    places: tuple[tuple[ApiPlanSnapshot | None, tuple[str, ...]], ...] = (
        (api.api_plan, (API, api.api_id)),
        (topic.api_plan, (TOPIC, api.api_id, topic.name)),
    )
    for plan, subject in places:
        if plan is not None:
            group = group_of(plan, asked, claims)
            limits, name = (plan.limits, "") if group is None else (group.limits, group.name)
            if limits:
                found.append(Level((*subject, name), limits, f"{subject[0]}-", plan.name))
    if custom:
        facts = _facts(entitlement, principal, api, topic, asked.client)
        for one in custom:
            whose = (CUSTOM, one.plan_id, *[facts[name] for name in one.key])
            found.append(Level(whose, one.limits, f"{CUSTOM}-{one.name}-", one.name))
    return tuple(found)


def plan_levels(entitlement: Entitlement, end_user: str) -> Levels:
    """The levels of the business plan and of the application plan."""
    known = entitlement.levels
    levels: Levels | None = known.get(end_user)
    if levels is None:
        business, application = entitlement.business_plan, entitlement.application_plan
        both = (
            Level((SUBSCRIPTION, entitlement.subscription_id), business.enforced(), "", business.name),
            Level(
                (APPLICATION, entitlement.application_id, end_user),
                application.enforced(),
                f"{APPLICATION}-",
                application.name,
            ),
        )
        levels = tuple([level for level in both if level.limits])
        if len(known) >= END_USERS:
            known.clear()
        known[end_user] = levels
    return levels


def group_of(plan: ApiPlanSnapshot, asked: Asked, claims: Mapping[str, Any]) -> Group | None:
    """The first group whose conditions all hold, or None where the plan's own limits count."""
    for group in plan.groups:
        if all(one.holds(asked, claims) for one in group.conditions):
            return group
    return None


def kept_of(api: ApiSnapshot, topic: TopicSnapshot, asked: Asked) -> Asked:
    """What a session keeps of its handshake to be judged again; where no plan has conditions, nothing."""
    plans = [plan for plan in (api.api_plan, topic.api_plan) if plan is not None and plan.groups]
    if not plans:
        return NOTHING_ASKED
    return asked.kept([one for plan in plans for group in plan.groups for one in group.conditions])


def _asks_claims(*plans: ApiPlanSnapshot | None) -> bool:
    groups = [group for plan in plans if plan is not None for group in plan.groups]
    return any(one.kind == "claim" for group in groups for one in group.conditions)


def _facts(
    entitlement: Entitlement, principal: Principal, api: ApiSnapshot, topic: TopicSnapshot, client: str
) -> dict[str, str]:
    """The values of what keys may name; an API's is its name, so that its versions count together unless named."""
    return {
        "user": principal.end_user,
        "application": entitlement.application_id,
        "api": api.name,
        "version": api.version,
        "topic": topic.name,
        "ip": place_of(client),
        "subscription": entitlement.subscription_id,
        "key_type": principal.key_type,
    }
