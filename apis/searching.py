"""Filters of lists. They only narrow rows that a selector let through; who may see what is decided there."""

from __future__ import annotations

import json
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex

from apis.models import Api, Application, Person


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
