"""sam's subscription to Chat under a plan that costs something, and some usage of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from apis.models import Api, Application, BusinessPlan, Person, Subscription, SubscriptionTerm
from apis.permissions import Actor
from apis.services import designs, plans, subscribing
from gateway.core.records import Tally, UsageKey
from gateway.models import UsageRecord
from gateway.usage import write

NOVEMBER = datetime(2024, 11, 1, tzinfo=UTC)
PRICED = {"billing": "commercial", "price": "9.90", "unit_price": "0.50", "unit_events": 1000}


def priced(adam: Person, api: Api, name: str = "Paid", **values: Any) -> BusinessPlan:
    """A plan that costs something, on offer at an API."""
    plan = plans.business_plan_create(actor=Actor.of(adam), name=name, **{**PRICED, **values})
    designs.api_update(
        actor=Actor.of(adam), api=api, business_plans=[*[one.name for one in api.business_plans.all()], name]
    )
    return plan


def subscribed(who: Person, api: Api, application: Application, plan: str, at: datetime = NOVEMBER) -> Subscription:
    """A subscription that began at a moment."""
    row = subscribing.subscription_create(actor=Actor.of(who), api=api, application=application, business_plan=plan)
    Subscription.objects.filter(pk=row.pk).update(created_at=at)
    SubscriptionTerm.objects.filter(subscription_id=row.pk).update(began_at=at)
    return row


def changed(row: Subscription, at: datetime) -> None:
    """The last change of its terms was at this moment."""
    last = SubscriptionTerm.objects.filter(subscription_id=row.pk).order_by("-id")[:2]
    SubscriptionTerm.objects.filter(pk=last[0].pk).update(began_at=at)
    SubscriptionTerm.objects.filter(pk=last[1].pk).update(ended_at=at)


def used(row: Subscription, at: datetime, events: int, plan: str = "", **facts: Any) -> UsageRecord:
    """A session of a minute that began at a moment and sent so many messages, as the gateway writes it."""
    key = UsageKey(str(row.api_id), str(row.application_id), str(row.pk))
    hour = at.replace(minute=0, second=0, microsecond=0)
    values: dict[str, Any] = {
        "session_id": f"s-{uuid4()}",
        "sequence": 0,
        "api_name": row.api.version_set.name,
        "api_version": row.api.version,
        "application_name": row.application.name,
        "plan": plan or row.business_plan.name,
        "key_type": "production",
        "hour": hour,
        "started_at": at,
        "ended_at": at + timedelta(minutes=1),
        "sessions": 1,
        "events_in": events,
        "bytes_in": 10 * events,
        "connection_ms": 60_000,
        "close_code": 1000,
        "initiator": "client",
        **facts,
    }
    write({(key, int(at.timestamp()) // 60 * 60): Tally(1, events, 0, 10 * events)})
    return UsageRecord.objects.create(
        api_id=row.api_id, application_id=row.application_id, subscription_id=row.pk, **values
    )
