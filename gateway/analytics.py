"""Analytics of an API or an application: what went through, how long sessions last, how they end, and whose they are.

Everything is added up in the database, a question for each table of the page. Usage says what went through and what
was refused (`gateway.sums`, at most 2 s behind); usage records say how sessions went (`gateway.session_days`): they are
written when a session ends and every hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final, Literal
from uuid import UUID

from django.db.models import Q

from apis.models import Api, Application, Subscription
from apis.words import phrase
from gateway.core.records import TALLY_FIELDS
from gateway.session_days import SUMS, went
from gateway.steps import STEPS, StepOf
from gateway.sums import Marks, Piece, added_up, marks, pieces

Subject = Literal["api", "application"]

TOP: Final = 10
LONGEST: Final = timedelta(days=400)
_STEP_UNTIL: Final = (("minute", timedelta(hours=3)), ("hour", timedelta(days=8)), ("day", LONGEST))
BUCKETS: Final = (  # (label, below so many ms)
    (phrase("below 1 s"), 1_000), (phrase("1 to 10 s"), 10_000), (phrase("10 to 60 s"), 60_000),
    (phrase("1 to 10 min"), 600_000), (phrase("10 to 60 min"), 3_600_000), (phrase("1 to 6 h"), 21_600_000),
    (phrase("6 h and more"), None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` until before `end`, both UTC and whole minutes, in steps."""

    start: datetime
    end: datetime
    step: str

    @property
    def before(self) -> Period:
        """The period of the same length just before this one."""
        return Period(self.start - (self.end - self.start), self.start, self.step)

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def period(start: datetime, end: datetime, step: str = "") -> Period:
    """A period in steps that make a readable chart, unless a step is named."""
    start, end = (moment.astimezone(UTC).replace(second=0, microsecond=0) for moment in (start, end))
    length = end - start
    return Period(start, end, step or next(name for name, most in _STEP_UNTIL if length <= most or name == "day"))


def kept_step(span: Period, at: Marks) -> str:
    """The step of a period, or the next longer one whose rows are kept."""
    return next(step for step in STEPS if STEPS[step] >= STEPS[span.step] and span.start >= at.kept_from(step))


@dataclass(frozen=True, slots=True)
class Share:
    """What one application, subscription, API or plan has of the whole; `id` is None where nobody was known."""

    id: str | None
    name: str
    note: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Close:
    """How many sessions ended in one way."""

    code: int | None
    initiator: str
    sessions: int


@dataclass(slots=True)
class Lengths:
    """How long the sessions that ended in the period had lasted, in ms; None where none ended.

    Attributes:
        ended: how many.
        buckets: (label, sessions).
    """

    ended: int = 0
    average: int | None = None
    median: int | None = None
    p95: int | None = None
    longest: int | None = None
    buckets: list[tuple[str, int]] = field(default_factory=lambda: [(label, 0) for label, _ in BUCKETS])


