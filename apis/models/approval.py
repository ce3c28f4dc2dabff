"""What somebody asked for and an administrator decides."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from apis.models.api import Api
from apis.models.application import Application, Subscription
from apis.models.plan import BusinessPlan


class Approval(models.Model):
    """One request: who asked for what, and what became of it. Words are copied: it outlives what it speaks of.

    Attributes:
        wanted: what is done once it is approved, as the service of its kind takes it.
        reason: why it was rejected (or approved), for who asked.
    """

    class Kind(models.TextChoices):
        SUBSCRIPTION = "subscription", "Subscription"
        PLAN_CHANGE = "plan_change", "Change of plan"
        TRANSITION = "transition", "Lifecycle"
        APPLICATION = "application", "Application"
        KEYS = "keys", "Keys"
        DEPLOYMENT = "deployment", "Deployment"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    subject = models.CharField(max_length=200, help_text="what it is about, in words")
    wanted = models.JSONField(default=dict)
    api = models.ForeignKey(Api, null=True, on_delete=models.SET_NULL, related_name="approvals")
    application = models.ForeignKey(Application, null=True, on_delete=models.SET_NULL, related_name="approvals")
    subscription = models.ForeignKey(Subscription, null=True, on_delete=models.SET_NULL, related_name="approvals")
    business_plan = models.ForeignKey(BusinessPlan, null=True, on_delete=models.SET_NULL, related_name="approvals")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by_name = models.CharField(max_length=150)
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_by_name = models.CharField(max_length=150, blank=True, default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("-asked_at", "id")
        indexes = [models.Index(fields=("state", "asked_at"), name="approvals_by_state")]
        constraints = [
            models.UniqueConstraint(
                fields=("subscription",), condition=Q(state="waiting"), name="one_request_waits_per_subscription"
            ),
            models.UniqueConstraint(
                fields=("api",),
                condition=Q(state="waiting", kind="transition"),
                name="one_transition_waits_per_api",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def is_waiting(self) -> bool:
        return self.state == self.State.WAITING


class ApprovalRules(models.Model):
    """What else needs approval in this installation: one row, or none while nothing does.

    Attributes:
        transitions: actions of the lifecycle (apis.lifecycle.Action) that an administrator approves.
        applications: whether new applications wait, too.
        production_keys, sandbox_keys: whether the first credential of an application for that endpoint waits.
        deployments: whether revisions wait before they reach a gateway environment.
    """

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    transitions = models.JSONField(default=list, blank=True)
    applications = models.BooleanField(default=False)
    production_keys = models.BooleanField(default=False, db_default=False)
    sandbox_keys = models.BooleanField(default=False, db_default=False)
    deployments = models.BooleanField(default=False, db_default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "approval rules"
        verbose_name_plural = "approval rules"

    def __str__(self) -> str:
        return "What needs approval"
