"""Credentials other than OAuth tokens: API keys of applications, and test keys of publishers. Only hashes are kept."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from apis.models.api import Api, KeyType
from apis.models.application import Application


class ApiKey(models.Model):
    """A long-lived secret of one application and key type, for clients that cannot fetch tokens.

    `digest` is the SHA-256 of the key in hex, `hint` its last characters, to tell keys apart. `permitted_ips` are
    addresses and networks, `permitted_referers` patterns (shape: apis.shapes_keys); empty for any.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="api_keys")
    key_type = models.CharField(max_length=10, choices=KeyType.choices)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=8)
    permitted_ips = models.JSONField(default=list, blank=True)
    permitted_referers = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.key_type} API key …{self.hint}"

    @property
    def state(self) -> str:
        """active, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if _over(self.expires_at) else "active"


class TestKey(models.Model):
    """A key of somebody who makes an API, to try what is deployed before anybody can subscribe."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="test_keys")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="test_keys")
    key_type = models.CharField(max_length=10, choices=KeyType.choices)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return f"{self.key_type} test key of {self.person} for {self.api}"


def _over(moment: datetime | None) -> bool:
    return moment is not None and moment <= timezone.now()