@dataclass(frozen=True, slots=True)
class Analytics:
    """All of it.

    Attributes:
        rows: counters by step, `start` among them, without gaps; `total` of the period, `before` of the one before.
        connection_ms: connection time of what is recorded of the period.
        parts: by application and subscription, or by API; the largest first, TOP of them.
        plans: by business plan, from usage records.
    """

    period: Period
    rows: list[dict[str, Any]]
    total: dict[str, int]
    before: dict[str, int]
    lengths: Lengths
    connection_ms: int
    closes: list[Close]
    parts: list[Share]
    plans: list[Share]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened, neither in the period nor in the one before."""
        return not any(self.total.values()) and not any(self.before.values()) and not self.lengths.ended

    @property
    def sessions_at_a_time(self) -> float:
        """How many were connected on average."""
        return self.connection_ms / 1000 / self.period.seconds if self.period.seconds else 0.0


def analytics(which: Subject, key: UUID, span: Period) -> Analytics:
    """Whoever asks must be allowed to see the API, or the application. Seven queries, or eight."""
    column = f"{which}_id"
    whose, at = Q(**{column: key}), marks()
    span = replace(span, step=kept_step(span, at))
    here = pieces(at, span.start, span.end)
    rows, before = _series(whose, at, span)
    sessions = went(column, key, span.start, span.end)
    plans = _plans(sessions.plans)
    return Analytics(
        period=span,
        rows=rows,
        total={name: sum(row[name] for row in rows) for name in TALLY_FIELDS},
        before=before,
        lengths=_lengths(sessions.lengths, sessions.ms),
        connection_ms=sum(part.counts["connection_ms"] for part in plans),
        closes=_closes(sessions.closes),
        parts=_of_applications(whose, here) if which == "api" else _of_apis(whose, here),
        plans=plans,
    )


# What went through ------------------------------------------------------------------------------------------------


def _series(whose: Q, at: Marks, span: Period) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The rows of the period, and the sums of the one before, by one look at both."""
    here = pieces(at, span.start, span.end, span.step, label=1)
    found = added_up(whose, [*pieces(at, span.before.start, span.before.end), *here], by=["label"], step=span.step)
    known: dict[str, dict[str, int]] = {}
    before = dict.fromkeys(TALLY_FIELDS, 0)
    for row in found:
        start = row.pop("at")
        if row.pop("label"):
            known[start] = row
        else:
            before = {name: before[name] + row[name] for name in TALLY_FIELDS}
    length = STEPS[span.step].total_seconds()
    first, last = int(span.start.timestamp() // length), ceil(span.end.timestamp() / length)
    starts = [datetime.fromtimestamp(number * length, UTC) for number in range(first, last)]
    nothing = dict.fromkeys(TALLY_FIELDS, 0)
    return [{"start": one, **known.get(StepOf.text(one, span.step), nothing)} for one in starts], before


# How sessions went ------------------------------------------------------------------------------------------------


def _closes(counted: Counter[tuple[int | None, str]]) -> list[Close]:
    shown = sorted(counted.items(), key=lambda item: (-item[1], item[0][0] or 0, item[0][1]))
    return [Close(code, by, n) for (code, by), n in shown]


def _lengths(counted: Counter[int], all_ms: int) -> Lengths:
    count = counted.total()
    if not count:
        return Lengths()
    found = Lengths(
        ended=count,
        average=round(all_ms / count),
        median=_percentile(counted, 0.5),
        p95=_percentile(counted, 0.95),
        longest=max(counted),
        buckets=[],
    )
    below = 0
    for label, most in BUCKETS:
        inside = sum(n for length, n in counted.items() if below <= length and (most is None or length < most))
        found.buckets.append((label, inside))
        below = most or 0
    return found


def _percentile(counted: Counter[int], part: float) -> int:
    """The length that this part of the sessions did not exceed (nearest rank)."""
    left = max(1, ceil(counted.total() * part))
    for length in sorted(counted):
        left -= counted[length]
        if left <= 0:
            return length
    return 0


# Whose they are ---------------------------------------------------------------------------------------------------


def _of_applications(whose: Q, here: list[Piece]) -> list[Share]:
    found = added_up(whose, here, by=("application_id", "subscription_id"), most=TOP)
    theirs = Subscription.objects.select_related("business_plan", "application__owner")
    plans = theirs.in_bulk(_ids(found, "subscription_id"))
    names = {subscription.application_id: subscription.application for subscription in plans.values()}
    if unsubscribed := _ids(found, "application_id") - names.keys():
        names |= Application.objects.select_related("owner").in_bulk(unsubscribed)
    shares = []
    for row in found:
        application, subscription = names.get(row["application_id"]), plans.get(row["subscription_id"])
        name = application.name if application else _absent(row["application_id"], "An application that is gone")
        owner = application.owner.username if application else ""
        note = ", ".join(filter(None, (owner, subscription.business_plan.name if subscription else "")))
        shares.append(_share(row, "application_id", name, note))
    return shares


def _of_apis(whose: Q, here: list[Piece]) -> list[Share]:
    found = added_up(whose, here, by=("api_id",), most=TOP)
    names = Api.objects.select_related("version_set").in_bulk(_ids(found, "api_id"))
    return [
        _share(row, "api_id", str(names.get(row["api_id"], "An API that is gone")), "") for row in found
    ]  # fmt: skip


def _plans(plans: dict[str, list[int]]) -> list[Share]:
    found = [Share(None, plan or "No plan", "", dict(zip(SUMS, sums, strict=True))) for plan, sums in plans.items()]
    return sorted(found, key=lambda share: (-share.counts["events_in"] - share.counts["events_out"], share.name))


def _ids(rows: Sequence[dict[str, Any]], name: str) -> set[UUID]:
    return {row[name] for row in rows if row[name] is not None}


def _absent(key: UUID | None, gone: str) -> str:
    return "Without an application" if key is None else gone


def _share(row: dict[str, Any], key: str, name: str, note: str) -> Share:
    return Share(str(row[key]) if row[key] else None, name, note, {one: row[one] for one in TALLY_FIELDS})


def changed(now: int, before: int) -> int | None:
    """By how many percent it is more than before; None where there was nothing to compare with."""
    return round((now - before) * 100 / before) if before else None
