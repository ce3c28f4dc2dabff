"""Every kind of plan: business plans (per subscription), application plans (per application and end user), API plans
(everybody at an API, or at a topic) and custom plans (whatever their key names).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models

from apis.shapes_plans import default_permission, permits
from apis.words import phrase

if TYPE_CHECKING:
    from apis.models.person import Person


_WAYS = {"in": " sent", "out": " received", "both": ""}
_NOUNS = {"seconds": "seconds of connection time"}


def limits_in_words(limits: list[dict[str, Any]]) -> list[str]:
    """Limits (shape: apis.shapes.limits) as "1,000 events per minute"; "unlimited" where there is none."""
    lines = [
        phrase(
            "{amount:,} {get}{ways} per {per}",
            amount=limit["amount"],
            get=_NOUNS.get(limit["kind"], limit["kind"]),
            ways=_WAYS[limit.get("direction", "both")],
            per=limit["per"],
        )
        for limit in limits
    ]
    return lines or ["unlimited"]


class Plan(models.Model):
    """What both kinds of plan share: a name and limits (shape: apis.shapes.limits); no limits = unlimited."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True)
    description = models.TextField(blank=True, default="")
    limits = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def limit_lines(self) -> list[str]:
        """The limits in words, e.g. "1,000 events per minute"; "unlimited" where there is none."""
        return limits_in_words(self.limits)

    @property
    def says_more(self) -> bool:
        """Whether the description adds anything to the limits in words."""
        said = self.description.strip().rstrip(".").lower()
        return said not in {"", "no limits", ", ".join(self.limit_lines).lower()}


class ApplicationPlan(Plan):
    """Limits for one application and end user over all APIs it uses."""


def _condition_in_words(row: dict[str, Any]) -> str:
    what = {"ip": "address", "header": "header", "query": "query parameter", "claim": "claim"}[row["type"]]
    return f"{what}{' ' if row['name'] else ''}{row['name']} is {'not ' if row['invert'] else ''}{row['value']}"


class ApiPlan(Plan):
    """Limits for all sessions of an API together, or of one of its topics; other ones for those that meet conditions.

    The first of `groups` whose conditions all hold counts instead of `limits` (shape: apis.shapes_plans.groups). Its
    name stays: topics and revisions carry it.
    """

    groups = models.JSONField(default=list, blank=True)

    class Meta(Plan.Meta):
        verbose_name = "API plan"
        verbose_name_plural = "API plans"

    @property
    def group_lines(self) -> list[tuple[str, str]]:
        """(whom, limits) in words for each group."""
        return [
            (" and ".join(map(_condition_in_words, group["conditions"])), ", ".join(limits_in_words(group["limits"])))
            for group in self.groups
        ]


class CustomPlan(Plan):
    """Limits by a key of the administrator's own: every session counts in the counter that its key names."""

    key = models.CharField(max_length=200, help_text="shape: apis.shapes_plans.key_problem")
    enabled = models.BooleanField(default=True)

    class Meta(Plan.Meta):
        verbose_name = "custom plan"


