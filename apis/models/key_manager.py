"""Who issues the tokens that open APIs: key managers besides the built-in one, and whose their clients are."""

from __future__ import annotations

import uuid

from django.db import models

from apis.models.api import KeyType
from apis.models.application import Application


class KeyManager(models.Model):
    """An authorization server outside of this product. The built-in one has no row (`apis.shapes_key_managers`)."""

    class Validation(models.TextChoices):
        JWKS = "jwks", "Signed tokens (JWKS)"
        INTROSPECTION = "introspection", "Introspection"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True)
    description = models.TextField(blank=True, default="")
    enabled = models.BooleanField(default=True)
    validation = models.CharField(max_length=20, choices=Validation.choices, default=Validation.JWKS)
    issuer = models.CharField(max_length=500, blank=True, default="", help_text="the claim iss of its tokens")
    config = models.JSONField(
        default=dict, help_text="complete, secrets sealed; shape: apis.shapes_key_managers.key_manager"
    )
    # Sessions remember under which terms their token was checked; other terms, and it has to be shown again.
    terms = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            # A token names its issuer, and that must lead to one key manager.
            models.UniqueConstraint(
                fields=("issuer",), condition=~models.Q(issuer=""), name="one_key_manager_per_issuer"
            )
        ]
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class MappedKey(models.Model):
    """A client of a key manager that belongs to an application: its tokens act for that application."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="mapped_keys")
    key_manager = models.ForeignKey(KeyManager, on_delete=models.CASCADE, related_name="mapped_keys")
    key_type = models.CharField(max_length=10, choices=KeyType.choices)
    consumer_key = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("key_manager", "consumer_key"), name="one_application_per_client"),
            models.UniqueConstraint(
                fields=("application", "key_manager", "key_type"), name="one_client_per_key_manager_and_key_type"
            ),
        ]
        ordering = ("key_type", "key_manager__name")

    def __str__(self) -> str:
        return f"{self.consumer_key} of {self.key_manager}"
