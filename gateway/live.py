"""Live sessions for people: who may see which, looking at them, and closing them (CONTRACT section 4, /sessions).

What is seen comes from the directory, whichever process carries a session; what is done goes out as a command.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apis import selectors
from apis.errors import Invalid, Missing
from apis.models import Api, Application, Person
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.record import announce, record
from apis.shapes import KEY_TYPES
from apis.words import phrase
from gateway import commands
from gateway.core.rejections import REASON_LIMIT, close_reason
from gateway.core.selection import Selection
from gateway.directory import DEAD_S
from gateway.models import LiveSession

NORMAL: Final = 1000
POLICY: Final = 1008
PLAIN_CODES: Final = (NORMAL, POLICY, 1012)  # and everything from 3000 to 4999
WATCH_S: Final = 12.0  # counters are refreshed so long after somebody looked
RENEW_S: Final = 6.0  # a watch that lasts longer than this is not announced again
STALE_S: Final = 2.5  # counters that are older are not shown without waiting for new ones
WAIT_S: Final = 1.2
YOUNG_S: Final = 1.5  # a session is in the directory after so long at most
FILTERS: Final = ("api", "application", "person", "client", "key_type")
FACT_LIMIT: Final = 255
_TOO_LONG: Final = phrase("This should be at most {most} characters.", most=FACT_LIMIT)
_CODES_WORDS: Final = "1000, 1008, 1012 or a code from 3000 to 4999"


# -- seeing -------------------------------------------------------------------------------------------------------


def sessions_visible(actor: Actor) -> QuerySet[LiveSession]:
    """Sessions of processes that are alive: an administrator's all, a publisher's of APIs, a subscriber's own."""
    alive = LiveSession.objects.filter(process__seen_at__gt=Now() - timedelta(seconds=DEAD_S))
    return alive if actor.can(Capability.ADMINISTER) else alive.filter(_mine(actor))


def _mine(actor: Actor) -> Q:
    found = Q(pk__in=())
    if actor.can(Capability.MANAGE_SUBSCRIPTIONS):
        found |= Q(api_id__in=selectors.apis_visible(actor).order_by().values("pk"))
    if actor.can(Capability.USE_APPLICATIONS):
        found |= Q(application_id__in=selectors.own_applications(actor).order_by().values("pk"))
    return found


def session_find(actor: Actor, session_id: str, *, patience_s: float = 0.0) -> LiveSession:
    """One session that this person may see; it carries `read_at`, when that was by the clock of the database.

    Args:
        patience_s: one that began just now may not be in the directory yet.

    Raises: Missing.
    """
    found = patiently(sessions_visible(actor).annotate(read_at=Now()), session_id, patience_s)
    if found is None:
        raise Missing("There is no such live session.")
    return found


def patiently(rows: QuerySet[LiveSession], session_id: str, patience_s: float) -> LiveSession | None:
    """A row that may come about within `patience_s`."""
    end = time.monotonic() + patience_s
    while True:
        found = rows.filter(pk=session_id).first()
        if found is not None or time.monotonic() >= end:
            return found
        time.sleep(0.1)


def narrowed(rows: QuerySet[LiveSession], wanted: dict[str, Any]) -> QuerySet[LiveSession]:
    """Only those with these facts (FILTERS); what is empty asks nothing."""
    columns = {"api": "api_id", "application": "application_id"}
    return rows.filter(**{columns.get(name, name): value for name, value in wanted.items() if value})


def fresh(rows: Sequence[LiveSession]) -> list[LiveSession]:
    """These rows with counters of now; from here on, and as long as they are asked for, they are refreshed.

    The first look waits a moment for the processes that carry them; all others find them fresh.
    """
    _watch(rows)
    keys = [row.pk for row in rows]
    end = time.monotonic() + WAIT_S
    while True:
        found = {row.pk: row for row in LiveSession.objects.filter(pk__in=keys)}
        edge = timezone.now() - timedelta(seconds=STALE_S)
        stale = any(row.counted_at is None or row.counted_at < edge for row in found.values())
        if not stale or time.monotonic() >= end:
            return [found.get(row.pk, row) for row in rows]
        time.sleep(0.05)


def _watch(rows: Iterable[LiveSession]) -> None:
    now = timezone.now()
    soon = now + timedelta(seconds=RENEW_S)
    ending = [row for row in rows if row.watched_until is None or row.watched_until < soon]
    if ending:
        with transaction.atomic():
            until = Now() + timedelta(seconds=WATCH_S)
            LiveSession.objects.filter(pk__in=[row.pk for row in ending]).update(watched_until=until)
            for process_id in {row.process_id for row in ending}:
                announce("watch", process_id)


