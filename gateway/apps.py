"""The data plane as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Gateway"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and listen to what the control plane of this process changes."""
        from gateway import checks, memory, observing, reaching, waking  # noqa: F401, PLC0415  (models must be loaded first)

        memory.listen()
        waking.herald.listen()
        observing.answer()
        reaching.answer()
