"""Applications of developers, their keys, and their subscriptions to APIs."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from oauth2_provider.models import Application as OAuthClient

from apis.models.api import Api, KeyType
from apis.models.plan import ApplicationPlan, BusinessPlan


class Application(models.Model):
    """What a developer connects with. Not OAuth's word: an application has up to one OAuth client per key type."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="applications")
    plan = models.ForeignKey(ApplicationPlan, on_delete=models.PROTECT, related_name="applications")
    description = models.TextField(blank=True, default="")
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
        ON_HOLD = "on_hold", "On hold"
        REJECTED = "rejected", "Rejected"

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
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.application} on {self.api}"
