"""What is in the way of an API, or worth a word, before it is published: every problem by name, with where to mend it.

One list for everybody: the overview, the lifecycle page, `transitions` and `/checks` of REST, the administration.
`gateway` adds what only it can know (`asking`), so that this room needs no socket. Source: CONTRACT section 4
(`missing`), section 3.2 of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from apis.checking import asking, endpoints, plans, protection, serving
from apis.checking.facts import Facts
from apis.checking.found import Check, Found
from apis.checking.words import Level
from apis.lifecycle import State, Transition, actions_from
from apis.models import Api
from apis.permissions import Actor
from apis.roles import Capability

__all__ = ["Check", "Facts", "Level", "checks_of", "missing_for", "obstacles_of", "transitions_of", "warnings_of"]

_RULES: Final = (endpoints.found, plans.found, protection.found, serving.found)
_ORDER: Final = list(Level)
_SALE: Final = frozenset({"business_plans"})  # what only matters once somebody may subscribe
_STEPS: Final = ("endpoint", "business_plans")  # fields that the contract names first


def checks_of(
    api: Api, actor: Actor | None = None, *, everywhere: bool = True, look: bool = False, facts: Facts | None = None
) -> list[Check]:
    """Everything that is found about an API, the gravest first.

    Args:
        actor: who looks; what they may not see of other things is not named. None: the product itself.
        everywhere: False leaves out what needs the data plane, which never stops anything.
        look: also look just now whether upstreams can be reached, which takes seconds (`asking.looked`).
        facts: about the API, for somebody who shows them, too.
    """
    facts = facts or Facts(api)
    found: Iterator[Found] = chain.from_iterable(rule(facts) for rule in _RULES)
    told = asking.asked(api) if everywhere or look else []
    if everywhere:
        found = chain(found, told)
    if look:
        found = chain(found, asking.looked(api, told))
    checks = list(dict.fromkeys(one.check() for one in found))
    return sorted(checks, key=lambda check: _ORDER.index(check.level))


def obstacles_of(api: Api, arrow: Transition, checks: list[Check] | None = None) -> list[Check]:
    """The errors that keep an API from taking this arrow; none for an arrow that asks for nothing.

    Args:
        checks: those of the API, where they are known already.
    """
    if not arrow.requires:
        return []
    passed_over = frozenset() if "business_plans" in arrow.requires else _SALE
    found = checks_of(api, everywhere=False) if checks is None else checks
    return [one for one in found if one.level == Level.ERROR and one.field not in passed_over]


def missing_for(api: Api, arrow: Transition, checks: list[Check] | None = None) -> list[str]:
    """The fields that `obstacles_of` are about, each once, `endpoint` and `business_plans` first."""
    fields = dict.fromkeys(one.field for one in obstacles_of(api, arrow, checks))
    return [*(field for field in _STEPS if field in fields), *(field for field in fields if field not in _STEPS)]


def warnings_of(arrow: Transition, checks: list[Check]) -> list[Check]:
    """What a person is asked about before an arrow that puts an API on offer is taken."""
    if not arrow.requires:
        return []
    return [one for one in checks if one.level == Level.WARNING]


def transitions_of(
    actor: Actor, api: Api, checks: list[Check] | None = None
) -> list[tuple[Transition, bool, list[str]]]:
    """Every arrow out of the API's state: (arrow, may this actor take it now, names of what is missing)."""
    found = checks_of(api, everywhere=False) if checks is None else checks
    answers = []
    for arrow in actions_from(State(api.state)):
        missing = missing_for(api, arrow, found)
        answers.append((arrow, actor.can(Capability.PUBLISH_APIS) and not missing, missing))
    return answers
