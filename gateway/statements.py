"""The monthly statement of a subscription: what was used under which terms, and what it costs (docs/billing.md).

Usage comes from usage records, prices from the terms that were in force (`apis.models.SubscriptionTerm`): each plan and
each price of a month has a line of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from apis import pricing, selectors
from apis.errors import Invalid, Missing
from apis.models import Api, SubscriptionTerm
from apis.permissions import Actor, designs_for
from apis.pricing import Month, Price
from apis.roles import Capability
from apis.services.terms import term_of
from apis.words import phrase
from gateway import overages, settling, snapshots_plans
from gateway.models import UsageRecord
from gateway.session_days import SUMS
from gateway.sums import marks

SETTLED: Final = timedelta(seconds=settling.HOUR_S + settling.GRACE_S)  # after a month's end nothing is added


@dataclass(slots=True)
class Line:
    """One plan at one price within the month, and what was used under it."""

    plan: str
    price: Price
    began_at: datetime
    ended_at: datetime
    sessions: int = 0
    events_in: int = 0
    events_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    throttled: int = 0
    connection_ms: int = 0
    overage_events: int = 0
    overage_bytes: int = 0
    fixed: Decimal = Decimal(0)
    usage: Decimal = Decimal(0)

    @property
    def connection_s(self) -> int:
        return round(self.connection_ms / 1000)

    @property
    def connection_words(self) -> str:
        """Connection time as hours, minutes and seconds."""
        minutes, seconds = divmod(self.connection_s, 60)
        hours, minutes = divmod(minutes, 60)
        return (
            phrase("{hours:,} h {minutes:02} min", hours=hours, minutes=minutes)
            if hours
            else phrase("{minutes} min {seconds:02} s", minutes=minutes, seconds=seconds)
        )

    @property
    def total(self) -> Decimal:
        return self.fixed + self.usage

    @property
    def price_words(self) -> str:
        """What it costs, in words."""
        price = self.price
        if price.billing == pricing.FREE:
            return "free"
        parts = (
            [phrase("{amount} {currency} per {cycle}", amount=price.amount, currency=price.currency, cycle=price.cycle)]
            if price.amount is not None
            else []
        )
        if price.unit_price is not None:
            unit = f"{price.unit_price:f}".rstrip("0")
            unit += "0" * max(0, 2 - len(unit.partition(".")[2]))
            parts.append(
                phrase(
                    "{unit} {currency} per {unit_events:,} messages",
                    unit=unit,
                    currency=price.currency,
                    unit_events=price.unit_events,
                )
            )
        return " and ".join(parts)


@dataclass(slots=True)
class Statement:
    """A month of a subscription.

    Attributes:
        is_final: nothing is added to it any more.
        totals: amounts by currency, for months in which it changed.
    """

    subscription_id: UUID
    month: Month
    subject: SubscriptionTerm
    as_of: datetime
    is_final: bool
    lines: list[Line] = field(default_factory=list)
    totals: dict[str, Decimal] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self.lines


def terms_get(actor: Actor, subscription_id: UUID) -> list[SubscriptionTerm]:
    """The terms of a subscription, also of one that is gone, for its owner, publishers and administrators.

    Raises: Missing; Forbidden for somebody who may see the subscription and not what it costs.
    """
    terms = list(SubscriptionTerm.objects.filter(subscription_id=subscription_id))
    row = selectors.subscriptions_visible(actor).filter(pk=subscription_id).first()
    owner = str(row.application.owner_id) if row is not None else terms[-1].owner_id if terms else ""
    if owner == str(actor.person.pk) and actor.can(Capability.USE_APPLICATIONS):
        pass
    elif row is not None or (terms and _sees_api_of(actor, terms[-1])):
        actor.require(Capability.MANAGE_SUBSCRIPTIONS, Capability.ADMINISTER)
    else:
        raise Missing("There is no such subscription.")
    if not terms and row is not None:
        terms = [term_of(row, row.created_at)]  # older than terms are
        if not row.has_right:  # nothing runs, so nothing is billed
            terms[0].ended_at = row.created_at
    return terms


def _sees_api_of(actor: Actor, term: SubscriptionTerm) -> bool:
    """Whether they see the API of a subscription that is gone; of an API that is gone, too, whoever sees any."""
    known = Api.objects.filter(pk=term.api_id)
    return actor.can(Capability.SEE_APIS) and (known.filter(designs_for(actor)).exists() or not known.exists())


def month_read(text: str, now: datetime) -> Month:
    """The month that is asked for, or the present one for "".

    Raises: Invalid for what is no month such as 2026-11.
    """
    if not text:
        return Month(now.year, now.month)
    try:
        return pricing.month_of(text)
    except ValueError:
        raise Invalid({"month": "This should be a month such as 2026-11."}) from None


def statement(actor: Actor, subscription_id: UUID, month: Month, now: datetime | None = None) -> Statement:
    """What a subscription used in a month, and what that costs.

    Args:
        now: what is later counts for nothing yet.

    Raises: Missing, Forbidden.
    """
    terms = terms_get(actor, subscription_id)
    now = (now or timezone.now()).astimezone(UTC)
    done = Statement(subscription_id, month, terms[-1], min(now, month.end), now >= month.end + SETTLED)
    at, limits = marks(), []
    for term in terms:
        start, end = max(term.began_at, month.start), min(term.ended_at or now, month.end, now)
        if start < end:
            done.lines.append(Line(term.plan, term.price, start, end))
            limits.append(None if term.stop_on_quota else snapshots_plans.limits(term.limits))
    for row in _usage(subscription_id, month):
        line = _line_of(done.lines, row["plan"], row["hour"])
        if line is not None:
            for name in SUMS:
                setattr(line, name, getattr(line, name) + row[f"of_{name}"])
    for line, quota in zip(done.lines, limits, strict=True):
        if quota:
            line.overage_events, line.overage_bytes = overages.of_line(
                quota, done.subject, line.began_at, line.ended_at, at
            )
        seconds = int((line.ended_at - line.began_at).total_seconds())
        line.fixed = pricing.fixed_part(line.price, seconds, month)
        line.usage = pricing.usage_part(line.price, line.events_in + line.events_out)
    done.totals = pricing.totals((line.price.currency, line.total) for line in done.lines)
    return done


def _usage(subscription_id: UUID, month: Month) -> list[dict[str, Any]]:
    rows = UsageRecord.objects.filter(subscription_id=subscription_id, hour__gte=month.start, hour__lt=month.end)
    sums = {f"of_{name}": Sum(name) for name in SUMS}
    found: list[Any] = list(rows.order_by("hour").values("plan", "hour").annotate(**sums))
    return found


def _line_of(lines: Sequence[Line], plan: str, hour: datetime) -> Line | None:
    """The line that an hour's records under a plan stand on: of those with this plan the one nearest in time."""
    same = [line for line in lines if line.plan == plan] or list(lines)

    def distance(line: Line) -> timedelta:
        if hour < line.began_at.replace(minute=0, second=0, microsecond=0):
            return line.began_at - hour
        return max(hour - line.ended_at, timedelta(0))

    return min(same, key=distance, default=None)
