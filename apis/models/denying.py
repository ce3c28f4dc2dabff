"""Deny policies: who may not use the gateway, whatever they are subscribed to."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from apis.models.api import Api
from apis.models.application import Application


class DenyPolicy(models.Model):
    """Refuses whoever meets every condition that is set (reference sections 6.3 and 7); at least one is.

    An address is one IP (`ip`), or a range (`ip_from` to `ip_to`, both included); `invert` turns the condition on the
    address round. A policy that is off or has expired refuses nobody.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, null=True, blank=True, on_delete=models.CASCADE, related_name="deny_policies")
    application = models.ForeignKey(
        Application, null=True, blank=True, on_delete=models.CASCADE, related_name="deny_policies"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="deny_policies"
    )
    ip = models.GenericIPAddressField(null=True, blank=True)
    ip_from = models.GenericIPAddressField(null=True, blank=True)
    ip_to = models.GenericIPAddressField(null=True, blank=True)
    invert = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "deny policies"
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        parts = [str(one) for one in (self.api, self.application, self.person) if one is not None]
        if self.address_words:
            parts.append(self.address_words)
        return ", ".join(parts) or "nobody"

    @property
    def address_words(self) -> str:
        """The condition on the address in words, or ""."""
        address = self.ip or (f"{self.ip_from} to {self.ip_to}" if self.ip_from else "")
        return f"not {address}" if address and self.invert else address
