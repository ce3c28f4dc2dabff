"""The terms of subscriptions, written down when they change. Other services call this in their own transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from apis.models import BusinessPlan, Subscription, SubscriptionTerm

_TERMS: Final = (
    "plan",
    "limits",
    "stop_on_quota",
    "billing",
    "amount",
    "currency",
    "cycle",
    "unit_price",
    "unit_events",
)
CHUNK: Final = 400  # ids in one query, below SQLite's limit on variables


def term_of(subscription: Subscription, began_at: datetime) -> SubscriptionTerm:
    """What it runs under now, as a term that is not written yet."""
    api, application = subscription.api, subscription.application
    return SubscriptionTerm(
        subscription_id=subscription.pk,
        api_id=api.pk,
        api_name=api.version_set.name,
        api_version=api.version,
        application_id=application.pk,
        application_name=application.name,
        owner_id=str(application.owner_id),
        owner_name=application.owner.get_username(),
        began_at=began_at,
        **_values(subscription.business_plan),
    )


def _values(plan: BusinessPlan) -> dict[str, Any]:
    same = ("limits", "stop_on_quota", "billing", "currency", "cycle", "unit_price", "unit_events")
    return {"plan": plan.name, "amount": plan.price, **{name: getattr(plan, name) for name in same}}


def terms_begin(subscriptions: Iterable[Subscription]) -> None:
    """Before a change, or right after they were made: each has a term from its beginning on."""
    for some in _chunks(subscriptions):
        ids = [one.pk for one in some]
        known = set(SubscriptionTerm.objects.filter(subscription_id__in=ids).values_list("subscription_id", flat=True))
        SubscriptionTerm.objects.bulk_create([term_of(one, one.created_at) for one in some if one.pk not in known])


def terms_change(subscriptions: Iterable[Subscription]) -> None:
    """After a change: where the terms are others now, the present one ends and another begins."""
    now = timezone.now()
    for some in _chunks(subscriptions):
        rows = SubscriptionTerm.objects.filter(subscription_id__in=[one.pk for one in some], ended_at=None)
        present = {row.subscription_id: row for row in rows}
        begun = []
        for one in some:
            before, after = present.get(one.pk), term_of(one, now)
            if before is None or any(getattr(before, name) != getattr(after, name) for name in _TERMS):
                begun.append(after)
        ended = [present[one.subscription_id].pk for one in begun if one.subscription_id in present]
        SubscriptionTerm.objects.filter(pk__in=ended).update(ended_at=now)
        SubscriptionTerm.objects.bulk_create(begun)


def terms_end(subscriptions: Iterable[Subscription]) -> None:
    """They are about to be deleted."""
    rows = list(subscriptions)
    terms_begin(rows)
    for some in _chunks(rows):
        ids = [one.pk for one in some]
        SubscriptionTerm.objects.filter(subscription_id__in=ids, ended_at=None).update(ended_at=timezone.now())


def of_plan(plan: BusinessPlan) -> list[Subscription]:
    """The subscriptions that run under a plan, with what their terms are made of."""
    rows = Subscription.objects.filter(business_plan=plan)
    return list(rows.select_related("api__version_set", "application__owner", "business_plan"))


def _chunks(subscriptions: Iterable[Subscription]) -> Iterable[list[Subscription]]:
    """Those that run, a few at a time: what was never approved has no terms."""
    rows = [one for one in subscriptions if one.has_right]
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
