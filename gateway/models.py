"""What the data plane writes down: usage, by the minute."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Coalesce

NOBODY = "00000000-0000-0000-0000-000000000000"


class UsageMinute(models.Model):
    """What one subscription did in one minute (CONTRACT section 7), "in" from the client, bytes as they travel.

    `application_id` and `subscription_id` are empty for handshakes refused before that was known. Ids are kept
    without a foreign key: usage outlives what it speaks of.
    """

    api_id = models.UUIDField()
    application_id = models.UUIDField(null=True, blank=True)
    subscription_id = models.UUIDField(null=True, blank=True)
    minute = models.DateTimeField(help_text="start of the minute, UTC")
    sessions = models.BigIntegerField(default=0, help_text="sessions opened")
    events_in = models.BigIntegerField(default=0)
    events_out = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0, help_text="handshakes refused")
    throttled = models.BigIntegerField(default=0, help_text="messages that a plan refused")

    class Meta:
        verbose_name = "usage of a minute"
        verbose_name_plural = "usage by the minute"
        ordering = ("-minute",)
        constraints = [
            # NULLs count as different from each other, so they are named for the comparison.
            models.UniqueConstraint(
                "api_id",
                Coalesce("application_id", models.Value(NOBODY, output_field=models.UUIDField())),
                Coalesce("subscription_id", models.Value(NOBODY, output_field=models.UUIDField())),
                "minute",
                name="one_usage_row_per_key_and_minute",
            ),
        ]
        indexes = [
            models.Index(fields=("api_id", "minute"), name="usage_of_an_api"),
            models.Index(fields=("application_id", "minute"), name="usage_of_an_application"),
        ]

    def __str__(self) -> str:
        return f"{self.api_id} at {self.minute:%Y-%m-%d %H:%M}"
