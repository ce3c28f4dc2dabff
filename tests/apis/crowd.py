"""A thousand APIs and ten thousand subscriptions, written in seconds: what pages are measured with.

carol provides all APIs, sam owns two hundred of the applications, and Chat has half of the subscriptions.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from apis.models import Api, Application, HistoryEntry, Subscription, VersionSet
from tests.apis.whole_world import World

APIS: Final = 1_000
APPLICATIONS: Final = 5_000
SUBSCRIPTIONS: Final = 10_000


def gather(world: World) -> None:
    """Put everybody into the database, in the transaction that the caller holds."""
    chat = Api.objects.get(pk=world.ids["api"])
    phone = Application.objects.get(pk=world.ids["application"])
    plans = list(chat.business_plans.all())
    carol, eve = world.people["carol"], world.people["eve"]
    sets = VersionSet.objects.bulk_create(
        VersionSet(name=f"Api {number}", context=f"/crowd/{number}") for number in range(APIS)
    )
    apis = Api.objects.bulk_create(
        Api(version_set=one, version="1.0.0", path=f"{one.context}/1.0.0", provider=carol,
            state="published" if number % 2 else "created",
            description="Many of them.", tags=["crowd", f"tag{number % 20}"])
        for number, one in enumerate(sets)
    )  # fmt: skip
    through = Api.business_plans.through
    through.objects.bulk_create(through(api_id=api.pk, businessplan_id=plan.pk) for api in apis for plan in plans)
    applications = Application.objects.bulk_create(
        Application(owner=world.people["sam"] if number < 200 else eve, name=f"App {number}", plan=phone.plan)
        for number in range(APPLICATIONS)
    )
    of_chat = [Subscription(api=chat, application=one, business_plan=plans[0]) for one in applications]
    others = [
        Subscription(
            api=apis[number % APIS], application=applications[number * 7 % APPLICATIONS], business_plan=plans[0]
        )
        for number in range(SUBSCRIPTIONS - APPLICATIONS)
    ]
    Subscription.objects.bulk_create(of_chat + others)
    now = timezone.now()
    HistoryEntry.objects.bulk_create(
        HistoryEntry(api=chat, actor=carol, actor_name="carol", subject=f"Chat 1.0.0 {number}", action="update",
                     detail={"before": {"description": "a"}, "after": {"description": "b"}},
                     at=now - timedelta(minutes=number))
        for number in range(1_000)
    )  # fmt: skip
