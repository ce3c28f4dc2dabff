"""The lifecycle of an API."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from apis import checking, selectors
from apis.checking import asking
from apis.errors import Forbidden, ServiceError
from apis.lifecycle import (
    ACTION_LABELS,
    CHECK_ITEM_LABELS,
    LABELS,
    Action,
    CheckItem,
    State,
    Transition,
    actions_from,
    arrow,
)
from apis.models import Api, Approval
from apis.permissions import Actor
from apis.publisher import comparing
from apis.publisher.asking import effects, lines, question
from apis.publisher.diagram import drawn
from apis.publisher.pages import PortalRequest, Question, api_page, ask, go, is_confirmed, show
from apis.saying import said
from apis.seeing import seen_in
from apis.selectors_approvals import rejection_of, step_in_words, step_waiting
from apis.services import approving, publishing
from apis.stories import story
from apis.words import phrase

MOVES_SHOWN: Final = 50


@api_page
def lifecycle(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """The states with the present one marked, what is required, the buttons, and who moved it when."""
    refusal = None
    if request.method == "POST" and request.POST.get("withdraw"):
        return _withdraw(request, actor, api)
    if request.method == "POST":
        action = request.POST.get("action", "")
        step = arrow(State(api.state), Action(action)) if action in set(Action) else None
        if step and not is_confirmed(request) and (asked := _asked(request, actor, api, step)):
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
            messages.success(request, said(told(moved)))
            return go(request, "overview" if request.POST.get("back") == "overview" else "lifecycle", api.pk)
    return show(request, api, "lifecycle", _facts(request, actor, api), refusal=refusal)


def _asked(request: PortalRequest, actor: Actor, api: Api, step: Transition) -> Question | None:
    more = comparing.warnings_of(step, comparing.with_version_before(request, actor, api))
    return question(api, step, checking.checks_of(api, actor), more=more)


def told(api: Api) -> str:
    """What came of a step, in words."""
    return step_in_words(api) or phrase("{api} is {labels}.", api=api, labels=LABELS[State(api.state)].lower())


def _withdraw(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Take the step back that waits for an administrator."""
    waiting = step_waiting(api)
    if waiting is None:
        messages.info(request, said("Nothing waits any more."))
    else:
        approving.approval_withdraw(actor=actor, approval=waiting)
        messages.success(request, said("The request is taken back."))
    return go(request, "lifecycle", api.pk)


def _checklist(request: HttpRequest) -> dict[str, bool]:
    return {item.value: True for item in CheckItem if request.POST.get(item.value)}


def _facts(request: PortalRequest, actor: Actor, api: Api) -> dict[str, Any]:
    waiting = step_waiting(api)
    checks = checking.checks_of(api, actor)
    previous = comparing.with_version_before(request, actor, api)
    steps = checking.transitions_of(actor, api, checks)
    clients = cache(lambda: asking.clients_of(api))
    # Only a transition keeps check items in its entry, ticked or not.
    moves = list(selectors.history_of(api).filter(detail__has_key="checklist")[:MOVES_SHOWN])
    been = frozenset(State(move.detail["before"]) for move in moves if move.detail.get("before") in set(State))
    rejected = None if waiting else rejection_of(api, Approval.Kind.TRANSITION, (move.at for move in moves))
    return {
        "previous": previous,
        "diagram": drawn(State(api.state), been),
        "states": [
            (state, LABELS[state], effects(state), [(ACTION_LABELS[s.action], LABELS[s.target]) for s in _out(state)])
            for state in State
        ],
        "checks": lines(checks) if any(step.requires for step, _, _ in steps) else [],
        "steps": [
            (
                step,
                ACTION_LABELS[step.action],
                LABELS[step.target],
                ready,
                missing,
                question(api, step, checks, clients, comparing.warnings_of(step, previous)),
            )
            for step, ready, missing in steps
        ],
        "check_items": list(CHECK_ITEM_LABELS.items()),
        "moves": [story(move) for move in moves],
        "endpoints": [row.key_type for row in api.endpoints.all()],
        "waiting": waiting,
        "waiting_for": ACTION_LABELS[Action(waiting.wanted["action"])] if waiting else "",
        "rejected": rejected,
        "rejected_for": ACTION_LABELS[Action(rejected.wanted["action"])] if rejected else "",
        "may_withdraw": waiting is not None and waiting.asked_by_id == actor.person.pk,
    }


def _out(state: State) -> list[Transition]:
    return [step for step in actions_from(state) if step.target != state]
