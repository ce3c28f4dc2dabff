"""Fills an empty database with APIs, people and what they do. Everything goes through the services."""

from __future__ import annotations

import io
from typing import Any, Final

from oauth2_provider.models import AccessToken
from PIL import Image, ImageDraw, ImageFont

from apis.models import (
    Api,
    Application,
    Approval,
    ApprovalRules,
    Environment,
    HistoryEntry,
    KeyPair,
    Person,
    Subscription,
)
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
    topics,
)
from tests.showroom import catalogue
from tests.showroom.catalogue import BACK, PASSWORD
from tests.showroom.traffic import traffic

ROLES: Final[dict[str, list[str]]] = {
    "adam": ["administrator"],
    "paul": ["creator", "publisher"],
    "carol": ["creator"],
    "sam": ["subscriber"],
    "lena": ["subscriber"],
    "mika": ["subscriber"],
    "vic": [],
}
TOPICS: Final = (
    {"name": "/quotes/{symbol}", "publish": False, "subscribe_scopes": ["market:read"]},
    {"name": "/orders", "publish_scopes": ["market:trade"], "url_mapping": "/v2/orders"},
    {"name": "/heartbeat", "publish": False, "security": "none"},
)


def build() -> dict[str, str]:
    """Fill the database. Returns: ids of what there is, by what it is (`tests.apis.addresses`)."""
    actors = _people()
    adam, paul = actors["adam"], actors["paul"]
    for name in ("Finance", "Real time", "Collaboration"):
        category = categories.category_create(actor=adam, name=name, description=f"{name}, as people look for it.")
    made = {shown.name: _api(paul, shown) for shown in catalogue.SHOWN}
    market = made["MarketData"]
    ids = {"api": str(market.pk), "version_set": str(market.version_set_id), "category": str(category.pk)}
    ids |= _ids(_said(actors, market))
    ids |= _ids(_taken(actors, made))
    ids |= _ids(_administered(actors))
    _changed(paul, market)
    ids["client_id"] = KeyPair.objects.get(client=ids["client"]).client.client_id
    ids["entry"] = str(HistoryEntry.objects.filter(api=market, action="update").latest("at").pk)
    return ids


def _ids(rows: dict[str, Any]) -> dict[str, str]:
    return {name: str(row.pk) for name, row in rows.items()}


def _people() -> dict[str, Actor]:
    made = {
        name: Person.objects.create_user(name, f"{name}@example.com", PASSWORD, roles=roles)
        for name, roles in ROLES.items()
    }
    actors = {name: Actor.of(person) for name, person in made.items()}
    demo.seed_essentials(actors["adam"])
    return actors


def _api(paul: Actor, shown: catalogue.Shown) -> Api:
    api = designs.api_create(
        actor=paul,
        name=shown.name,
        context=shown.context,
        version=shown.version,
        endpoint=f"wss://{shown.context.strip('/')}.example.com/socket",
        business_plans=shown.plans,
        description=shown.about,
        tags=shown.tags,
        display_name=shown.title,
    )
    designs.api_update(actor=paul, api=api, categories=list(shown.categories))
    if shown.picture:
        thumbnails.thumbnail_set(actor=paul, api=api, content=_picture(*shown.picture))
    for action in shown.steps:
        api = publishing.api_transition(actor=paul, api=api, action=action)
    return api


def _picture(light: str, dark: str, letter: str) -> bytes:
    image = Image.new("RGB", (240, 240), light)
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, 240), (240, 0), (240, 240)], fill=dark)
    draw.text((120, 120), letter, fill="#ffffff", anchor="mm", font=ImageFont.load_default(130))
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def _said(actors: dict[str, Actor], api: Api) -> dict[str, Any]:
    paul = actors["paul"]
    made: dict[str, Any] = {
        "document": documents.document_create(
            actor=paul,
            api=api,
            name="First steps",
            summary="From a subscription to a quote.",
            content=catalogue.DOCUMENT,
        ),
        "shared_scope": scopes.scope_create(actor=paul, name="account", display_name="Your account"),
        "scope": scopes.scope_create(actor=paul, name="market:read", display_name="Read quotes", api=api),
    }
    scopes.scope_create(actor=paul, name="market:trade", display_name="Send orders", api=api, roles=["subscriber"])
    documents.document_create(
        actor=paul, api=api, name="Status", type="support_forum", url="https://status.example.com/"
    )
    documents.document_create(
        actor=paul,
        api=api,
        name="How it is made",
        upload=documents.Upload("map.png", _picture("#0f766e", "#134e4a", "M")),
    )
    topics.topics_replace(actor=paul, api=api, topics=list(TOPICS))
    for number, (name, text) in enumerate(catalogue.TALK):
        comment = comments.comment_create(actor=actors[name], api=api, content=text)
        made["rating"] = ratings.rating_set(actor=actors[name], api=api, rating=5 - number % 2)
        if number == 0:
            made["comment"] = comment
            made["reply"] = comments.comment_create(actor=paul, api=api, content=catalogue.REPLY, reply_to=comment.pk)
    designs.api_update(
        actor=paul,
        api=api,
        business={"business_owner": "Priya Nair", "business_owner_email": "priya@example.com",
                  "technical_owner": "Paul Adeyemi", "technical_owner_email": "paul@example.com"},
        properties=[{"name": "cost-centre", "value": "4711", "show_in_devportal": False},
                    {"name": "region", "value": "eu-west", "show_in_devportal": True}],
    )  # fmt: skip
    return made


