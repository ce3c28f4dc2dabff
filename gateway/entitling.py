"""What lets an application, or anybody, use an API: a subscription, or a business plan that needs none.

Plain functions that ask the database (call them off the loop), like `gateway.snapshots`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from apis.models import Api, Application, BusinessPlan, Subscription
from apis.permissions import Actor, can_see_offer
from gateway import snapshots, snapshots_plans
from gateway.batches import chunks
from gateway.core.identifying import for_address
from gateway.core.snapshot import ANONYMOUS, FREE, TEST_KEY, Entitlement, PlanSnapshot
from gateway.core.throttling import Limit

ANYBODY: Final = "Anybody"
UNBLOCKED: Final = Subscription.State.UNBLOCKED.value
# Where an API offers no plan for it and none has the flag at all: what the seeded plan says (CONTRACT section 3).
_FALLBACK: Final = PlanSnapshot(name="Subscriptionless", limits=(Limit("events", 10_000, "day"),))


def load_entitlement(application_id: str, api_id: str) -> Entitlement | None:
    """What lets an application ("": anybody at a topic without security) use an API, or None. One to three queries."""
    if not application_id:
        return _of_anybody(api_id)
    subscribed = snapshots.load_entitlement(application_id, api_id)
    if subscribed is not None:
        return subscribed
    return _without_subscription([application_id], api_id).get(application_id)


def _free_plan(api_id: str) -> BusinessPlan | None:
    """The plan of an API that needs no subscription; by name if it offers several."""
    return BusinessPlan.objects.filter(apis__pk=api_id, subscriptionless=True).order_by("name").first()


def _without_subscription(application_ids: Iterable[str], api_id: str) -> dict[str, Entitlement]:
    """What lets these applications use an API without a subscription, by application. Four queries for CHUNK of them.

    Only applications of people who may subscribe under that plan: who see the API in the developer portal, and to whom
    the plan is open. Nobody has let the others in. One that has a subscription all the same, made while it was
    connected, is blocked where that one is.
    """
    offered = _free_plan(api_id)
    if offered is None:
        return {}
    api = Api.objects.filter(pk=api_id).first()
    if api is None:
        return {}
    plan = snapshots_plans.business_plan(offered)
    found: dict[str, Entitlement] = {}
    for chunk in chunks(application_ids):
        subscribed = Subscription.objects.filter(api__pk=api_id, application__pk__in=chunk)
        subscribed = subscribed.exclude(state__in=Subscription.WITHOUT_RIGHT)
        states = dict(subscribed.values_list("application_id", "state"))
        for row in Application.objects.select_related("owner", "plan").filter(pk__in=chunk):
            if not (can_see_offer(Actor.of(row.owner), api) and offered.open_to(row.owner)):
                continue
            found[str(row.pk)] = Entitlement(
                subscription_id=f"{FREE}:{row.pk}:{api_id}",
                api_id=api_id,
                application_id=str(row.pk),
                application_name=row.name,
                owner_id=str(row.owner_id),
                state=states.get(row.pk, UNBLOCKED),
                owner_active=row.owner.is_active,
                business_plan=plan,
                application_plan=snapshots_plans.application_plan(row.plan),
                kind=FREE,
            )
    return found


def _of_anybody(api_id: str) -> Entitlement | None:
    """What one address may: by the API's plan that needs no subscription, else by the one everybody knows."""
    if not Api.objects.filter(pk=api_id).exists():
        return None
    plan = _free_plan(api_id) or BusinessPlan.objects.filter(subscriptionless=True).order_by("name").first()
    return Entitlement(
        subscription_id=f"{ANONYMOUS}:{api_id}:",
        api_id=api_id,
        application_id="",
        application_name=ANYBODY,
        owner_id="",
        business_plan=_FALLBACK if plan is None else snapshots_plans.business_plan(plan),
        kind=ANONYMOUS,
    )


def load_again(known: Iterable[tuple[Entitlement, str]]) -> dict[str, Entitlement]:
    """These entitlements as they are now, by their subscription id; what nobody is entitled to any more is left out.

    Args:
        known: each with the IP address of its client.
    """
    kinds: dict[str, dict[str, tuple[Entitlement, str]]] = defaultdict(dict)
    for entitlement, client in known:
        kinds[entitlement.kind][entitlement.subscription_id] = entitlement, client
    found = snapshots.load_entitlements(kinds["subscription"])
    # what a test key may does not change; whether it is valid is asked elsewhere
    found.update((name, entitlement) for name, (entitlement, _) in kinds[TEST_KEY].items())
    for api_id, free in _by_api(kinds[FREE]).items():
        offers = _without_subscription([entitlement.application_id for entitlement, _ in free], api_id)
        found.update((offer.subscription_id, offer) for offer in offers.values())
    for api_id, anonymous in _by_api(kinds[ANONYMOUS]).items():
        offer = _of_anybody(api_id)
        if offer is not None:
            found.update((one.subscription_id, for_address(offer, client)) for one, client in anonymous)
    return found


def _by_api(known: dict[str, tuple[Entitlement, str]]) -> dict[str, list[tuple[Entitlement, str]]]:
    by_api: dict[str, list[tuple[Entitlement, str]]] = defaultdict(list)
    for entitlement, client in known.values():
        by_api[entitlement.api_id].append((entitlement, client))
    return by_api
