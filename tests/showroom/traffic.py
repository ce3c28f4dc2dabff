"""Usage of the last days and sessions that are live, as gateways would have written them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from apis.models import Subscription
from gateway.models import GatewayProcess, LiveSession, UsageMinute, UsageRecord
from tests.apis.connected import live_session

DAYS: Final = 8
STEP: Final = timedelta(minutes=10)


def traffic(subscriptions: Sequence[Subscription]) -> LiveSession:
    """Write all of it. Returns: a live session of the first subscription."""
    now = timezone.now().replace(second=0, microsecond=0)
    rows = []
    for place, subscription in enumerate(subscriptions):
        at = now - timedelta(days=DAYS)
        while at <= now:
            rows.append(_minute(subscription, at, place))
            at += STEP
    UsageMinute.objects.bulk_create(rows)
    UsageRecord.objects.bulk_create(
        _record(subscription, now - number * STEP * 5, number)
        for subscription in subscriptions
        for number in range(1, 200)
    )
    sessions = [
        live_session(
            subscriptions[number % 3],
            started_at=timezone.now() - timedelta(minutes=7 * number + 3),
            client=f"192.0.2.{7 + number}",
            topic="/quotes/{symbol}",
            upstream="wss://market.example.com/socket/quotes/ACME",
            events_in=12 * number,
            events_out=4_217 * (number + 1),
            bytes_in=640 * number,
            bytes_out=1_315_000 * (number + 1),
        )
        for number in range(5)
    ]
    return sessions[0]


def _minute(subscription: Subscription, at: object, place: int) -> UsageMinute:
    hour = at.hour + at.minute / 60  # type: ignore[attr-defined]
    load = max(0.0, math.sin((hour - 5) / 24 * 2 * math.pi)) * (900 / (place + 1)) + 40
    return UsageMinute(
        api_id=subscription.api_id,
        application_id=subscription.application_id,
        subscription_id=subscription.pk,
        minute=at,
        sessions=int(load / 90) + 1,
        events_in=int(load / 8),
        events_out=int(load),
        bytes_in=int(load * 12),
        bytes_out=int(load * 310),
        refused=3 if place == 1 and hour > 14 else 0,
        throttled=int(load / 30) if place == 2 else 0,
    )


def _record(subscription: Subscription, ended: datetime, number: int) -> UsageRecord:
    """A session of its own: some are short, some go on for hours."""
    ms = 400 * (number % 7 + 1) ** (number % 5 + 1)
    by, code = (("client", 1000), ("client", 1001), ("upstream", 1000), ("gateway", 4408))[number % 4]
    return UsageRecord(
        session_id=f"{subscription.pk}-{number}",
        sequence=0,
        api_id=subscription.api_id,
        application_id=subscription.application_id,
        subscription_id=subscription.pk,
        plan=subscription.business_plan.name,
        hour=ended.replace(minute=0),
        started_at=ended - timedelta(milliseconds=ms),
        ended_at=ended,
        sessions=1,
        events_in=number,
        events_out=number * 8,
        bytes_in=number * 90,
        bytes_out=number * 2_500,
        connection_ms=ms,
        close_code=code,
        initiator=by,
    )


def heartbeat() -> None:
    """What a gateway says every few seconds: that it and its sessions are there."""
    now = timezone.now()
    GatewayProcess.objects.update(seen_at=now)
    LiveSession.objects.update(counted_at=now)
