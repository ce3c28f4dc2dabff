"""Samples: whole APIs to begin with, whose backend is the demo backend of `up`. They are made by the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from apis.errors import Missing
from apis.models import Api, BusinessPlan, Scope, VersionSet
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import configuring, designs, scopes, securing, topics
from apis.services.demo import DEMO_PORT
from apis.shapes_topics import SCOPE_FIELDS
from apis.words import phrase

TRIES: Final = 1_000  # suffixes that are looked at


@dataclass(frozen=True, slots=True)
class Sample:
    """An API that can be made as it is.

    Attributes:
        slug: its name in addresses.
        about: what there is to learn from it, in a sentence.
        api_name, context, version: what it is called, where these are free.
        description: of the API it becomes, Markdown.
        topics: in the shape of `apis.shapes_topics`; scopes by their last word.
        scopes: last word of the name -> what it is for; the first word is that of the context.
        plans: those of these that there are.
        paths: key type -> path at the demo backend.
        runtime, security: what differs from a new API.
    """

    slug: str
    title: str
    about: str
    api_name: str
    context: str
    description: str
    version: str = "1.0.0"
    topics: tuple[Mapping[str, Any], ...] = ({"name": "/*"},)
    scopes: Mapping[str, str] = field(default_factory=dict)
    plans: tuple[str, ...] = ("Bronze",)
    tags: tuple[str, ...] = ("sample",)
    paths: Mapping[str, str] = field(default_factory=lambda: {"production": "", "sandbox": ""})
    runtime: Mapping[str, Any] = field(default_factory=dict)
    security: Mapping[str, Any] = field(default_factory=dict)

    @property
    def endpoints(self) -> dict[str, str]:
        """Key type -> URL; none in production, where no demo backend runs."""
        if settings.MODE == "serve":
            return {}
        base = f"ws://localhost:{DEMO_PORT + settings.PORT_OFFSET}"
        return {key_type: base + path for key_type, path in self.paths.items()}


SAMPLES: Final = (
    Sample(
        slug="echo",
        title=phrase("Echo"),
        about=phrase("The smallest API there is: one topic for everything, and every message comes back."),
        api_name="Echo sample",
        context="/echo-sample",
        description="Sends every message back, text or binary.\n\nTry `hello`.",
    ),
    Sample(
        slug="ticker",
        title=phrase("Ticker"),
        about=phrase("A topic that only receives, one that only sends, and URL mappings that lead to other paths."),
        api_name="Ticker",
        context="/ticker",
        description="One JSON message a second at `/prices`.\n\nWhat is sent to `/orders` is taken without an answer.",
        topics=(
            {"name": "/prices", "publish": False, "url_mapping": "/ticker"},
            {"name": "/orders", "subscribe": False, "url_mapping": "/silent"},
        ),
        plans=("Bronze", "Silver"),
    ),
    Sample(
        slug="chat",
        title=phrase("Chat rooms"),
        about=phrase("Topics with a parameter, and scopes that say who may read and who may write."),
        api_name="Chat rooms",
        context="/chat",
        description="Rooms by name: `/rooms/blue`. Reading and writing each need a scope; the lobby needs none.",
        topics=(
            {
                "name": "/rooms/{roomID}",
                "url_mapping": "/rooms?room={uri.var.roomID}",
                "subscribe_scopes": ["read"],
                "publish_scopes": ["write"],
            },
            {"name": "/lobby"},
        ),
        scopes={"read": "Read what is said in rooms", "write": "Say something in rooms"},
        plans=("Bronze", "Gold"),
        runtime={"max_message_bytes": 4_096, "max_sessions_per_application": 100},
    ),
    Sample(
        slug="feed",
        title=phrase("Feed"),
        about=phrase(
            "Read-only, for programs with API keys, too; a sandbox that is silent, and limits on every connection."
        ),
        api_name="Feed",
        context="/feed",
        description="A stream to read. The sandbox connects and stays silent, so that nothing is used up by tests.",
        topics=({"name": "/*", "publish": False},),
        plans=("AsyncBronze", "AsyncUnlimited"),
        paths={"production": "/ticker", "sandbox": "/silent"},
        runtime={"max_session_s": 3_600, "keepalive_s": 30, "max_sessions_per_ip": 20},
        security={"schemes": ["oauth", "api_key"]},
    ),
)
_BY_SLUG: Final = {sample.slug: sample for sample in SAMPLES}


def sample_get(slug: str) -> Sample:
    """Raises: Missing."""
    if slug not in _BY_SLUG:
        raise Missing("There is no such sample.")
    return _BY_SLUG[slug]


def proposal(sample: Sample) -> dict[str, str]:
    """Name, context and version that are free: the sample's own, or with the lowest number that makes them so."""
    rows = VersionSet.objects.filter(name__istartswith=sample.api_name) | VersionSet.objects.filter(
        context__startswith=sample.context
    )
    names: set[str] = set()
    contexts: set[str] = set()
    for name, context in rows.values_list("name", "context"):
        names.add(name.lower())
        contexts.add(context)
    for number in range(1, TRIES):
        name = sample.api_name if number == 1 else f"{sample.api_name} {number}"
        context = sample.context if number == 1 else f"{sample.context}-{number}"
        if name.lower() not in names and context not in contexts:
            break
    return {"name": name, "context": context, "version": sample.version}


@transaction.atomic
def sample_create(
    *, actor: Actor, sample: Sample, name: str | None = None, context: str | None = None, version: str | None = None
) -> Api:
    """Make the API of a sample, in state created: design, topics, scopes, endpoints, limits, or nothing of it.

    Args:
        name, context, version: None for what `proposal` says.

    Raises: Forbidden without the creator role; Invalid; Taken.
    """
    actor.require(Capability.DESIGN_APIS)
    free = proposal(sample)
    given = {"name": name, "context": context, "version": version}
    identity = {key: free[key] if value is None else value for key, value in given.items()}
    plans = BusinessPlan.objects.filter(name__in=sample.plans).values_list("name", flat=True)
    api = designs.api_create(
        actor=actor, **identity, business_plans=list(plans), description=sample.description, tags=list(sample.tags)
    )
    for key_type, url in sample.endpoints.items():
        configuring.endpoint_configure(actor=actor, api=api, key_type=key_type, config={"urls": [{"url": url}]})
    full_names = {word: f"{_first_word(api)}.{word}" for word in sample.scopes}
    for word, text in sample.scopes.items():
        scopes.scope_create(actor=actor, name=full_names[word], api=api, display_name=text)
    rows = [_with_scopes(topic, full_names) for topic in sample.topics]
    topics.topics_replace(actor=actor, api=api, topics=rows)
    if sample.runtime:
        configuring.runtime_configure(actor=actor, api=api, limits=dict(sample.runtime))
    if sample.security:
        securing.security_configure(actor=actor, api=api, settings=dict(sample.security))
    return api


def _first_word(api: Api) -> str:
    """What the scopes of this API begin with: its context, with a number behind where others begin so."""
    letters = [char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in api.context]
    word = "".join(letters).strip("-")[:40] or "api"
    tries = (word if number == 1 else f"{word}-{number}" for number in range(1, TRIES))
    return next(one for one in tries if not Scope.objects.filter(name__startswith=f"{one}.").exists())


def _with_scopes(topic: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    full = {place: [names[word] for word in topic[place]] for place in SCOPE_FIELDS if place in topic}
    return {**topic, **full}
