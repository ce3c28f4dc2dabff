"""The lifecycle of an API and the history of everything done to it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis import checking, selectors
from apis.errors import Forbidden, ServiceError
from apis.lifecycle import (
    ACTION_LABELS,
    CHECK_ITEM_LABELS,
    LABELS,
    SERVED,
    SUBSCRIBABLE,
    VISIBLE_TO_DEVELOPERS,
    Action,
    CheckItem,
    Requirement,
    State,
    Transition,
    actions_from,
    arrow,
)
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.editing import seen_in
from apis.publisher.pages import PortalRequest, Question, api_page, ask, go, is_confirmed, paged, show
from apis.publisher.stories import story
from apis.services import publishing

# What a requirement is called, and the page where it is met.
REQUIREMENTS: Final[dict[Requirement, tuple[str, str]]] = {
    Requirement.ENDPOINT: ("Endpoint provided", "endpoints"),
    Requirement.BUSINESS_PLANS: ("Business plan(s) selected", "plans"),
}


def _effects(state: State) -> str:
    """What a state means for developers and for the gateway, read off the sets of apis.lifecycle."""
    if state == State.RETIRED:
        return "Taken off the gateway for good."
    shown = "in the developer portal" if state in VISIBLE_TO_DEVELOPERS else "not in the developer portal"
    taken = "takes new subscriptions" if state in SUBSCRIBABLE else "takes no new subscriptions"
    served = "serves its subscribers" if state in SERVED else "lets nobody connect"
    return f"{shown.capitalize()}, {taken}, {served}."


def _hurt(state: State, step: Transition) -> str:
    """What a transition takes away, as the difference of what its two states mean."""
    lost = []
    if state in SERVED and step.target not in SERVED:
        lost.append("Clients that are connected are cut off within a second, and nobody can connect.")
    if state in VISIBLE_TO_DEVELOPERS and step.target not in VISIBLE_TO_DEVELOPERS:
        lost.append("It disappears from the developer portal.")
    elif state in SUBSCRIBABLE and step.target not in SUBSCRIBABLE:
        lost.append("No new subscriptions are taken.")
    if not any(_leads_to(step.target, back) for back in SUBSCRIBABLE):
        lost.append("This cannot be undone.")
    return " ".join(lost) or f"Developers see that it is {LABELS[step.target].lower()}."


def _leads_to(start: State, goal: State) -> bool:
    """Whether some way of transitions leads from one state to another."""
    reached, new = {start}, [start]
    while new:
        targets = {step.target for state in new for step in actions_from(state)} - reached
        reached |= targets
        new = list(targets)
    return goal in reached


def question(api: Api, step: Transition) -> Question | None:
    """What is asked before a transition that takes something away."""
    if not step.hurts:
        return None
    label = ACTION_LABELS[step.action]
    return Question(f"{label}: {api}?", _hurt(State(api.state), step), label)


@api_page
def lifecycle(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """The states with the present one marked, what is required, the buttons, and who moved it when."""
    refusal = None
    if request.method == "POST":
        action = request.POST.get("action", "")
        step = arrow(State(api.state), Action(action)) if action in set(Action) else None
        if step and (asked := question(api, step)) and not is_confirmed(request):
            return ask(request, api, asked, current="lifecycle")
        try:
            moved = publishing.api_transition(
                actor=actor, api=api, action=action, checklist=_checklist(request), seen=seen_in(request)
            )
        except Forbidden:
            raise
        except ServiceError as error:
            refusal = error
            api = selectors.api_get(actor, api.pk)
        else:
            messages.success(request, f"{moved} is {LABELS[State(moved.state)].lower()}.")
            return go(request, "overview" if request.POST.get("back") == "overview" else "lifecycle", api.pk)
    return show(request, api, "lifecycle", _facts(request, actor, api), refusal=refusal)


def _checklist(request: HttpRequest) -> dict[str, bool]:
    return {item.value: True for item in CheckItem if request.POST.get(item.value)}


def _facts(request: HttpRequest, actor: Actor, api: Api) -> dict[str, Any]:
    steps = checking.transitions_of(actor, api)
    required = [item for item in Requirement if any(item in step.requires for step, _, _ in steps)]
    lacking = {name for _, _, missing in steps for name in missing}
    # Only a transition keeps check items in its entry, ticked or not.
    moves = selectors.history_of(api).filter(detail__has_key="checklist")
    return {
        "states": [
            (state, LABELS[state], _effects(state), [(ACTION_LABELS[s.action], LABELS[s.target]) for s in _out(state)])
            for state in State
        ],
        "requirements": [(*REQUIREMENTS[item], item.value not in lacking) for item in required],
        "steps": [
            (step, ACTION_LABELS[step.action], LABELS[step.target], ready, missing, question(api, step))
            for step, ready, missing in steps
        ],
        "check_items": list(CHECK_ITEM_LABELS.items()),
        "moves": [story(entry) for entry in moves[:50]],
    }


def _out(state: State) -> list[Transition]:
    return [step for step in actions_from(state) if step.target != state]


@api_page
def history(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Everything that was done to the API: who, when, before and after."""
    rows = paged(request, selectors.history_of(api))
    return show(request, api, "history", {"rows": rows, "stories": [story(entry) for entry in rows]})
