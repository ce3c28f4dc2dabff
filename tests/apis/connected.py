"""Rows of the directory of live sessions, as a gateway process would write them."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.utils import timezone

from apis.models import Subscription
from gateway.models import GatewayProcess, LiveSession

_numbers = count(1)


def live_session(subscription: Subscription, **facts: Any) -> LiveSession:
    """A session of sam's that somebody has just counted."""
    now = timezone.now()
    process, _ = GatewayProcess.objects.get_or_create(
        pid=7, defaults={"host": "gateway-1", "started_at": now, "seen_at": now}
    )
    api, application = subscription.api, subscription.application
    row = {
        "id": f"{next(_numbers):032x}",
        "process": process,
        "api_id": api.pk,
        "api_name": api.name,
        "api_version": api.version,
        "application_id": application.pk,
        "application_name": application.name,
        "subscription_id": subscription.pk,
        "plan": subscription.business_plan.name,
        "person": str(application.owner_id),
        "token_kind": "oauth",
        "token_id": "1",
        "key_type": "production",
        "scopes": ["rooms:read"],
        "client": "192.0.2.7",
        "origin": "https://shop.example",
        "upstream": "wss://chat.example.com/socket",
        "started_at": now,
        "counted_at": now,
    }
    return LiveSession.objects.create(**{**row, **facts})
