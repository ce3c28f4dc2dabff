"""One of everything, and somebody of every kind: what tests of all addresses look at.

carol provides the API, which only `insiders` may see in the publisher portal: colin creates and is one of them, pia
publishes and is one, olaf creates and is none. sam subscribes to it, eve subscribes to nothing, vic has no role, adam
administers.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.cookies import SimpleCookie
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken
from PIL import Image

from apis.models import Api, Application, ApprovalRules, Environment, HistoryEntry, KeyPair, Person, Subscription
from apis.permissions import Actor
from apis.services import (
    api_keys,
    categories,
    clients,
    comments,
    custom_roles,
    demo,
    denying,
    designs,
    documents,
    key_managers,
    keys,
    mapping,
    people,
    plans,
    publishing,
    ratings,
    scopes,
    subscribing,
    thumbnails,
)
from apis.services.requests import ask_for_subscription
from gateway.models import GatewayProcess
from tests.apis.browsing import browser_of
from tests.apis.connected import live_session
from tests.apis.files import FILES
from tests.conftest import CHAT, PASSWORD
from tests.databases import copied, on_file

NOBODY: Final = "nobody"
ROLES: Final[dict[str, list[str]]] = {
    "vic": [],
    "sam": ["subscriber"],
    "eve": ["subscriber"],
    "carol": ["creator"],
    "colin": ["creator", "insiders"],
    "olaf": ["creator"],
    "pia": ["publisher", "insiders"],
    "adam": ["administrator"],
}
WHO: Final = (NOBODY, *ROLES)
LIMITS: Final = [{"kind": "events", "amount": 5, "per": "minute"}]


@dataclass
class World:
    """Who and what there is.

    Attributes:
        people: by name.
        ids: of what there is, as texts, by what it is.
        cookies: of the browsers in which people signed in.
        tokens: personal tokens with everything that somebody's roles allow.
    """

    people: dict[str, Person]
    ids: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, SimpleCookie] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def browser(self, name: str) -> Client:
        """A browser in which somebody has signed in (NOBODY: nobody has)."""
        client = Client(raise_request_exception=False)
        if name != NOBODY:
            client.cookies = SimpleCookie(self.cookies[name].output(header="", sep=";"))
        return client


@contextmanager
def apart() -> Iterator[None]:
    """A transaction that many tests share and that is undone, in a copy of the database where that is a file.

    It lasts for minutes, and SQLite lets nobody else write meanwhile.
    """
    with ExitStack() as stack:
        if connection.vendor == "sqlite":
            copy = f"{stack.enter_context(TemporaryDirectory())}/apart.sqlite3"
            copied(copy)
            stack.enter_context(on_file(copy))
        stack.enter_context(undone())
        yield


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written here is not written."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def build() -> World:
    """Make everything, in the transaction that the caller holds."""
    world = World({"adam": Person.objects.create_user("adam", "adam@example.com", PASSWORD, roles=ROLES["adam"])})
    adam = Actor.of(world.people["adam"])
    demo.seed_essentials(adam)
    world.ids["role"] = str(custom_roles.role_create(actor=adam, name="insiders").pk)
    custom_roles.role_create(actor=adam, name="partners")
    for name, roles in ROLES.items():
        if name != "adam":
            world.people[name] = Person.objects.create_user(name, f"{name}@example.com", PASSWORD, roles=roles)
    world.tokens = {name: people.personal_token_mint(person=who, name="all")[1] for name, who in world.people.items()}
    world.cookies = {name: browser_of(who).cookies for name, who in world.people.items()}
    category = categories.category_create(actor=adam, name="Live")
    api = _api(world)
    _about(world, api)
    _application(world, api)
    _administered(world)
    world.ids |= {"api": str(api.pk), "version_set": str(api.version_set_id), "category": str(category.pk)}
    world.ids["entry"] = str(HistoryEntry.objects.filter(api=api, action="update").latest("at").pk)
    return world


def _api(world: World) -> Api:
    carol, pia = Actor.of(world.people["carol"]), Actor.of(world.people["pia"])
    design: dict[str, Any] = {**CHAT, "business_plans": []}
    api = designs.api_create(actor=carol, **design)
    designs.api_update(actor=pia, api=api, business_plans=CHAT["business_plans"])
    publishing.api_transition(actor=pia, api=api, action="publish")
    designs.api_update(actor=carol, api=api, description="A **chat**.")
    designs.api_update(actor=Actor.of(world.people["adam"]), api=api, access_roles=["insiders"])
    return api


def _about(world: World, api: Api) -> None:
    carol, adam = Actor.of(world.people["carol"]), Actor.of(world.people["adam"])
    picture = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(picture, "PNG")
    thumbnails.thumbnail_set(actor=carol, api=api, content=picture.getvalue())
    logo = documents.Upload("logo.png", FILES["logo.png"])
    made = {
        "document": documents.document_create(actor=carol, api=api, name="Notes", content="x"),
        "image": documents.document_create(actor=carol, api=api, name="Logo", upload=logo),
        "comment": comments.comment_create(actor=Actor.of(world.people["sam"]), api=api, content="x"),
        "rating": ratings.rating_set(actor=Actor.of(world.people["sam"]), api=api, rating=4),
        "scope": scopes.scope_create(actor=carol, name="local", api=api),
        "shared_scope": scopes.scope_create(actor=adam, name="shared"),
        "plan": api.business_plans.all()[0],
    }
    world.ids |= {name: str(row.pk) for name, row in made.items()}


def _application(world: World, api: Api) -> None:
    sam, adam = Actor.of(world.people["sam"]), Actor.of(world.people["adam"])
    phone: Application = subscribing.application_create(actor=sam, name="Phone")
    pair: KeyPair = keys.keys_generate(
        actor=sam, application=phone, key_type="production", grant_types=["client_credentials"]
    )[0]
    subscription: Subscription = subscribing.subscription_create(
        actor=sam, api=api, application=phone, business_plan="Bronze"
    )
    manager = key_managers.key_manager_create(
        actor=adam, name="Keys", issuer="https://keys.example", jwks_url="https://keys.example/jwks"
    )
    made: dict[str, Any] = {
        "application": phone,
        "application_plan": phone.plan,
        "client": pair.client,
        "subscription": subscription,
        "api_key": api_keys.api_key_create(actor=sam, application=phone, key_type="production")[0],
        "key_manager": manager,
        "mapped_key": mapping.key_map(
            actor=adam, application=phone, key_manager="Keys", key_type="sandbox", consumer_key="phone"
        ),
        "approval": ask_for_subscription(sam, subscription),
        "session": live_session(subscription, counted_at=timezone.now() + timedelta(days=1)),
    }
    world.ids |= {name: str(row.pk) for name, row in made.items()}
    GatewayProcess.objects.update(seen_at=timezone.now() + timedelta(days=1))  # it does not die while tests go on
    keys.token_generate(actor=sam, application=phone, key_type="production")


def _administered(world: World) -> None:
    adam = Actor.of(world.people["adam"])
    made: dict[str, Any] = {
        "environment": Environment.objects.all()[0],
        "approval_rules": ApprovalRules.objects.get_or_create()[0],
        "access_token": AccessToken.objects.latest("id"),
        "api_plan": plans.api_plan_create(actor=adam, name="Calm"),
        "custom_plan": plans.custom_plan_create(actor=adam, name="Own", key="{user}", limits=LIMITS),
        "deny_policy": denying.deny_policy_create(actor=adam, ip="10.0.0.1"),
        "management_client": clients.client_register(
            actor=adam, name="Deployer", redirect_uris=["https://deployer.example/back"]
        )[0],
        "token": people.personal_token_mint(person=world.people["sam"], name="own")[0],
        "person": world.people["sam"],
    }
    world.ids |= {name: str(row.pk) for name, row in made.items()}
