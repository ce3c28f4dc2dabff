"""The lifecycle of an API: one table, State x Action -> State.

Buttons, REST, admin, tests and the state diagram follow this table; nothing else knows a transition.
Source: the default lifecycle of WSO2 API Manager (LCManager), section 3 of the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    CREATED = "created"
    PRERELEASED = "prereleased"
    PUBLISHED = "published"
    BLOCKED = "blocked"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


class Action(StrEnum):
    PUBLISH = "publish"
    PRERELEASE = "prerelease"
    DEMOTE = "demote"
    BLOCK = "block"
    REPUBLISH = "republish"
    DEPRECATE = "deprecate"
    RETIRE = "retire"


class Requirement(StrEnum):
    """What a design must have before an action; each names the field of the API that is missing."""

    ENDPOINT = "endpoint"
    BUSINESS_PLANS = "business_plans"


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow of the lifecycle.

    Attributes:
        action: what a publisher does.
        source, target: the states before and after.
        requires: what must be there first, in the order it is reported.
        checklist: whether the check items (CheckItem) are offered.
        hurts: whether it takes something away that people may be using, so a screen asks first.
    """

    action: Action
    source: State
    target: State
    requires: tuple[Requirement, ...] = ()
    checklist: bool = False
    hurts: bool = False


_FOR_SALE: Final = (Requirement.ENDPOINT, Requirement.BUSINESS_PLANS)
_REACHABLE: Final = (Requirement.ENDPOINT,)

TRANSITIONS: Final[tuple[Transition, ...]] = (
    Transition(Action.PUBLISH, State.CREATED, State.PUBLISHED, _FOR_SALE, checklist=True),
    Transition(Action.PRERELEASE, State.CREATED, State.PRERELEASED, _REACHABLE),
    Transition(Action.PUBLISH, State.PRERELEASED, State.PUBLISHED, _FOR_SALE, checklist=True),
    Transition(Action.PRERELEASE, State.PRERELEASED, State.PRERELEASED, _REACHABLE),
    Transition(Action.DEMOTE, State.PRERELEASED, State.CREATED, hurts=True),
    Transition(Action.BLOCK, State.PUBLISHED, State.BLOCKED, hurts=True),
    Transition(Action.PRERELEASE, State.PUBLISHED, State.PRERELEASED, _REACHABLE, hurts=True),
    Transition(Action.DEMOTE, State.PUBLISHED, State.CREATED, hurts=True),
    Transition(Action.DEPRECATE, State.PUBLISHED, State.DEPRECATED, hurts=True),
    Transition(Action.PUBLISH, State.PUBLISHED, State.PUBLISHED, _FOR_SALE),
    Transition(Action.DEPRECATE, State.BLOCKED, State.DEPRECATED, hurts=True),
    Transition(Action.REPUBLISH, State.BLOCKED, State.PUBLISHED, _FOR_SALE),
    Transition(Action.RETIRE, State.DEPRECATED, State.RETIRED, hurts=True),
)

_BY_ARROW: Final = {(arrow.source, arrow.action): arrow for arrow in TRANSITIONS}

LABELS: Final[dict[State, str]] = {
    State.CREATED: "Created",
    State.PRERELEASED: "Pre-released",
    State.PUBLISHED: "Published",
    State.BLOCKED: "Blocked",
    State.DEPRECATED: "Deprecated",
    State.RETIRED: "Retired",
}

ACTION_LABELS: Final[dict[Action, str]] = {
    Action.PUBLISH: "Publish",
    Action.PRERELEASE: "Pre-release",
    Action.DEMOTE: "Demote to created",
    Action.BLOCK: "Block",
    Action.REPUBLISH: "Re-publish",
    Action.DEPRECATE: "Deprecate",
    Action.RETIRE: "Retire",
}


class CheckItem(StrEnum):
    """What a publisher may ask for together with `publish`."""

    DEPRECATE_OLD_VERSIONS = "deprecate_old_versions"
    REQUIRE_RESUBSCRIPTION = "require_resubscription"


CHECK_ITEM_LABELS: Final[dict[CheckItem, str]] = {
    CheckItem.DEPRECATE_OLD_VERSIONS: "Deprecate old versions after publishing the API",
    CheckItem.REQUIRE_RESUBSCRIPTION: "Require re-subscription when publishing the API",
}

# What a state means outside the publisher portal (section 3.3 of the reference).
VISIBLE_TO_DEVELOPERS: Final = frozenset({State.PRERELEASED, State.PUBLISHED, State.DEPRECATED})
SUBSCRIBABLE: Final = frozenset({State.PRERELEASED, State.PUBLISHED})
# Where a subscription opens the gateway. An API in CREATED may be deployed, but is nobody's yet.
SERVED: Final = frozenset({State.PRERELEASED, State.PUBLISHED, State.DEPRECATED})


def actions_from(state: State) -> tuple[Transition, ...]:
    """The arrows that leave `state`, in table order; none for RETIRED."""
    return tuple(arrow for arrow in TRANSITIONS if arrow.source == state)


def arrow(state: State, action: Action) -> Transition | None:
    """The arrow for `action` out of `state`, or None where it is not legal now."""
    return _BY_ARROW.get((state, action))