def _taken(actors: dict[str, Actor], made: dict[str, Api]) -> dict[str, Any]:
    """Applications, keys, subscriptions in every state, and what went through them."""
    sam, adam, paul = actors["sam"], actors["adam"], actors["paul"]
    plan = plans.business_plan_create(
        actor=adam, name="Partner", description="By agreement.", approval=True,
        limits=[{"kind": "events", "amount": 100_000, "per": "minute"}],
    )  # fmt: skip
    market = made["MarketData"]
    designs.api_update(actor=paul, api=market, business_plans=["Bronze", "Silver", "Gold", "Partner"])
    desk = subscribing.application_create(
        actor=sam, name="Trading Desk", description="Two screens in the dealing room."
    )
    pair = keys.keys_generate(
        actor=sam, application=desk, key_type="production",
        grant_types=["client_credentials", "authorization_code"], redirect_uris=[BACK],
    )[0]  # fmt: skip
    keys.token_generate(actor=sam, application=desk, key_type="production")
    subscribed = _subscribed(actors, made, desk)
    manager = key_managers.key_manager_create(
        actor=adam, name="Corporate login", issuer="https://keys.example", jwks_url="https://keys.example/jwks"
    )
    return {
        "application": desk, "application_plan": desk.plan, "client": pair.client, "subscription": subscribed[0],
        "plan": plan,
        "api_key": api_keys.api_key_create(actor=sam, application=desk, key_type="production")[0],
        "key_manager": manager, "approval": Approval.objects.latest("asked_at"), "session": traffic(subscribed),
        "mapped_key": mapping.key_map(
            actor=adam, application=desk, key_manager=manager.name, key_type="sandbox", consumer_key="desk"
        ),
    }  # fmt: skip


def _subscribed(actors: dict[str, Actor], made: dict[str, Api], desk: Application) -> list[Subscription]:
    """Subscriptions to Market Data in every state, and two others of sam's."""
    sam, market = actors["sam"], made["MarketData"]
    subscribed = [subscribing.subscription_create(actor=sam, api=market, application=desk, business_plan="Gold")]
    for name, application, wish in (
        ("lena", "Risk Monitor", "Silver"),
        ("mika", "Mobile app with a name that takes nearly a line", "Bronze"),
        ("lena", "Back office", "Partner"),
    ):
        own = subscribing.application_create(actor=actors[name], name=application)
        subscribed.append(
            subscribing.subscription_create(actor=actors[name], api=market, application=own, business_plan=wish)
        )
    subscribing.subscription_block(actor=actors["paul"], subscription=subscribed[2], what="production")
    for name in ("FleetTracker", "SupportChat"):
        subscribed.append(
            subscribing.subscription_create(actor=sam, api=made[name], application=desk, business_plan="Bronze")
        )
    return subscribed


def _administered(actors: dict[str, Actor]) -> dict[str, Any]:
    adam = actors["adam"]
    limits = [{"kind": "events", "amount": 600, "per": "minute"}]
    return {
        "role": custom_roles.role_create(actor=adam, name="traders", description="People of the dealing room."),
        "environment": Environment.objects.all()[0],
        "approval_rules": ApprovalRules.objects.get_or_create()[0],
        "access_token": AccessToken.objects.latest("id"),
        "api_plan": plans.api_plan_create(actor=adam, name="Calm", limits=limits),
        "custom_plan": plans.custom_plan_create(actor=adam, name="Each person", key="{user}", limits=limits),
        "deny_policy": denying.deny_policy_create(actor=adam, ip="203.0.113.9"),
        "management_client": clients.client_register(
            actor=adam, name="Deployer", redirect_uris=["https://deployer.example/back"]
        )[0],
        "token": people.personal_token_mint(person=Person.objects.get(username="sam"), name="Build server")[0],
        "person": Person.objects.get(username="sam"),
    }


def _changed(paul: Actor, api: Api) -> None:
    """Revisions, one of them deployed, and a working copy that has moved on."""
    publishing.revision_create(actor=paul, api=api, description="Orders have a topic of their own")
    api = Api.objects.get(pk=api.pk)
    designs.api_update(actor=paul, api=api, tags=["finance", "prices", "streaming", "orders"])
