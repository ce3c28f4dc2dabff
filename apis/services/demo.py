"""What `up` puts into an empty database, once (CONTRACT section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apis.models import Api, Environment, HistoryEntry, Person
from apis.permissions import Actor
from apis.roles import Capability, Role
from apis.services import configuring, plans, publishing, subscribing
from apis.services.record import record

DEMO_PORT = 9998
MOVED = "move_demo"  # the newest of these, or of the seed, says where the demo backend was last
PEOPLE: dict[str, tuple[Role, ...]] = {
    "admin": (Role.ADMINISTRATOR,),
    "creator": (Role.CREATOR,),
    "publisher": (Role.CREATOR, Role.PUBLISHER),
    "subscriber": (Role.SUBSCRIBER,),
    "visitor": (),
}
_PER_MINUTE = {"Gold": 5000, "Silver": 2000, "Bronze": 1000}
_PER_DAY = {"AsyncGold": 50_000, "AsyncSilver": 25_000, "AsyncBronze": 5_000, "Subscriptionless": 10_000}
_UNLIMITED = {
    "Unlimited": "No limits.",
    "AsyncUnlimited": "No limits, for streaming APIs.",
}
_APPLICATION = {"50PerMin": 50, "20PerMin": 20, "10PerMin": 10}


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a first start made.

    Attributes:
        people: user names; each password is the user name.
    """

    people: tuple[str, ...]


def _events(amount: int, per: str) -> list[dict[str, Any]]:
    return [{"kind": "events", "amount": amount, "per": per}]


def _seed_plans(admin: Actor) -> None:
    for name, text in _UNLIMITED.items():
        plans.business_plan_create(actor=admin, name=name, description=text)
    for per, amounts in (("minute", _PER_MINUTE), ("day", _PER_DAY)):
        for name, amount in amounts.items():
            text = f"{amount:,} events per {per}."
            if name == "Subscriptionless":
                text += " For APIs that need no subscription."
            free = name == "Subscriptionless"
            plans.business_plan_create(
                actor=admin, name=name, description=text, limits=_events(amount, per), subscriptionless=free
            )
    plans.application_plan_create(actor=admin, name="Unlimited", description="No limits.")
    for name, amount in _APPLICATION.items():
        plans.application_plan_create(
            actor=admin, name=name, description=f"{amount} events per minute.", limits=_events(amount, "minute")
        )


@transaction.atomic
def seed_essentials(admin: Actor) -> None:
    """Plans and the Default environment: what any installation starts with."""
    Environment.objects.create(
        name=publishing.DEFAULT_ENVIRONMENT, description="The built-in gateway.", ws_port=9099, wss_port=8099
    )
    _seed_plans(admin)


@transaction.atomic
def seed() -> Seeded | None:
    """Fill an empty database with people, plans, and one published API that works.

    Returns: what was made, or None where there are people already.
    """
    if Person.objects.exists():
        return None
    people = {
        name: Person.objects.create_user(name, f"{name}@example.com", name, roles=[role.value for role in roles])
        for name, roles in PEOPLE.items()
    }
    actors = {name: Actor.of(person) for name, person in people.items()}
    seed_essentials(actors["admin"])
    api = publishing.api_create_and_publish(
        actor=actors["publisher"],
        name="Echo",
        context="/echo",
        version="1.0.0",
        endpoint=_demo_url(DEMO_PORT),
        business_plans=["Unlimited", "Bronze"],
        description="Sends every message back. Try /ticker for one message a second.",
        tags=["demo"],
    )
    application = subscribing.application_create(actor=actors["subscriber"], name="DefaultApplication")
    subscribing.subscription_create(
        actor=actors["subscriber"], api=api, application=application, business_plan="Unlimited"
    )
    record(actors["admin"], "seed", api, demo_port=DEMO_PORT)
    return Seeded(tuple(people))


def _demo_url(port: int) -> str:
    return f"ws://localhost:{port}"


def _moved(url: str, old: str, new: str) -> str:
    """The same path at the demo backend, where it is one of its URLs."""
    return new + url.removeprefix(old) if url == old or url.startswith((f"{old}/", f"{old}?")) else url


@transaction.atomic
def relocate(demo_port: int) -> None:
    """Point the seeded API at where the demo backend listens in this start, unless it got another endpoint."""
    entry = HistoryEntry.objects.filter(action__in=("seed", MOVED)).first()
    if entry is None or entry.detail["demo_port"] == demo_port:
        return
    old, new = _demo_url(entry.detail["demo_port"]), _demo_url(demo_port)
    for api in Api.objects.filter(provider__username__in=PEOPLE).select_related("version_set", "provider"):
        for endpoint in api.endpoints.all():
            urls = [{**item, "url": _moved(item["url"], old, new)} for item in endpoint.config["urls"]]
            if urls != endpoint.config["urls"]:
                configuring.endpoint_configure(
                    actor=Actor(api.provider, frozenset({Capability.DESIGN_APIS})),  # whatever their roles are by now
                    api=api,
                    key_type=endpoint.key_type,
                    config={**endpoint.config, "urls": urls},
                )
    HistoryEntry.objects.create(
        actor=entry.actor, actor_name=entry.actor_name, subject=entry.subject, action=MOVED,
        detail={"demo_port": demo_port},
    )  # fmt: skip
