"""Usage as billing: one immutable row for each session and period."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

from django.db import models


class RecordsAreKept(TypeError):
    """Somebody tried to change or delete a usage record."""


def _refuse() -> NoReturn:
    raise RecordsAreKept("Usage records are never changed or deleted; `manage.py prune_usage` lets go of old ones.")


class UsageRecords(models.QuerySet["UsageRecord"]):
    """Rows that are only added."""

    def update(self, **changes: Any) -> int:
        """Raises: RecordsAreKept."""
        _refuse()

    def bulk_update(self, *args: Any, **options: Any) -> int:
        """Raises: RecordsAreKept."""
        _refuse()

    def delete(self) -> tuple[int, dict[str, int]]:
        """Raises: RecordsAreKept."""
        _refuse()

    def prune(self, before: datetime) -> int:
        """Let go of those that ended before this moment: retention, and nothing else. Returns: how many."""
        return models.QuerySet(self.model, using=self.db).filter(ended_at__lt=before).delete()[0]


class UsageRecord(models.Model):
    """What one session did in one period: an hour of the clock at most, under one plan (docs/billing.md).

    Names are copied and ids kept without a foreign key: a record outlives what it speaks of. "in" is from the client,
    bytes are payload as it travels. `sequence` counts a session's records from 0; with `session_id` it is unique, so
    that what is written twice is there once. `hour` says which minutes hold the same counts.
    """

    session_id = models.CharField(max_length=80, help_text="X-Request-ID of its handshake")
    sequence = models.PositiveIntegerField()
    api_id = models.UUIDField()
    api_name = models.CharField(max_length=50, blank=True, default="")
    api_version = models.CharField(max_length=30, blank=True, default="")
    application_id = models.UUIDField(null=True, blank=True)
    application_name = models.CharField(max_length=50, blank=True, default="")
    subscription_id = models.UUIDField(null=True, blank=True)
    plan_id = models.CharField(max_length=36, blank=True, default="")
    plan = models.CharField(max_length=100, blank=True, default="")
    person = models.CharField(max_length=255, blank=True, default="", help_text="id of the person behind the token")
    key_type = models.CharField(max_length=10, blank=True, default="")
    hour = models.DateTimeField(help_text="start of the hour whose minutes hold the same, UTC")
    started_at = models.DateTimeField(help_text="of this record")
    ended_at = models.DateTimeField(db_index=True, help_text="of this record")
    sessions = models.PositiveIntegerField(default=0, help_text="1 in the first record of a session, else 0")
    events_in = models.BigIntegerField(default=0)
    events_out = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    throttled = models.BigIntegerField(default=0, help_text="messages that a plan refused")
    connection_ms = models.BigIntegerField(default=0, help_text="connected within this record")
    close_code = models.PositiveIntegerField(null=True, blank=True, help_text="in the last record of a session")
    initiator = models.CharField(max_length=10, blank=True, default="", help_text="who ended it")
    written_at = models.DateTimeField(auto_now_add=True)

    objects = UsageRecords.as_manager()

    class Meta:
        ordering = ("ended_at", "id")
        constraints = [models.UniqueConstraint(fields=("session_id", "sequence"), name="one_record_per_period")]
        indexes = [
            models.Index(fields=("subscription_id", "hour"), name="records_of_a_subscription"),
            models.Index(fields=("hour",), name="records_of_an_hour"),
            models.Index(fields=("api_id", "ended_at"), name="records_of_an_api"),
            models.Index(fields=("application_id", "ended_at"), name="records_of_an_application"),
        ]

    def __str__(self) -> str:
        return self.event_id

    def save(self, *args: Any, **options: Any) -> None:
        """Raises: RecordsAreKept for a row that is already there."""
        if not self._state.adding:
            _refuse()
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Raises: RecordsAreKept."""
        _refuse()

    @property
    def event_id(self) -> str:
        """Its name for ever, for who imports it: session and number."""
        return f"{self.session_id}/{self.sequence}"
