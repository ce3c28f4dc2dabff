"""The Analytics pages: of an API in the publisher portal, of an application in the developer portal; and their CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from apis import selectors
from apis.cells import harmless
from apis.devportal.base import member, own_page
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, api_page, show
from apis.saying import said
from gateway.analytics import LONGEST, Analytics, Period, Subject, analytics, changed, period
from gateway.charting import chart_names
from gateway.core.records import TALLY_FIELDS
from gateway.core.rejections import CLOSE_CODES
from gateway.session_days import SUMS

SPANS: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(hours=24),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
CUSTOM: Final = "custom"
TABLES: Final = ("time", "parts", "plans", "closes")
_NAMES: Final = {row.code: row for row in CLOSE_CODES}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: a name of SPANS or CUSTOM, the days as typed, and the period that this is."""

    name: str
    first: str
    last: str
    span: Period
    problem: bool = False

    @property
    def query(self) -> str:
        """The same as a query string."""
        days = {"from": self.first, "to": self.last} if self.name == CUSTOM else {}
        return urlencode({"period": self.name, **days})


def _asked(request: HttpRequest) -> Asked:
    """Whatever the address says, some period is shown."""
    now = timezone.now().astimezone(UTC)
    upcoming = now.replace(second=0, microsecond=0) + timedelta(minutes=1)  # the present minute counts
    name = request.GET.get("period", "day")
    if name != CUSTOM:
        name = name if name in SPANS else "day"
        return Asked(name, "", "", period(upcoming - SPANS[name], upcoming))
    first, last = _day(request.GET.get("from", "")), _day(request.GET.get("to", ""))
    is_right = first is not None and last is not None and first <= last and last - first <= LONGEST
    if first is None or last is None or not is_right:
        span = period(upcoming - SPANS["week"], upcoming)
        first, last = span.start.date(), now.date()
        return Asked(CUSTOM, first.isoformat(), last.isoformat(), span, problem="from" in request.GET)
    start = datetime.combine(first, time(), UTC)
    end = min(datetime.combine(last, time(), UTC) + timedelta(days=1), max(upcoming, start))
    return Asked(CUSTOM, first.isoformat(), last.isoformat(), period(start, end))


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1971 <= found.year < 9998 else None


@require_safe
@api_page
def analytics_of_api(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """What an API was used for, by whom, and how its sessions went."""
    asked = _asked(request)
    found = analytics("api", api.pk, asked.span)
    if "table" in request.GET:
        return _csv(found, request.GET["table"], "api")
    return show(request, api, "analytics", _facts(asked, found, "api"))


@require_safe
@own_page
def analytics_of_application(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """The same of an application, for its owner."""
    application = selectors.application_get(member(request), application_id)
    asked = _asked(request)
    found = analytics("application", application.pk, asked.span)
    if "table" in request.GET:
        return _csv(found, request.GET["table"], "application")
    context = {"application": application, **_facts(asked, found, "application")}
    return render(request, "devportal/analytics.html", context)


def _facts(asked: Asked, found: Analytics, which: Subject) -> dict[str, Any]:
    """What `gateway/_analytics.html` needs."""
    total, before = found.total, found.before
    chart = {
        "step": asked.span.step,
        "starts": [row["start"].isoformat() for row in found.rows],
        "columns": {name: [row[name] for row in found.rows] for name in TALLY_FIELDS},
    }
    lengths = {
        "labels": [said(label) for label, _ in found.lengths.buckets],
        "columns": {"ended": [count for _, count in found.lengths.buckets]},
    }
    all_closes = sum(close.sessions for close in found.closes)
    return {
        "asked": asked,
        "found": found,
        "which": which,
        "changes": {name: changed(total[name], before[name]) for name in TALLY_FIELDS},
        "chart": chart,
        "lengths_chart": lengths,
        "names": chart_names(),
        "busy_rows": list(_busy(found.rows)),
        "closes": [(close, _NAMES.get(close.code or 0), close.sessions * 100 / all_closes) for close in found.closes],
        "length": {
            name: length_words(getattr(found.lengths, name)) for name in ("average", "median", "p95", "longest")
        },
    }


def _busy(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[datetime, list[str]]]:
    """The steps in which anything happened, with their numbers as the language of the page has them: many on a page."""
    mark = str(get_format("THOUSAND_SEPARATOR"))
    for row in rows:
        counts = [row[name] for name in TALLY_FIELDS]
        if any(counts):
            yield row["start"], [f"{count:,}".replace(",", mark) for count in counts]


def length_words(ms: int | None) -> str:
    """A time as a person says it: 0.35 s, 46 s, 42 min 23 s, 4 h 46 min; "" for none."""
    if ms is None:
        return ""
    if ms < 10_000:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _csv(found: Analytics, table: str, which: Subject) -> HttpResponse:
    """One table as CSV (RFC 4180); a name that is none is the one by time."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8; header=present")
    table = table if table in TABLES else TABLES[0]
    answer["Content-Disposition"] = f'attachment; filename="analytics-{table}.csv"'
    csv.writer(answer).writerows([[harmless(cell) for cell in row] for row in _rows(found, table, which)])
    return answer


def _rows(found: Analytics, table: str, which: Subject) -> Iterable[list[Any]]:
    if table == "parts":
        yield ["id", "application" if which == "api" else "api", "note", *TALLY_FIELDS]
        for part in found.parts:
            yield [part.id or "", part.name, part.note, *[part.counts[name] for name in TALLY_FIELDS]]
    elif table == "plans":
        yield ["plan", *SUMS]
        for part in found.plans:
            yield [part.name, *[part.counts[name] for name in SUMS]]
    elif table == "closes":
        yield ["code", "initiator", "sessions"]
        for close in found.closes:
            yield ["" if close.code is None else close.code, close.initiator, close.sessions]
    else:
        yield ["start", *TALLY_FIELDS]
        for row in found.rows:
            yield [row["start"].isoformat(), *[row[name] for name in TALLY_FIELDS]]
