"""The subscriptions of an API with what they use: a page of them, and all of them as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from django.db.models import Q, QuerySet
from django.utils import timezone

from apis import searching, selectors
from apis.models import Api, Subscription
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors_approvals import REQUESTS
from apis.words import phrase
from gateway.batches import chunks
from gateway.exporting import csv_rows
from gateway.steps import DAY
from gateway.sums import added_up, marks, pieces

FIELDS: Final = (
    "id", "api", "version", "application", "owner", "email", "plan", "pending_plan", "state", "since", "last_used",
    "events_this_month",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One subscription on a page.

    Attributes:
        events: messages of this month (UTC), both ways together.
        mail: a `mailto:` address to its owner, or "" where there is none on file or it is not yours to know.
    """

    row: Subscription
    events: int
    mail: str


def subscribers(
    actor: Actor, api: Api, *, search: str = "", state: str = "", plan: str = "", sort: str = ""
) -> QuerySet[Subscription]:
    """The subscriptions of an API that this person may see, with what lines need of each."""
    rows = selectors.subscriptions_visible(actor).filter(api=api).prefetch_related(REQUESTS)
    return searching.subscriptions_matching(rows, search=search, state=state, plan=plan, sort=sort)


def plans_in_use(actor: Actor, api: Api) -> list[str]:
    """The names of the plans that subscriptions of an API have."""
    rows = selectors.subscriptions_visible(actor).filter(api=api).order_by("business_plan__name")
    return list(rows.values_list("business_plan__name", flat=True).distinct())


def lines_of(actor: Actor, api: Api, rows: Iterable[Subscription]) -> list[Line]:
    """Rows with their usage: one more query for a page of them."""
    page = list(rows)
    events = events_of(page, _month())
    told = actor.can(Capability.MANAGE_SUBSCRIPTIONS)
    return [Line(row, events.get(str(row.pk), 0), mail_to(api, row) if told else "") for row in page]


def _month() -> datetime:
    return timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def events_of(rows: Iterable[Subscription], since: datetime) -> dict[str, int]:
    """Messages since a moment, by the id of the subscription; who had none is left out."""
    found: dict[str, int] = {}
    parts = pieces(marks(), since, timezone.now() + DAY)
    to = {str(row.pk): row.api_id for row in rows}
    for ids in chunks(to):
        which = Q(api_id__in={to[key] for key in ids}, subscription_id__in=ids)  # the APIs are named for their index
        sums = added_up(which, parts, by=["subscription_id"], names=("events_in", "events_out"))
        found.update((str(row["subscription_id"]), row["events_in"] + row["events_out"]) for row in sums)
    return found


def mail_to(api: Api, row: Subscription) -> str:
    """A `mailto:` address with a subject (RFC 6068), or "" without an address on file."""
    address = row.application.owner.email
    if not address:
        return ""
    subject = phrase("{application}: your subscription to {api}", application=row.application.name, api=api)
    return f"mailto:{quote(address, safe='@')}?subject={quote(subject, safe='')}"


def csv_of(actor: Actor, rows: QuerySet[Subscription]) -> Iterator[str]:
    """Every row as a line of CSV, a header first; addresses only for who manages subscriptions."""
    told = actor.can(Capability.MANAGE_SUBSCRIPTIONS)
    found = list(rows)
    events = events_of(found, _month())
    yield from csv_rows(FIELDS, ([
        str(row.pk), row.api.name, row.api.version, row.application.name, row.application.owner.username,
        row.application.owner.email if told else "", row.business_plan.name,
        row.pending_plan.name if row.pending_plan else "", row.state, row.created_at.isoformat(),
        row.last_used_at.isoformat() if row.last_used_at else "", events.get(str(row.pk), 0),
    ] for row in found))  # fmt: skip
