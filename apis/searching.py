"""Filters of lists. They only narrow rows that a selector let through; who may see what is decided there."""

from __future__ import annotations

import json
from functools import reduce
from operator import or_
from typing import Final

from django.db import connection
from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex

from apis.models import Api, Application, Person, Subscription


def apis_matching(rows: QuerySet[Api], *, search: str = "", state: str = "", tag: str = "") -> QuerySet[Api]:
    """Those of `rows` in `state`, with exactly `tag`, and with `search` in a name, context, version or description."""
    if state:
        rows = rows.filter(state=state)
    if tag:
        rows = _tagged(rows, tag)
    if search:
        fields = ("version_set__name", "version_set__context", "display_name", "version", "description")
        rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": search}) for field in fields)))
    return rows


def _tagged(rows: QuerySet[Api], tag: str) -> QuerySet[Api]:
    if connection.features.supports_json_field_contains:
        return rows.filter(tags__contains=[tag])
    # SQLite keeps the list as JSON text; a tag holds no quotes, so its quoted form stands there only as a whole.
    return rows.annotate(tag_at=StrIndex(Cast("tags", TextField()), Value(json.dumps(tag)))).filter(tag_at__gt=0)


def applications_matching(rows: QuerySet[Application], search: str) -> QuerySet[Application]:
    """Those of `rows` with `search` in their name or description."""
    return rows.filter(Q(name__icontains=search) | Q(description__icontains=search)) if search else rows


def people_matching(rows: QuerySet[Person], search: str) -> QuerySet[Person]:
    """Those of `rows` with `search` in their user name or email address."""
    return rows.filter(Q(username__icontains=search) | Q(email__icontains=search)) if search else rows


# How a list of subscriptions may be sorted: word -> what it is ordered by; "-" before the word turns it round.
SUBSCRIPTION_ORDERS: Final[dict[str, str]] = {
    "application": "application__name",
    "owner": "application__owner__username",
    "plan": "business_plan__name",
    "state": "state",
    "created": "created_at",
    "used": "last_used_at",
}
SORTS: Final = tuple(sign + word for word in SUBSCRIPTION_ORDERS for sign in ("", "-"))


def subscriptions_matching(
    rows: QuerySet[Subscription], *, search: str = "", state: str = "", plan: str = "", sort: str = ""
) -> QuerySet[Subscription]:
    """Those of `rows` in `state`, under `plan`, and with `search` in the name of application, owner or API.

    Args:
        sort: one of SORTS, or "" for the newest first; what was never used comes last.
    """
    if state:
        rows = rows.filter(state=state)
    if plan:
        rows = rows.filter(business_plan__name=plan)
    if search:
        fields = ("application__name", "application__owner__username", "api__version_set__name")
        rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": search}) for field in fields)))
    column = F(SUBSCRIPTION_ORDERS[sort.removeprefix("-")] if sort else "created_at")
    falling = not sort or sort.startswith("-")
    return rows.order_by(column.desc(nulls_last=True) if falling else column.asc(nulls_last=True), "pk")
