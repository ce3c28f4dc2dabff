"""Filters of lists. They only narrow rows that a selector let through; who may see what is decided there."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import F, Q, QuerySet

from apis.models import Api, ApiCategory, ApiDocument, Application, Person, Subscription

WORDS_LIMIT: Final = 8  # of a search; each is a condition
TEXT_LIMIT: Final = 100  # characters of a search; SQLite refuses LIKE patterns of 50,000 bytes
# Where a word is looked for; before a colon, the name of the place narrows it ("tag:chat"), as in the reference.
_PLACES: Final[dict[str, tuple[str, ...]]] = {
    "name": ("version_set__name__icontains", "display_name__icontains"),
    "context": ("version_set__context__icontains",),
    "version": ("version__icontains",),
    "description": ("description__icontains",),
    "provider": ("provider__username__icontains",),
    "tag": ("tags__names_contain",),
}
_SAME: Final = {
    "tags": "tag",
    "api-category": "category",
    "properties": "property",
    "doc": "document",
    "documents": "document",
}
PREFIXES: Final = (*_PLACES, "category", "property", "document")
_WORD: Final = re.compile(r'(?:([A-Za-z-]+):)?(?:"([^"]*)"|(\S+))')


def apis_matching(
    rows: QuerySet[Api], *, search: str = "", state: str = "", tag: str = "", category: str = "", whole: Q | None = None
) -> QuerySet[Api]:
    """Those of `rows` in `state`, with exactly this tag and category, in which every word of `search` occurs.

    Args:
        search: words, or "several of them"; before each, the place may be named: one of PREFIXES and a colon.
        whole: where to look into every property; elsewhere those that the developer portal shows are found.
    """
    if state:
        rows = rows.filter(state=state)
    if tag:
        rows = rows.filter(tags__names_any=[tag])
    if category:
        rows = rows.filter(categories__name=category)
    for place, word in words_of(search):
        rows = rows.filter(_somewhere(place, word, whole))
    return rows


def words_of(search: str) -> list[tuple[str, str]]:
    """What a search asks for: (place, or "" for any; word), at most WORDS_LIMIT of them."""
    found: list[tuple[str, str]] = []
    for match in _WORD.finditer(search.replace("\x00", "")[:TEXT_LIMIT]):
        prefix, quoted, plain = match.groups()
        word = plain if quoted is None else quoted
        place = _SAME.get((prefix or "").lower(), (prefix or "").lower())
        if prefix and place not in PREFIXES:
            place, word = "", f"{prefix}:{word}"
        if word:
            found.append((place, word))
    return found[:WORDS_LIMIT]


def _somewhere(place: str, word: str, whole: Q | None) -> Q:
    conditions: list[Q] = []
    for name in [place] if place else PREFIXES:
        if name == "category":
            conditions.append(Q(categories__in=ApiCategory.objects.filter(name__icontains=word)))
        elif name == "property":
            conditions.append(Q(properties__shown_contain=word))
            conditions += [] if whole is None else [Q(whole, properties__items_contain=word)]
        elif name == "document":
            conditions += _in_documents(word, whole, deep=bool(place))
        else:
            conditions += [Q(**{lookup: word}) for lookup in _PLACES[name]]
    # By key: a join with the categories would give an API once for each of them.
    return Q(pk__in=Api.objects.filter(reduce(or_, conditions)).order_by().values("pk"))


def _in_documents(word: str, whole: Q | None, *, deep: bool) -> list[Q]:
    """In documents that their reader finds: name and summary, and the text where documents are asked for by name."""
    fields = ("name", "summary", "content", "file_name") if deep else ("name", "summary")
    found = ApiDocument.objects.filter(reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields)))
    public = Q(pk__in=found.filter(visibility=ApiDocument.Visibility.API).order_by().values("api"))
    return [public] if whole is None else [public, Q(whole, pk__in=found.order_by().values("api"))]


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
    last = True if "used" in sort else None  # the others are never null
    return rows.order_by(column.desc(nulls_last=last) if falling else column.asc(nulls_last=last), "pk")
