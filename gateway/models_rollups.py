"""Usage added up by the hour and the day, how far that has come, and what bills need of minutes that are gone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce

NOBODY = "00000000-0000-0000-0000-000000000000"


def one_row(name: str) -> models.UniqueConstraint:
    """A rule that a key has one row for each start. NULLs count as different from each other, so they are named."""
    nobody = models.Value(NOBODY, output_field=models.UUIDField())
    return models.UniqueConstraint(
        "api_id", "start", Coalesce("application_id", nobody), Coalesce("subscription_id", nobody), name=name
    )


class UsageSum(models.Model):
    """What one subscription did from `start` on, for an hour or a day: the sum of its minutes."""

    api_id = models.UUIDField()
    application_id = models.UUIDField(null=True, blank=True)
    subscription_id = models.UUIDField(null=True, blank=True)
    start = models.DateTimeField(help_text="UTC")
    sessions = models.BigIntegerField(default=0)
    events_in = models.BigIntegerField(default=0)
    events_out = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    throttled = models.BigIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.api_id} from {self.start:%Y-%m-%d %H:%M}"


class UsageHour(UsageSum):
    """An hour of the clock (UTC)."""

    class Meta:
        constraints: ClassVar = [one_row("one_usage_row_per_key_and_hour")]
        indexes: ClassVar = [
            models.Index(fields=("start",), name="usage_of_an_hour"),
            models.Index(fields=("application_id", "start"), name="hours_of_an_application"),
        ]


class UsageDay(UsageSum):
    """A day of the calendar (UTC)."""

    class Meta:
        constraints: ClassVar = [one_row("one_usage_row_per_key_and_day")]
        indexes: ClassVar = [
            models.Index(fields=("start",), name="usage_of_a_day"),
            models.Index(fields=("application_id", "start"), name="days_of_an_application"),
        ]


class UsageMark(models.Model):
    """How far usage is added up, and what is let go of: one row, locked by whoever moves it.

    Everything before `hours_until` is in hours, before `days_until` in days. What lies before `minutes_from` is told
    from hours, before `hours_from` from days: there nobody reads finer rows any more. Null is the beginning of time.
    """

    hours_until = models.DateTimeField(null=True)
    days_until = models.DateTimeField(null=True)
    minutes_from = models.DateTimeField(null=True)
    hours_from = models.DateTimeField(null=True)
    sessions_until = models.DateTimeField(null=True, help_text="days before are in SessionDay")
    checked_at = models.DateTimeField(null=True, help_text="when the last hours were compared with their minutes")

    def __str__(self) -> str:
        return f"hours until {self.hours_until}, days until {self.days_until}"


class KeptOverage(models.Model):
    """What one line of a statement has beyond its limits, worked out before its minutes went."""

    subscription_id = models.UUIDField()
    began_at = models.DateTimeField(help_text="of the line")
    events = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("subscription_id", "began_at"), name="one_overage_per_line"),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id} from {self.began_at}: {self.events}"


class SessionSum(models.Model):
    """How the sessions of one API, or of one application, went from `start` on (UTC), by the records that ended then.

    `went`: {"plans": {plan: sums}, "closes": [[code, initiator, sessions]], "lengths": {ms: sessions}, "ms": all of
    them} (`gateway.session_days.Went`).
    """

    subject_id = models.UUIDField(help_text="of the API or the application")
    start = models.DateTimeField(help_text="UTC")
    went = models.JSONField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.subject_id} from {self.start:%Y-%m-%d}"


class SessionDay(SessionSum):
    """A day."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("subject_id", "start"), name="one_row_per_subject_and_day"),
        ]


class SessionMonth(SessionSum):
    """A month: there from the moment on at which the rows of all its days are."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("subject_id", "start"), name="one_row_per_subject_and_month"),
        ]
