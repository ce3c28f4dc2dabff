"""What lets an application, or anybody, use an API: a subscription, or a business plan that needs none.

Plain functions that ask the database (call them off the loop), like `gateway.snapshots`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from apis.models import Api, Application, BusinessPlan
from gateway import snapshots
from gateway.core.identifying import for_address
from gateway.core.snapshot import ANONYMOUS, FREE, TEST_KEY, Entitlement, PlanSnapshot
from gateway.core.throttling import Limit

ANYBODY: Final = "Anybody"
# Where an API offers no plan for it and none has the flag at all: what the seeded plan says (CONTRACT section 3).
_FALLBACK: Final = PlanSnapshot(name="Subscriptionless", limits=(Limit("events", 10_000, "day"),))


def load_entitlement(application_id: str, api_id: str) -> Entitlement | None:
    """What lets an application ("": anybody at a topic without security) use an API, or None. One to three queries."""
    if not application_id:
        return _of_anybody(api_id)
    return snapshots.load_entitlement(application_id, api_id) or _without_subscription(application_id, api_id)


def _free_plan(api_id: str) -> BusinessPlan | None:
    """The plan of an API that needs no subscription; by name if it offers several."""
    return BusinessPlan.objects.filter(apis__pk=api_id, subscriptionless=True).order_by("name").first()


def _without_subscription(application_id: str, api_id: str) -> Entitlement | None:
    plan = _free_plan(api_id)
    if plan is None:
        return None
    application = Application.objects.select_related("owner", "plan").filter(pk=application_id).first()
    if application is None:
        return None
    return Entitlement(
        subscription_id=f"{FREE}:{application_id}:{api_id}",
        api_id=api_id,
        application_id=application_id,
        application_name=application.name,
        owner_id=str(application.owner_id),
        owner_active=application.owner.is_active,
        business_plan=snapshots.business_plan(plan),
        application_plan=snapshots.application_plan(application.plan),
        kind=FREE,
    )


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
        business_plan=_FALLBACK if plan is None else snapshots.business_plan(plan),
        kind=ANONYMOUS,
    )


def load_again(known: Iterable[tuple[Entitlement, str]]) -> dict[str, Entitlement]:
    """These entitlements as they are now, by their subscription id; what nobody is entitled to any more is left out.

    Args:
        known: each with the IP address of its client.
    """
    unique = {entitlement.subscription_id: (entitlement, client) for entitlement, client in known}
    rows = [name for name, (entitlement, _) in unique.items() if entitlement.kind == "subscription"]
    found = snapshots.load_entitlements(rows)
    offers: dict[tuple[str, str], Entitlement | None] = {}
    for name, (entitlement, client) in unique.items():
        if entitlement.kind == TEST_KEY:
            found[name] = entitlement  # what a test key may does not change; whether it is valid is asked elsewhere
        elif entitlement.kind != "subscription":
            asked = entitlement.application_id, entitlement.api_id
            if asked not in offers:
                offers[asked] = (
                    _of_anybody(asked[1]) if entitlement.kind == ANONYMOUS else _without_subscription(*asked)
                )
            offer = offers[asked]
            if offer is not None:
                found[name] = for_address(offer, client) if offer.kind == ANONYMOUS else offer
    return found
