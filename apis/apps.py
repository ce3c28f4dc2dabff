"""The control plane as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ApisConfig(AppConfig):
    name = "apis"
    verbose_name = "API management"
    default_auto_field = "django.db.models.BigAutoField"
