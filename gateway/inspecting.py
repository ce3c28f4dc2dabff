"""The frame inspector for people: who may look at the frames of a session, for how long; each look is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now

from apis.errors import Forbidden, Missing
from apis.models import Api
from apis.permissions import Actor, can_see_api
from apis.roles import Capability
from apis.selectors import deployments_of
from apis.services.record import announce, record
from apis.shapes_security import security_of
from gateway import conf
from gateway.live import YOUNG_S, session_find
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
        session: as it is now; None where it is over.
    """

    session_id: str
    running: bool
    payload: bool
    ends_at: datetime | None
    frames: list[SeenFrame]
    last: int
    session: LiveSession | None = None


def may_inspect(actor: Actor, api: Api | None) -> bool:
    """A publisher who sees the API, or an administrator; a developer sees their own sessions, but not the frames."""
    if actor.can(Capability.ADMINISTER):
        return True
    return actor.can(Capability.MANAGE_SUBSCRIPTIONS) and api is not None and can_see_api(actor, api)


def glimpse(
    actor: Actor, session_id: str, since: int | None, *, newest: int = 0, api: Api | None = None
) -> Glimpse:  # fmt: skip
    """Look at the frames of a session.

    Args:
        since: number of the last frame that was seen; None begins to look, which the history records.
        newest: for a page: only so many, the newest first, whatever was seen before.
        api: on whose page somebody looks; a session of another API is not there.

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
    if api is None:
        api = Api.objects.filter(pk=session.api_id).first()
    elif api.pk != session.api_id:
        raise Missing("There is no such live session of this API.")
    if not may_inspect(actor, api):
        raise Forbidden("The frames of a session are for the publishers of its API and for administrators.")
    payload = payload_allowed(api)
    unrecorded = since is None if running is None else payload and not running.with_payload
    if unrecorded:
        running = _begin(actor, session, api, payload)
    elif running is not None and _is_ending(running):
        _go_on(running)
    frames = _frames(session_id, since, newest, payload)
    ends_at = running.ends_at if running else None
    return Glimpse(session_id, running is not None, payload, ends_at, frames, _last(since, frames), session)


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


@transaction.atomic
def _go_on(running: Inspection) -> None:
    Inspection.objects.filter(pk=running.pk).update(until=Least(Now() + LOOK, F("ends_at")))
    announce("watch", running.process_id)


def payload_allowed(api: Api | None) -> bool:
    """Whether the owner of the API that is deployed allows payloads to be seen."""
    deployments = deployments_of(api) if api is not None else []
    here = [row for row in deployments if row.environment.name == conf.get("ENVIRONMENT")]
    return any(bool(security_of(row.design)["inspect_payload"]) for row in (here or deployments)[:1])


@transaction.atomic
def _begin(actor: Actor, session: LiveSession, api: Api | None, payload: bool) -> Inspection:
    now = session.read_at  # type: ignore[attr-defined]  # by the clock of the database, as it ends
    started = Inspection.objects.create(
        session_id=session.pk,
        process_id=session.process_id,
        person=actor.person,
        started_at=now,
        until=now + LOOK,
        ends_at=now + LONGEST,
        with_payload=payload,
    )
    record(
        actor,
        "inspect_session",
        f"session {session.pk}",
        api=api,
        payload=payload,
        application=session.application_name,
        client=session.client,
    )
    announce("watch", session.process_id)
    return started
