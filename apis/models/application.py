"""Applications of developers, their keys, and their subscriptions to APIs."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from oauth2_provider.models import Application as OAuthClient

from apis.models.api import Api, KeyType
from apis.models.plan import ApplicationPlan, BusinessPlan

if TYPE_CHECKING:
    from apis.models.approval import Approval


class Application(models.Model):
    """What a developer connects with. Not OAuth's word: an application has up to one OAuth client per key type."""

    class State(models.TextChoices):
        APPROVED = "approved", "Approved"
        ON_HOLD = "on_hold", "On hold"  # it may have neither keys nor subscriptions yet
        REJECTED = "rejected", "Rejected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="applications")
    plan = models.ForeignKey(ApplicationPlan, on_delete=models.PROTECT, related_name="applications")
    description = models.TextField(blank=True, default="")
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.APPROVED, db_default=State.APPROVED.value
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("owner", "name"), name="one_application_per_owner_and_name")]
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class KeyPair(models.Model):
    """Consumer key and secret of an application for one key type: an OAuth client of the built-in server."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="key_pairs")
    key_type = models.CharField(max_length=10, choices=KeyType.choices)
    client = models.OneToOneField(OAuthClient, on_delete=models.CASCADE, related_name="key_pair")
    grant_types = models.JSONField(default=list)
    # A pair that only backs a generated token has a secret nobody saw; asking for keys hands it out.
    handed_out = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("application", "key_type"), name="one_key_pair_per_key_type")]
        ordering = ("key_type",)

    def __str__(self) -> str:
        return f"{self.key_type} keys of {self.application}"


class Subscription(models.Model):
    """An application's right to use one API under one business plan."""

    class State(models.TextChoices):
        UNBLOCKED = "unblocked", "Active"
        BLOCKED = "blocked", "Blocked"
        PRODUCTION_BLOCKED = "production_blocked", "Production blocked"
        ON_HOLD = "on_hold", "On hold"  # an administrator has to approve it first
        REJECTED = "rejected", "Rejected"

    # What is in one of these is no subscription to the gateway, nor to a statement.
    WITHOUT_RIGHT: ClassVar[frozenset[str]] = frozenset({State.ON_HOLD.value, State.REJECTED.value})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="subscriptions")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="subscriptions")
    business_plan = models.ForeignKey(BusinessPlan, on_delete=models.PROTECT, related_name="subscriptions")
    state = models.CharField(max_length=20, choices=State.choices, default=State.UNBLOCKED)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="a minute at most behind its sessions")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("api", "application"), name="one_subscription_per_application")]
        indexes = [models.Index(fields=("api", "created_at"), name="subscriptions_of_an_api")]
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.application} on {self.api}"

    @property
    def has_right(self) -> bool:
        """Whether it is one at all: neither on hold nor rejected."""
        return self.state not in self.WITHOUT_RIGHT

    @property
    def latest_request(self) -> Approval | None:
        """What was asked for last and not taken back; for a list, prefetch `selectors_approvals.REQUESTS`."""
        return next((row for row in self.approvals.all() if row.state != "withdrawn"), None)

    @property
    def pending_plan(self) -> BusinessPlan | None:
        """The plan that it waits for while another one counts."""
        request = self.latest_request
        return request.business_plan if request and request.is_waiting and request.kind == "plan_change" else None

    @property
    def rejection(self) -> Approval | None:
        """What was asked for last, if it was rejected."""
        request = self.latest_request
        return request if request and request.state == "rejected" else None
