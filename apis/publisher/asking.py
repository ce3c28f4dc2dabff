"""What a state means to people, what a transition gives and takes, and what is asked before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apis import checking
from apis.checking import Check, asking
from apis.lifecycle import (
    ACTION_LABELS,
    LABELS,
    SERVED,
    SUBSCRIBABLE,
    VISIBLE_TO_DEVELOPERS,
    State,
    Transition,
    actions_from,
)
from apis.models import Api
from apis.publisher.pages import ADDRESSES, Question
from apis.publisher.pages import LABELS as LABELS_OF_PAGES
from apis.words import phrase


@dataclass(frozen=True, slots=True)
class Line:
    """A finding on a page: `address` is the URL name of the page where it is mended, `label` what that is called."""

    level: str
    code: str
    text: str
    address: str
    label: str


def lines(checks: Sequence[Check]) -> list[Line]:
    """Findings with the pages where they are mended; one that has no page in this portal stands without a link."""
    return [
        Line(one.level, one.code, one.text, ADDRESSES.get(one.page, ""), LABELS_OF_PAGES.get(one.page, ""))
        for one in checks
    ]


def effects(state: State) -> list[str]:
    """What a state means for developers and for the gateway, read off the sets of apis.lifecycle."""
    if state == State.RETIRED:
        return ["Taken off the gateway for good."]
    return [
        "In the developer portal." if state in VISIBLE_TO_DEVELOPERS else "Not in the developer portal.",
        "Takes new subscriptions." if state in SUBSCRIBABLE else "Takes no new subscriptions.",
        "Serves its subscribers." if state in SERVED else "Lets nobody connect.",
    ]


def losses(step: Transition) -> list[str]:
    """What a transition takes away, as the difference of what its two states mean."""
    lost = []
    if step.source in SERVED and step.target not in SERVED:
        lost.append("Clients that are connected are cut off within a second, and nobody can connect.")
    if step.source in VISIBLE_TO_DEVELOPERS and step.target not in VISIBLE_TO_DEVELOPERS:
        lost.append("It disappears from the developer portal.")
    elif step.source in SUBSCRIBABLE and step.target not in SUBSCRIBABLE:
        lost.append("No new subscriptions are taken.")
    if not any(_leads_to(step.target, back) for back in SUBSCRIBABLE):
        lost.append("This cannot be undone.")
    return lost or [phrase("Developers see that it is {labels}.", labels=LABELS[step.target].lower())]


def _leads_to(start: State, goal: State) -> bool:
    """Whether some way of transitions leads from one state to another."""
    reached, new = {start}, [start]
    while new:
        targets = {step.target for state in new for step in actions_from(state)} - reached
        reached |= targets
        new = list(targets)
    return goal in reached


def question(
    api: Api,
    step: Transition,
    checks: Sequence[Check],
    clients: Callable[[], int | None] | None = None,
    more: Sequence[str] = (),
) -> Question | None:
    """What is asked before a transition: what it takes away, or what is worth a look before an API is on offer.

    Nothing, where it would be refused anyway.

    Args:
        clients: how many are connected, where that is known already.
        more: what else is worth a look.
    """
    label = ACTION_LABELS[step.action]
    if checking.obstacles_of(api, step, list(checks)):
        return None
    if step.hurts:
        count = clients() if clients else asking.clients_of(api)
        return Question(f"{label}: {api}?", connected(count), label, tuple(losses(step)))
    found = [*checking.warnings_of(step, list(checks)), *_first_deployment(step, checks)]
    texts = [*(one.text for one in found), *more]
    if not texts:
        return None
    text = "This is worth a look before developers find it."
    return Question(f"{label}: {api}?", text, label, tuple(texts), hurts=False)


def _first_deployment(step: Transition, checks: Sequence[Check]) -> list[Check]:
    return [one for one in checks if step.requires and one.code == "not_deployed"]


def connected(count: int | None) -> str:
    """How many clients are there to be affected, where that is known."""
    if count is None:
        return ""
    if count == 1:
        return "One client is connected now."
    return phrase("{count:,} clients are connected now.", count=count) if count else "Nobody is connected now."
