"""What is found about who comes in: key managers, pages of browsers, scopes, and topics that ask nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from apis.checking.endpoints import is_inside, urls_of
from apis.checking.facts import Facts
from apis.checking.found import Found
from apis.checking.found import found as say
from apis.shapes_topics import scopes_named

NAMES_SHOWN: Final = 5


def found(facts: Facts) -> Iterator[Found]:
    """What opens nothing, what opens too much, and what is for nobody."""
    yield from _credentials(facts)
    for topic in facts.topics:
        yield from _topic(facts, topic)
    if parted := [topic["name"] for topic in facts.topics if not _is_whole(topic)]:
        yield say("topic_one_way_compression", topics=_listed(parted))
    yield from _open_topics(facts)


def _credentials(facts: Facts) -> Iterator[Found]:
    security = facts.security
    everybody_comes_in = len(facts.open_topics) == len(facts.topics)
    if "oauth" not in security["schemes"] or everybody_comes_in or facts.is_opened_by_tokens:
        yield say("key_managers_work")
    elif "api_key" in security["schemes"]:
        yield say("key_managers_off_keys_left")
    else:
        yield say("key_managers_off")
    if security["query_credentials"] and not security["origins"]:
        yield say("query_any_origin")


def _topic(facts: Facts, topic: dict[str, Any]) -> Iterator[Found]:
    name = topic["name"]
    if topic["api_plan"] and topic["api_plan"] not in facts.api_plans:
        yield say("topic_plan_missing", topic=name, plan=topic["api_plan"])
    for scope in sorted(scopes_named([topic])):
        row = facts.scopes.get(scope)
        if row is None:
            yield say("topic_scope_missing", topic=name, scope=scope)
        elif row.roles and not set(row.roles) & facts.roles:
            yield say("topic_scope_for_nobody", topic=name, scope=scope)
    receiving, sending = topic["subscribe_scopes"], topic["publish_scopes"]
    if (receiving and not topic["subscribe"]) or (sending and not topic["publish"]):
        yield say("topic_direction_closed", topic=name)


def _is_whole(topic: dict[str, Any]) -> bool:
    """Whether nobody's messages are ever left out in one direction."""
    both = topic["subscribe"] and topic["publish"]
    return both and set(topic["subscribe_scopes"]) == set(topic["publish_scopes"])


def _listed(names: list[str]) -> str:
    """The first names, and that there are more."""
    return ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")


def _open_topics(facts: Facts) -> Iterator[Found]:
    if not facts.open_topics:
        return
    names = _listed(facts.open_topics)
    plan = facts.free_plan
    config = facts.endpoints.get("production") or next(iter(facts.endpoints.values()), None)
    inside = next((url for url in urls_of(config) if is_inside(url)), "") if config else ""
    if plan is not None and not plan.limits and not plan.burst:
        yield say("open_topic_unlimited", topics=names, plan=plan.name)
    if facts.api.visible_roles:
        yield say("open_topic_roles", topics=names, roles=", ".join(facts.api.visible_roles))
    if inside:
        yield say("open_topic_private", topics=names, url=inside)
    if not facts.security["origins"]:
        yield say("open_topic_any_origin", topics=names)
