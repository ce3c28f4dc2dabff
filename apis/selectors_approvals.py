"""Reads about what waits for an administrator: administrators see all of it, others what concerns them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from apis.errors import Missing
from apis.lifecycle import ACTION_LABELS, LABELS, Action, State
from apis.models import Api, Application, Approval
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors import apis_visible
from apis.words import phrase

# What `Subscription.latest_request` reads, for a whole list of subscriptions at once.
REQUESTS: Final = Prefetch(
    "approvals", Approval.objects.exclude(state=Approval.State.WITHDRAWN).select_related("business_plan")
)


def approvals_visible(actor: Actor) -> QuerySet[Approval]:
    """What somebody asked for, what is about their applications, and what is about APIs that they see; newest first."""
    rows = Approval.objects.select_related("api__version_set", "application__owner", "subscription", "business_plan")
    if actor.can(Capability.ADMINISTER):
        return rows
    mine = Q(asked_by=actor.person)
    if actor.can(Capability.USE_APPLICATIONS):
        mine |= Q(application__owner=actor.person)
    if actor.can(Capability.SEE_APIS):
        mine |= Q(api__in=apis_visible(actor).order_by().values("pk"))
    return rows.filter(mine)


def approval_get(actor: Actor, approval_id: UUID | str) -> Approval:
    """Raises: Missing."""
    approval = approvals_visible(actor).filter(pk=approval_id).first()
    if approval is None:
        raise Missing("There is no such request.")
    return approval


def waiting_count(actor: Actor) -> int:
    """How many requests wait for this administrator; 0 for everybody else."""
    if not actor.can(Capability.ADMINISTER):
        return 0
    return Approval.objects.filter(state=Approval.State.WAITING).count()


def step_requests() -> QuerySet[Approval]:
    """Steps of lifecycles that wait for an administrator: of an API, one at most."""
    return Approval.objects.filter(kind=Approval.Kind.TRANSITION, state=Approval.State.WAITING)


def step_waiting(api: Api) -> Approval | None:
    """The step of the lifecycle that waits for an administrator; an API of `selectors_pages` knows where none does."""
    return step_requests().filter(api=api).first() if getattr(api, "step_waits", True) else None


def step_in_words(api: Api) -> str:
    """What an API waits for, as a sentence, or ""."""
    waiting = step_waiting(api)
    if waiting is None:
        return ""
    label = ACTION_LABELS[Action(waiting.wanted["action"])]
    return phrase(
        "{label} waits for an administrator; until then {api} is {labels}.",
        label=label,
        api=api,
        labels=LABELS[State(api.state)].lower(),
    )


def deployment_waiting(api: Api) -> Approval | None:
    """The revision of an API that waits for an administrator before it is deployed."""
    return Approval.objects.filter(kind=Approval.Kind.DEPLOYMENT, state=Approval.State.WAITING, api=api).first()


def rejection_of(api: Api, kind: Approval.Kind, done: Iterable[datetime]) -> Approval | None:
    """The last request of a kind about an API (a step, a deployment) if an administrator said no to it.

    An API of `selectors_pages` knows where nothing ever was rejected.

    Args:
        done: when such things were done; one after the decision makes it old news.
    """
    if not getattr(api, "has_rejections", True):
        return None
    last = Approval.objects.filter(kind=kind, api=api).exclude(state=Approval.State.WITHDRAWN).first()
    if last is None or last.state != Approval.State.REJECTED or last.decided_at is None:
        return None
    return None if any(at > last.decided_at for at in done) else last


def key_requests(application: Application) -> dict[str, Approval]:
    """What was asked for last about the keys of an application, by key type; not what was taken back.

    An application of `selectors_pages` knows where nothing was.
    """
    if not getattr(application, "has_key_requests", True):
        return {}
    rows = requests_for_keys().filter(application=application).order_by("asked_at")
    return {row.wanted["key_type"]: row for row in rows}


def requests_for_keys() -> QuerySet[Approval]:
    """What was asked for about keys; not what was taken back."""
    return Approval.objects.filter(kind=Approval.Kind.KEYS).exclude(state=Approval.State.WITHDRAWN)


def places_in_words(approval: Approval) -> str:
    """Where a revision is to be deployed."""
    places = approval.wanted.get("environments", ())
    return ", ".join(place if isinstance(place, str) else str(place.get("name")) for place in places)


def application_request(application: Application) -> Approval | None:
    """What was decided, or is not yet, about a new application; None where nobody had to be asked."""
    return application.approvals.filter(kind=Approval.Kind.APPLICATION).first()
