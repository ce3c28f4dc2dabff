"""What the data plane writes down: usage by the minute, and who is connected now."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce

from gateway.models_billing import RecordsAreKept, UsageRecord
from gateway.models_rollups import NOBODY, KeptOverage, SessionDay, SessionMonth, UsageDay, UsageHour, UsageMark

__all__ = [
    "NOBODY",
    "GatewayProcess",
    "Inspection",
    "KeptOverage",
    "LiveSession",
    "RecordsAreKept",
    "SeenFrame",
    "SessionCommand",
    "SessionDay",
    "SessionMonth",
    "SigningKey",
    "Ticket",
    "UpstreamHealth",
    "UsageDay",
    "UsageHour",
    "UsageMark",
    "UsageMinute",
    "UsageRecord",
    "WindowCount",
]


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
            models.Index(fields=("minute",), name="usage_of_a_minute"),
            models.Index(fields=("api_id", "minute"), name="usage_of_an_api"),
            models.Index(fields=("application_id", "minute"), name="usage_of_an_application"),
        ]

    def __str__(self) -> str:
        return f"{self.api_id} at {self.minute:%Y-%m-%d %H:%M}"


class GatewayProcess(models.Model):
    """One running gateway process. `seen_at` is set by the database's clock every few seconds; rows of dead ones go."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "gateway processes"
        ordering = ("host", "pid")

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class LiveSession(models.Model):
    """A session that lives longer than a tick: written and deleted in batches by its process.

    Names are copied as they were at the start. Counters are those of `counted_at`; they are kept fresh only while
    somebody looks (`watched_until`).
    """

    id = models.CharField(primary_key=True, max_length=64, help_text="X-Request-ID of its handshake")
    process = models.ForeignKey(GatewayProcess, on_delete=models.CASCADE, related_name="sessions")
    api_id = models.UUIDField()
    api_name = models.CharField(max_length=50)
    api_version = models.CharField(max_length=30)
    application_id = models.UUIDField(null=True, blank=True)
    application_name = models.CharField(max_length=50, blank=True, default="")
    subscription_id = models.UUIDField(null=True, blank=True)
    plan = models.CharField(max_length=100, blank=True, default="")
    person = models.CharField(max_length=255, blank=True, default="", help_text="id of the person behind the token")
    token_kind = models.CharField(max_length=20)
    token_id = models.CharField(max_length=64, blank=True, default="")
    key_type = models.CharField(max_length=10)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="when its token expires")
    client = models.CharField(max_length=64, blank=True, default="")
    origin = models.CharField(max_length=300, blank=True, default="")
    upstream = models.TextField(blank=True, default="")
    topic = models.CharField(max_length=200, blank=True, default="", help_text="name of the topic it came in at")
    compressed = models.BooleanField(default=False, help_text="messages need those before them to be inflated")
    started_at = models.DateTimeField()
    events_in = models.BigIntegerField(default=0)
    events_out = models.BigIntegerField(default=0)
    bytes_in = models.BigIntegerField(default=0)
    bytes_out = models.BigIntegerField(default=0)
    throttled = models.BigIntegerField(default=0)
    credits = models.JSONField(default=list, help_text='[{"limit","amount","left","resets_at"}]')
    counted_at = models.DateTimeField(null=True, blank=True)
    watched_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-started_at", "id")
        indexes = [
            models.Index(fields=("api_id", "started_at"), name="live_sessions_of_an_api"),
            models.Index(fields=("application_id", "started_at"), name="live_sessions_of_app"),
        ]

    def __str__(self) -> str:
        return f"{self.id} on {self.api_name} {self.api_version}"


class SessionCommand(models.Model):
    """What processes must do to live sessions, announced by a Change of kind "command"; worthless after a minute.

    `body` for "close": {"code", "reason", "which": a selection (gateway.core.selection)}; for "renew": the principal.
    """

    kind = models.CharField(max_length=10, choices=[("close", "Close"), ("renew", "Renew")])
    body = models.JSONField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Inspection(models.Model):
    """Somebody looks at the frames of one session, until they stop asking or it has lasted long enough."""

    session_id = models.CharField(max_length=64, db_index=True)
    process_id = models.UUIDField(db_index=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    until = models.DateTimeField(help_text="without another question")
    ends_at = models.DateTimeField(help_text="in any case")
    with_payload = models.BooleanField(default=False, help_text="what the history says about this look")

    def __str__(self) -> str:
        return f"{self.person} at {self.session_id}"


class SeenFrame(models.Model):
    """One frame of an inspected session, or (`verdict` "dropped") how many were not kept. Deleted soon."""

    session_id = models.CharField(max_length=64)
    number = models.BigIntegerField(help_text="counts up from 1 while it is inspected")
    at = models.DateTimeField()
    direction = models.CharField(max_length=3)
    kind = models.CharField(max_length=12)
    size_bytes = models.BigIntegerField()
    verdict = models.CharField(max_length=20)
    payload = models.TextField(null=True, blank=True, help_text="masked and cut; null where it may not be seen")

    class Meta:
        ordering = ("session_id", "number")
        indexes = [models.Index(fields=("session_id", "number"), name="frames_of_a_session")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.number}"


class Ticket(models.Model):
    """A right to connect once, soon: what a handshake shows instead of the credential that it was minted with.

    `digest` is the SHA-256 of the ticket in hex. `principal` is who comes in (never a secret), `topic` and `origin`
    bind it where they are given. Whoever deletes the row is in: that is what makes it single use.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    connection_id = models.CharField(max_length=32)
    api_id = models.UUIDField()
    principal = models.JSONField()
    topic = models.CharField(max_length=4096, null=True)
    origin = models.CharField(max_length=300, null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of connection {self.connection_id}"


class UpstreamHealth(models.Model):
    """How one process finds one URL of an endpoint: written when that changes, gone with the process."""

    process = models.ForeignKey(GatewayProcess, on_delete=models.CASCADE, related_name="upstreams")
    api_id = models.UUIDField()
    key_type = models.CharField(max_length=10)
    url = models.TextField()
    state = models.CharField(max_length=10, help_text="active, suspended, or probing: the next handshake tries it")
    failures = models.PositiveIntegerField(default=0, help_text="counted ones in a row")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="end of the suspension")
    last_error = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        verbose_name_plural = "health of upstreams"
        ordering = ("url", "process_id")
        indexes = [models.Index(fields=("api_id", "key_type"), name="health_of_an_endpoint")]

    def __str__(self) -> str:
        return f"{self.url}: {self.state}"


class SigningKey(models.Model):
    """A key that signs X-JWT-Assertion. `current` is true for one of them, null for those that were rotated out.

    The private half is sealed (`apis.sealing`); public halves stay in the JWKS for a while after they were retired.
    """

    kid = models.CharField(primary_key=True, max_length=64, help_text="thumbprint of the key (RFC 7638)")
    private = models.TextField(help_text="PEM, sealed")
    public = models.JSONField(help_text="JWK (RFC 7517)")
    current = models.BooleanField(null=True, default=None, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.kid


class WindowCount(models.Model):
    """What was taken out of one long window of one limit, where no Redis keeps count (`gateway.kept_counters`).

    Several processes add to one row; rows of windows that are over go.
    """

    counter = models.CharField(max_length=64, help_text="SHA-256 of whose limit it is and which, in hex")
    start = models.BigIntegerField(help_text="start of the window, epoch seconds")
    end = models.BigIntegerField(db_index=True, help_text="end of the window, epoch seconds")
    taken = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("counter", "start"), name="one_count_per_limit_and_window")]

    def __str__(self) -> str:
        return f"{self.counter} from {self.start}: {self.taken}"