class BusinessPlan(Plan):
    """What a subscription buys. Units: `max_session_s` seconds, `max_message_bytes` payload bytes."""

    class OnSpent(models.TextChoices):
        CLOSE = "close", "close the session (4429)"
        HOLD = "hold", "hold messages back until there is room"
        DROP = "drop", "drop messages until there is room"

    class Billing(models.TextChoices):
        FREE = "free", "free"
        COMMERCIAL = "commercial", "commercial"

    burst = models.JSONField(null=True, blank=True, default=None)
    max_sessions = models.PositiveIntegerField(null=True, blank=True)
    max_session_s = models.PositiveIntegerField(null=True, blank=True)
    max_message_bytes = models.PositiveIntegerField(null=True, blank=True)
    on_spent = models.CharField(max_length=10, choices=OnSpent.choices, default=OnSpent.CLOSE)
    notice = models.BooleanField(default=False, help_text="whether a sender is told of messages that were dropped")
    warn_at = models.PositiveSmallIntegerField(null=True, blank=True, help_text="percent of a limit")
    stop_on_quota = models.BooleanField(default=True)
    subscriptionless = models.BooleanField(
        default=False, help_text="an API that offers it lets every application in under it, without a subscription"
    )
    approval = models.BooleanField(
        default=False, db_default=False, help_text="an administrator approves each subscription under it"
    )
    billing = models.CharField(max_length=10, choices=Billing.choices, default=Billing.FREE)
    price = models.DecimalField(null=True, blank=True, max_digits=12, decimal_places=2, help_text="for each cycle")
    currency = models.CharField(max_length=3, default="EUR", help_text="ISO 4217")
    cycle = models.CharField(max_length=5, default="month")
    unit_price = models.DecimalField(
        null=True, blank=True, max_digits=14, decimal_places=6, help_text="for each `unit_events` events"
    )
    unit_events = models.PositiveIntegerField(default=1000)
    attributes = models.JSONField(default=dict, blank=True, help_text="name: value, for X-JWT-Assertion")
    permission = models.JSONField(default=default_permission, help_text="shape: apis.shapes_plans.permission")

    def open_to(self, person: Person) -> bool:
        """Whether this person may subscribe under it."""
        return permits(self.permission, person.held_roles)

    @property
    def price_line(self) -> str:
        """What it costs, in words: "9.90 EUR per month and 0.50 EUR per 1,000 events"; "free" if it costs nothing."""
        if self.billing == self.Billing.FREE:
            return "free"
        parts = (
            [phrase("{price} {currency} per {cycle}", price=self.price, currency=self.currency, cycle=self.cycle)]
            if self.price is not None
            else []
        )
        if self.unit_price is not None:
            each = f"{self.unit_events:,} events" if self.unit_events > 1 else "event"
            parts.append(
                phrase(
                    "{normalize:f} {currency} per {each}",
                    normalize=self.unit_price.normalize(),
                    currency=self.currency,
                    each=each,
                )
            )
        return " and ".join(parts)

    @property
    def terms(self) -> list[str]:
        """All that a subscriber agrees to, in words: the limits, then what else holds, then what happens at the end."""
        lines = [*self.limit_lines, *self._conditions]
        if self.burst:
            lines.append(
                phrase("at most {amount:,} events in any one {per}", amount=self.burst["amount"], per=self.burst["per"])
            )
        if self.max_sessions:
            lines.append(phrase("at most {max_sessions:,} connections at once", max_sessions=self.max_sessions))
        if self.max_session_s:
            lines.append(phrase("a connection lasts at most {duration}", duration=duration(self.max_session_s)))
        if self.max_message_bytes:
            lines.append(
                phrase("messages of at most {max_message_bytes:,} bytes", max_message_bytes=self.max_message_bytes)
            )
        if self.limits and not self.stop_on_quota:
            lines.append("going over a limit is counted but not stopped")
        elif self.limits or self.burst:
            what = _AT_THE_END[self.on_spent]
            lines.append(phrase("{what}, and the sender is told", what=what) if self._tells else what)
            if self.warn_at:
                lines.append(phrase("who asks for it is warned at {warn_at} %", warn_at=self.warn_at))
        if self.billing == self.Billing.COMMERCIAL:
            lines.append(self.price_line)
        return lines

    @property
    def _conditions(self) -> list[str]:
        """What somebody needs to come in under it, in words."""
        needs = [
            ("needs no subscription", self.subscriptionless),
            ("needs approval: an administrator says yes to each subscription first", self.approval),
        ]
        return [line for line, holds in needs if holds]

    @property
    def _tells(self) -> bool:
        return self.notice and self.on_spent == self.OnSpent.DROP


_AT_THE_END: dict[str, str] = {
    BusinessPlan.OnSpent.CLOSE: "when it is spent, the connection is closed with code 4429",
    BusinessPlan.OnSpent.HOLD: "when it is spent, messages wait until there is room again",
    BusinessPlan.OnSpent.DROP: "when it is spent, messages are dropped until there is room again",
}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def duration(seconds: int) -> str:
    """The largest unit that divides `seconds` evenly: "2 hours", "90 minutes", "45 seconds"."""
    length, unit = next((length, unit) for length, unit in _UNITS if seconds % length == 0)
    count = seconds // length
    return phrase("{count:,} {unit}", count=count, unit=unit if count == 1 else f"{unit}s")
