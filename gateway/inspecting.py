"""The frame inspector for people: who may look at the frames of a session, for how long; each look is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now

from apis.errors import Forbidden, Missing
from apis.models import Api, Deployment
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.record import announce, record
from apis.shapes_security import security_of
from gateway import conf
from gateway.live import YOUNG_S, session_find, sessions_visible
from gateway.models import Inspection, LiveSession, SeenFrame

LONGEST: Final = timedelta(minutes=10)
LOOK: Final = timedelta(seconds=12)  # without another question
RENEW: Final = timedelta(seconds=6)
ROWS: Final = 500  # frames in one answer


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Frames of a session since somebody looked last.

    Attributes:
        running: whether more will come; False when the session or the time is over.
        payload: whether payloads are shown.
        ends_at: when the inspection ends by itself.
        last: the number of the last frame, for the next question.
    """

    session_id: str
    running: bool
    payload: bool
    ends_at: datetime | None
    frames: list[SeenFrame]
    last: int


def may_inspect(actor: Actor, session: LiveSession) -> bool:
    """A publisher who sees the API, or an administrator; a developer sees their own sessions, but not the frames."""
    if actor.can(Capability.ADMINISTER):
        return True
    return actor.can(Capability.MANAGE_SUBSCRIPTIONS) and sessions_visible(actor).filter(pk=session.pk).exists()


def glimpse(actor: Actor, session_id: str, since: int | None, *, newest: int = 0) -> Glimpse:
    """Look at the frames of a session.

    Args:
        since: number of the last frame that was seen; None begins to look, which the history records.
        newest: for a page: only so many, the newest first, whatever was seen before.

    Raises: Missing; Forbidden for those who may see the session, but not its frames.
    """
    mine = Inspection.objects.filter(session_id=session_id, person=actor.person, ends_at__gt=Now(), until__gt=Now())
    running = mine.order_by("-pk").first()
    try:
        session = session_find(actor, session_id, patience_s=YOUNG_S if running is None and since is None else 0.0)
    except Missing:
        if running is None:
            raise
        # It ended while this person looked: what was caught last is still theirs to see.
        frames = _frames(session_id, since, newest, running.with_payload)
        return Glimpse(session_id, False, running.with_payload, None, frames, _last(since, frames))
    if not may_inspect(actor, session):
        raise Forbidden("The frames of a session are for the publishers of its API and for administrators.")
    payload = payload_allowed(session)
    unrecorded = since is None if running is None else payload and not running.with_payload
    if unrecorded:
        running = _begin(actor, session, payload)
    elif running is not None and _is_ending(running):
        with transaction.atomic():
            mine.filter(pk=running.pk).update(until=Least(Now() + LOOK, F("ends_at")))
            announce("watch", session.process_id)
    frames = _frames(session_id, since, newest, payload)
    ends_at = running.ends_at if running else None
    return Glimpse(session_id, running is not None, payload, ends_at, frames, _last(since, frames))


def _frames(session_id: str, since: int | None, newest: int, payload: bool) -> list[SeenFrame]:
    rows = SeenFrame.objects.filter(session_id=session_id, number__gt=since or 0)
    frames = list(rows.order_by("-number")[:newest] if newest else rows.order_by("number")[:ROWS])
    if not payload:
        for frame in frames:
            frame.payload = None
    return frames


def _last(since: int | None, frames: list[SeenFrame]) -> int:
    return max([since or 0, *(frame.number for frame in frames)])


def _is_ending(running: Inspection) -> bool:
    rows = Inspection.objects.filter(pk=running.pk, until__lt=F("ends_at"))
    return rows.filter(until__lt=Now() + RENEW).exists()


def payload_allowed(session: LiveSession) -> bool:
    """Whether the owner of the API that is deployed allows payloads to be seen."""
    rows = Deployment.objects.filter(api_id=session.api_id, environment__name=conf.get("ENVIRONMENT"))
    deployment = rows.first() or Deployment.objects.filter(api_id=session.api_id).first()
    return deployment is not None and bool(security_of(deployment.design)["inspect_payload"])


@transaction.atomic
def _begin(actor: Actor, session: LiveSession, payload: bool) -> Inspection:
    started = Inspection.objects.create(
        session_id=session.pk,
        process_id=session.process_id,
        person=actor.person,
        started_at=Now(),
        until=Now() + LOOK,
        ends_at=Now() + LONGEST,
        with_payload=payload,
    )
    record(
        actor,
        "inspect_session",
        f"session {session.pk}",
        api=Api.objects.filter(pk=session.api_id).first(),
        payload=payload,
        application=session.application_name,
        client=session.client,
    )
    announce("watch", session.process_id)
    started.refresh_from_db()
    return started
