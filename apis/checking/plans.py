"""What is found about who may use an API and how much: business plans, API plans, runtime limits."""

from __future__ import annotations

from collections.abc import Iterator

from apis.checking.endpoints import known_claims
from apis.checking.facts import Facts
from apis.checking.found import Found
from apis.checking.found import found as say
from apis.models import BusinessPlan
from apis.shapes_plans import permits


def found(facts: Facts) -> Iterator[Found]:
    """What a plan promises and this API does not keep, and what limits nothing."""
    yield say("business_plans_given" if facts.plans else "business_plans_missing")
    for plan in facts.plans:
        yield from _limits(plan)
        yield from _promises(facts, plan)
        rule = plan.permission
        if rule["mode"] == "allow" and not permits(rule, facts.roles):
            yield say("plan_for_nobody", plan=plan.name)
    yield from _conditions(facts)
    yield from _runtime(facts)


def _limits(plan: BusinessPlan) -> Iterator[Found]:
    if not plan.limits and not plan.burst:
        yield say("plan_unlimited", plan=plan.name)
    elif not plan.stop_on_quota and not plan.burst and plan.billing == BusinessPlan.Billing.FREE:
        yield say("plan_never_stops", plan=plan.name)
    if plan.on_spent != BusinessPlan.OnSpent.CLOSE and any(limit["kind"] == "seconds" for limit in plan.limits):
        yield say("plan_time_not_held", plan=plan.name)
    if plan.on_spent == BusinessPlan.OnSpent.DROP:
        yield say("plan_drops_compression", plan=plan.name)


def _promises(facts: Facts, plan: BusinessPlan) -> Iterator[Found]:
    runtime = facts.runtime
    sessions = [runtime[name] for name in ("max_sessions", "max_sessions_per_application") if runtime[name]]
    for code, promised, allowed in (
        ("plan_message_size", plan.max_message_bytes, runtime["max_message_bytes"]),
        ("plan_session_length", plan.max_session_s, runtime["max_session_s"]),
        ("plan_sessions", plan.max_sessions, min(sessions, default=None)),
    ):
        if promised and allowed and promised > allowed:
            yield say(code, plan=plan.name, promised=promised, allowed=allowed)


def _conditions(facts: Facts) -> Iterator[Found]:
    known = known_claims(facts)
    asked = [
        (plan.name, one["name"])
        for plan in facts.api_plans.values()
        for group in plan.groups
        for one in group["conditions"]
        if one["type"] == "claim" and one["name"] not in known
    ]
    if asked and not facts.has_claims:
        for plan, claim in asked:
            yield say("api_plan_claim_unknown", plan=plan, claim=claim)


def _runtime(facts: Facts) -> Iterator[Found]:
    runtime = facts.runtime
    own, every = runtime["max_sessions_per_application"], runtime["max_sessions"]
    if own and every and own > every:
        yield say("limit_never_reached", own=own, all=every)
    if runtime["idle_s"] and runtime["keepalive_s"] >= runtime["idle_s"]:
        yield say("runtime_silence", idle=runtime["idle_s"], ping=runtime["keepalive_s"])