def names_of(rows: Iterable[LiveSession]) -> dict[str, str]:
    """User names of the people behind these sessions, by id; people of external key managers have no row here."""
    keys = set()
    for row in rows:
        try:
            keys.add(UUID(row.person))
        except ValueError:
            continue
    return {str(key): name for key, name in Person.objects.filter(pk__in=keys).values_list("pk", "username")}


# -- closing ------------------------------------------------------------------------------------------------------


def check_close(code: Any, reason: Any) -> None:
    """Raises: Invalid for a code that may not be sent from here, or a reason that fits no close frame."""
    problems = {}
    if isinstance(code, bool) or not isinstance(code, int) or not (code in PLAIN_CODES or 3000 <= code <= 4999):
        problems["code"] = phrase("This should be {codes_words}.", codes_words=_CODES_WORDS)
    if not isinstance(reason, str):
        problems["reason"] = "This should be a text."
    elif len(reason.encode("utf-8", "surrogatepass")) > REASON_LIMIT:
        problems["reason"] = phrase("This should be at most {most} bytes of UTF-8.", most=REASON_LIMIT)
    elif any("\ud800" <= char <= "\udfff" or char == "\x00" for char in reason):
        problems["reason"] = "This should be text without NUL and lone surrogates."
    if problems:
        raise Invalid(problems)


def _reason(reason: str) -> str:
    return reason or close_reason("closed_by_operator")


@transaction.atomic
def session_close(*, actor: Actor, session: LiveSession, code: int = POLICY, reason: str = "") -> None:
    """Close one session within a second, wherever it is. The history says who did it.

    Raises: Missing, Invalid.
    """
    check_close(code, reason)
    if not sessions_visible(actor).filter(pk=session.pk).exists():
        raise Missing("There is no such live session.")
    _command(Selection(session=session.pk), code, reason)
    api = Api.objects.filter(pk=session.api_id).first()
    record(actor, "close_session", f"session {session.pk}", api=api, code=code, reason=reason, **_who(session))


def _who(session: LiveSession) -> dict[str, Any]:
    return {"application": session.application_name, "client": session.client, "upstream": session.upstream}


@transaction.atomic
def sessions_close(*, actor: Actor, code: int = POLICY, reason: str = "", **wanted: Any) -> int:
    """Close every session with these facts (FILTERS; at least one) that this person may close, within a second.

    Returns: how many there were in the directory; those that began just now are closed, too.

    Raises: Invalid.
    """
    check_close(code, reason)
    facts = {name: str(value) for name, value in wanted.items() if value}
    if not facts:
        raise Invalid({"api": phrase("Say which sessions: by one or more of {filters}.", filters=", ".join(FILTERS))})
    if facts.get("key_type", KEY_TYPES[0]) not in KEY_TYPES:
        raise Invalid({"key_type": phrase("This should be one of: {known}.", known=", ".join(KEY_TYPES))})
    if problems := {name: _TOO_LONG for name, value in facts.items() if len(value) > FACT_LIMIT}:
        raise Invalid(problems)
    actor.require(Capability.MANAGE_SUBSCRIPTIONS, Capability.USE_APPLICATIONS, Capability.ADMINISTER)
    which = Selection.from_json({**facts, **_bounds(actor)})
    count = narrowed(sessions_visible(actor), facts).count()
    _command(which, code, reason)
    api = Api.objects.filter(pk=facts["api"]).first() if "api" in facts else None
    subject = f"{count} session{'s' * (count != 1)}"
    record(actor, "close_sessions", subject, api=api, code=code, reason=reason, which=facts, sessions=count)
    return count


def _bounds(actor: Actor) -> dict[str, frozenset[str]]:
    """What this person may touch, for a command."""
    if actor.can(Capability.ADMINISTER):
        return {}
    apis: Iterable[Any] = ()
    applications: Iterable[Any] = ()
    if actor.can(Capability.MANAGE_SUBSCRIPTIONS):
        apis = selectors.apis_visible(actor).order_by().values_list("pk", flat=True)
    if actor.can(Capability.USE_APPLICATIONS):
        applications = Application.objects.filter(owner=actor.person).values_list("pk", flat=True)
    return {"apis": frozenset(map(str, apis)), "applications": frozenset(map(str, applications))}


def _command(which: Selection, code: int, reason: str) -> None:
    body = {"code": code, "reason": _reason(reason), "which": which.as_json(), "before": time.time()}
    announce("command", commands.give("close", body))
