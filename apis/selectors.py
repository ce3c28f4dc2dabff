"""Reads. Each returns only what the actor may see; "not visible" and "not there" are the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Prefetch, Q, QuerySet, prefetch_related_objects

from apis.errors import Missing
from apis.lifecycle import SUBSCRIBABLE, VISIBLE_TO_DEVELOPERS
from apis.models import (
    Api,
    ApiPlan,
    Application,
    ApplicationPlan,
    BusinessPlan,
    CustomPlan,
    Deployment,
    Environment,
    HistoryEntry,
    KeyPair,
    Person,
    Revision,
    Subscription,
)
from apis.models.counts import count_of
from apis.models.reading import read_when_asked
from apis.permissions import Actor, designs_for, offers_for, owns
from apis.roles import Capability
from apis.shapes_topics import topic_of
from apis.words import phrase

_USUAL_PORTS: Final = {"ws": 80, "wss": 443}  # RFC 6455 section 3
AnyPlan = TypeVar("AnyPlan", BusinessPlan, ApplicationPlan, ApiPlan, CustomPlan)


DESIGN: Final = ("business_plans", "endpoints", "topics", "categories")  # what a design has many of
OFFER: Final = ("business_plans", "topics", "categories")


def _apis(*joined: str) -> QuerySet[Api]:
    """All of them, each with whether it has a thumbnail, whose bytes stay where they are."""
    return Api.objects.select_related("version_set", "provider", "thumbnail", *joined).defer("thumbnail__content")


def one_of(rows: QuerySet[Api], api_id: UUID | str, relations: tuple[str, ...]) -> Api:
    """One of them; its relations are read when they are asked for. Raises: Missing."""
    api = rows.prefetch_related(None).filter(pk=api_id).first()
    if api is None:
        raise Missing("There is no such API.")
    return read_when_asked(api, *relations)


def _designs() -> QuerySet[Api]:
    """All of them, with what a design consists of."""
    return _apis("api_plan").prefetch_related(*DESIGN)


def _deployments() -> Prefetch[Any]:
    return Prefetch("deployments", Deployment.objects.select_related("environment", "revision"))


def apis_visible(actor: Actor) -> QuerySet[Api]:
    """Designs for the publisher portal and REST: those of `permissions.can_see_api`."""
    return _designs().filter(designs_for(actor))


def api_get(actor: Actor, api_id: UUID | str) -> Api:
    """Raises: Missing."""
    return one_of(apis_visible(actor), api_id, DESIGN)


def offers(actor: Actor | None) -> QuerySet[Api]:
    """What is on offer to this person, without what it consists of; None for somebody who has not signed in."""
    return Api.objects.filter(offers_for(actor), state__in=VISIBLE_TO_DEVELOPERS).order_by()


def apis_on_offer(actor: Actor | None) -> QuerySet[Api]:
    """What the developer portal lists for this person; None for somebody who has not signed in."""
    rows = _apis().prefetch_related(*OFFER)
    return rows.filter(offers_for(actor), state__in=VISIBLE_TO_DEVELOPERS)


def api_on_offer(actor: Actor | None, api_id: UUID | str) -> Api:
    """Raises: Missing for an API that the developer portal does not show to this person."""
    return one_of(apis_on_offer(actor), api_id, OFFER)


def apis_readable(actor: Actor) -> QuerySet[Api]:
    """What REST lists: the designs that this person may see, and what is on offer to them."""
    offered = Q(offers_for(actor), state__in=VISIBLE_TO_DEVELOPERS)
    return _designs().filter(designs_for(actor) | offered).prefetch_related(_deployments())


def api_readable(actor: Actor, api_id: UUID | str) -> Api:
    """Raises: Missing."""
    api = apis_readable(actor).filter(pk=api_id).first()
    if api is None:
        raise Missing("There is no such API.")
    return api


def is_subscribable(api: Api) -> bool:
    """Whether new subscriptions are taken now."""
    return api.state in SUBSCRIBABLE and api.business_plans.exists()


def history_of(api: Api) -> QuerySet[HistoryEntry]:
    """What was done to an API, newest first."""
    return api.history.select_related("actor")


def revisions_of(api: Api) -> QuerySet[Revision]:
    """Revisions, newest first, each with where it is deployed."""
    deployments = Prefetch("deployments", Deployment.objects.select_related("environment", "deployed_by"))
    return api.revisions.select_related("created_by").prefetch_related(deployments)


def revision_get(api: Api, number: int) -> Revision:
    """Raises: Missing."""
    revision = revisions_of(api).filter(number=number).first()
    if revision is None:
        raise Missing(phrase("There is no revision {number} of this API.", number=number))
    return revision


def deployments_of(api: Api) -> list[Deployment]:
    """Where an API is deployed, each with its environment and revision; `api` keeps them until it is held."""
    prefetch_related_objects([api], _deployments())
    return list(api.deployments.all())


def gateway_urls(api: Api, environments: list[Environment] | None = None) -> list[str]:
    """Where clients connect to this API: one URL per environment and scheme.

    GATEWAY_URL (an operator's own address) replaces the environments' host and ports; the port offset of this start
    is added to the ports of an environment (CONTRACT section 2).
    """
    rows = list(Environment.objects.all()) if environments is None else environments
    chosen: dict[Any, str] = {}
    if any(row.vhosts for row in rows):  # otherwise there is nothing to choose from
        chosen = {deployment.environment_id: deployment.vhost for deployment in api.deployments.all()}
    bases = [base for row in rows for base in environment_urls(row, chosen.get(row.pk, ""))]
    return [f"{base}{api.path}" for base in dict.fromkeys(bases)]


def environment_urls(row: Environment, vhost: str = "") -> list[str]:
    """Where a gateway environment listens, ws:// first; in production GATEWAY_URL replaces its own host and ports.

    Args:
        vhost: one of its further hosts; "" for its own.
    """
    further: Mapping[str, Any] | None = next((one for one in row.vhosts if vhost and one["host"] == vhost), None)
    if further is not None:
        host, ports = further["host"], (("ws", further["ws_port"]), ("wss", further["wss_port"]))
    elif settings.MODE == "serve":
        return [settings.GATEWAY_URL]
    else:
        host, ports = row.host, (("ws", row.ws_port), ("wss", row.wss_port))
    # In production these are the ports that clients see, and what a scheme has anyway is left out.
    hidden = _USUAL_PORTS if settings.MODE == "serve" else {}
    return [
        f"{scheme}://{host}" + ("" if hidden.get(scheme) == port else f":{port + settings.PORT_OFFSET}")
        for scheme, port in ports
        if port
    ]


def gateway_urls_deployed(api: Api) -> list[str]:
    """Like `gateway_urls`, only where the API is deployed: what a developer can connect to now."""
    environments = [deployment.environment for deployment in deployments_of(api)]
    return gateway_urls(api, environments) if environments else []


def topics_served(api: Api) -> list[dict[str, Any]]:
    """Topics (shape: apis.shapes_topics), each complete: those deployed, or the design's where nothing is."""
    for deployment in deployments_of(api)[:1]:
        return [topic_of(topic) for topic in deployment.design["topics"]]
    return [topic.design for topic in api.topics.all()]


def versions_on_offer(actor: Actor | None, api: Api) -> QuerySet[Api]:
    """The other versions of an API that the developer portal shows to this person, newest first."""
    return apis_on_offer(actor).filter(version_set=api.version_set_id).exclude(pk=api.pk).order_by("-created_at")


def subscriptions_of(application: Application) -> QuerySet[Subscription]:
    """What an application is subscribed to, by the names of the APIs, with what a screen needs of each."""
    rows = application.subscriptions.select_related("api__version_set", "business_plan")
    return rows.prefetch_related("api__business_plans").order_by("api__version_set__name", "-created_at")


def key_pairs_of(application: Application) -> dict[str, KeyPair]:
    """The keys an application's owner has been given, by key type."""
    rows = application.key_pairs.select_related("client", "application").filter(handed_out=True)
    return {pair.key_type: pair for pair in rows}


def applications_of(actor: Actor) -> QuerySet[Application]:
    """The person's own applications; an administrator sees everybody's."""
    counted = Application.objects.annotate(subscription_count=count_of(Subscription.objects.all(), "application"))
    rows = counted.select_related("plan", "owner").order_by("name", "pk")
    if actor.can(Capability.ADMINISTER):
        return rows
    return rows.filter(owner=actor.person) if actor.can(Capability.USE_APPLICATIONS) else rows.none()


def own_applications(actor: Actor) -> QuerySet[Application]:
    """Those a person subscribes with: their own, also for an administrator, who sees everybody's."""
    return applications_of(actor).filter(owner=actor.person)


def application_get(actor: Actor, application_id: UUID | str, **carried: Exists) -> Application:
    """Args: carried: what the row says besides, by name. Raises: Missing."""
    application = applications_of(actor).annotate(**carried).filter(pk=application_id).first()
    if application is None:
        raise Missing("There is no such application.")
    return application


def key_pair_get(actor: Actor, application: Application, key_type: str) -> KeyPair:
    """Raises: Missing."""
    pair = application.key_pairs.select_related("client").filter(key_type=key_type).first()
    if pair is None or not owns(actor, application):
        raise Missing(phrase("This application has no {key_type} keys.", key_type=key_type))
    return pair


def subscriptions_visible(actor: Actor) -> QuerySet[Subscription]:
    """Own applications' subscriptions, and for those who see designs the subscriptions to those APIs."""
    rows = Subscription.objects.select_related(
        "api__version_set", "application__owner", "application__plan", "business_plan"
    )
    if Capability.ADMINISTER in actor.person.capabilities and actor.can(Capability.SEE_APIS):
        return rows
    seen = Q(pk__in=())
    if actor.can(Capability.SEE_APIS):
        seen |= Q(api__in=Api.objects.filter(designs_for(actor)).order_by().values("pk"))
    if actor.can(Capability.USE_APPLICATIONS):
        seen |= Q(application__owner=actor.person)
    return rows.filter(seen)


def subscription_get(actor: Actor, subscription_id: UUID | str) -> Subscription:
    """Raises: Missing."""
    subscription = subscriptions_visible(actor).filter(pk=subscription_id).first()
    if subscription is None:
        raise Missing("There is no such subscription.")
    return subscription


def business_plans() -> QuerySet[BusinessPlan]:
    return BusinessPlan.objects.order_by("name")


def application_plans() -> QuerySet[ApplicationPlan]:
    return ApplicationPlan.objects.order_by("name")


def plan_get(rows: QuerySet[AnyPlan], plan_id: UUID | str) -> AnyPlan:
    """Raises: Missing."""
    plan = rows.filter(pk=plan_id).first()
    if plan is None:
        raise Missing("There is no such plan.")
    return plan


def environments() -> QuerySet[Environment]:
    return Environment.objects.order_by("name")


def environment_get(environment_id: UUID | str) -> Environment:
    """Raises: Missing."""
    row = Environment.objects.filter(pk=environment_id).first()
    if row is None:
        raise Missing("There is no such environment.")
    return row


def people(actor: Actor) -> QuerySet[Person]:
    """Raises: Forbidden for anybody but administrators."""
    actor.require(Capability.ADMINISTER)
    return Person.objects.order_by("username")


def person_get(actor: Actor, person_id: UUID | str) -> Person:
    """Raises: Forbidden for anybody but administrators; Missing."""
    person = people(actor).filter(pk=person_id).first()
    if person is None:
        raise Missing("There is no such person.")
    return person
