"""Under which terms a subscription ran, and when: what a statement is made of."""

from __future__ import annotations

from django.db import models

from apis.pricing import Price


class SubscriptionTerm(models.Model):
    """One plan at one price, from `began_at` until before `ended_at` (null while it is in force).

    Everything is copied: a statement of last year must not change with the plan of today.
    It outlives the subscription.
    """

    subscription_id = models.UUIDField()
    api_id = models.UUIDField()
    api_name = models.CharField(max_length=50)
    api_version = models.CharField(max_length=30)
    application_id = models.UUIDField()
    application_name = models.CharField(max_length=50)
    owner_id = models.CharField(max_length=36, help_text="the person whose application it was")
    owner_name = models.CharField(max_length=150)
    plan = models.CharField(max_length=50)
    limits = models.JSONField(default=list)
    stop_on_quota = models.BooleanField(default=True)
    billing = models.CharField(max_length=10)
    amount = models.DecimalField(null=True, max_digits=12, decimal_places=2, help_text="for each cycle")
    currency = models.CharField(max_length=3)
    cycle = models.CharField(max_length=5)
    unit_price = models.DecimalField(null=True, max_digits=14, decimal_places=6)
    unit_events = models.PositiveIntegerField(default=1000)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("began_at", "id")
        indexes = [models.Index(fields=("subscription_id", "began_at"), name="terms_of_a_subscription")]

    def __str__(self) -> str:
        return f"{self.application_name} at {self.api_name} {self.api_version}: {self.plan}"

    @property
    def price(self) -> Price:
        """What was paid."""
        return Price(self.billing, self.amount, self.currency, self.cycle, self.unit_price, self.unit_events)
