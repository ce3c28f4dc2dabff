"""Reads about scopes: which an API's topics may name, which a token may carry, and where one is in use.

A scope's name stands for one thing on this gateway, so a token means the same wherever it is shown (RFC 6749 section
3.3). Source: CONTRACT section 4, section 2.3 of the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from apis import selectors
from apis.errors import Missing
from apis.lifecycle import SERVED
from apis.models import Api, ApiPlan, Application, Person, Revision, Scope, Subscription, Topic
from apis.permissions import Actor, can_see_api, offers_for
from apis.shapes_topics import SCOPE_FIELDS, scope_name_problem, scopes_named
from apis.words import phrase


def scopes_shared() -> QuerySet[Scope]:
    """Those that the topics of every API may name."""
    return Scope.objects.filter(version_set__isnull=True)


def scopes_local(api: Api) -> QuerySet[Scope]:
    """Those of this API alone, in all of its versions."""
    return Scope.objects.filter(version_set=api.version_set_id)


def scopes_usable(api: Api) -> QuerySet[Scope]:
    """Those that the topics of this API may name."""
    return Scope.objects.filter(Q(version_set__isnull=True) | Q(version_set=api.version_set_id))


def scope_get(rows: QuerySet[Scope], scope_id: UUID | str) -> Scope:
    """Raises: Missing."""
    scope = rows.filter(pk=scope_id).first()
    if scope is None:
        raise Missing("There is no such scope.")
    return scope


def scopes_needed(api: Api) -> QuerySet[Scope]:
    """Those that the topics clients connect to ask for."""
    return scopes_usable(api).filter(name__in=scopes_named(selectors.topics_served(api)))


def scope_uses(scope: Scope, actor: Actor) -> list[str]:
    """Where a scope is named, in words: topics as they are designed now, and revisions.

    Of an API that the actor does not see it says no more than that there is one.
    """
    rows = Topic.objects.select_related("api__version_set")
    designs = Revision.objects.select_related("api__version_set").order_by("api", "number")
    if scope.version_set_id is not None:
        rows = rows.filter(api__version_set=scope.version_set_id)
        designs = designs.filter(api__version_set=scope.version_set_id)
    found = [
        (topic.api, phrase("topic {topic}", topic=topic.name))
        for topic in rows.iterator()
        if any(scope.name in getattr(topic, field) for field in SCOPE_FIELDS)
    ]
    # A revision can be deployed or restored at any time, so what it names must be there.
    found += [
        (revision.api, str(revision).lower())
        for revision in designs.iterator()
        if scope.name in scopes_named(revision.design["topics"])
    ]
    words = [f"{api}, {place}" if can_see_api(actor, api) else "an API that you do not see" for api, place in found]
    return list(dict.fromkeys(words))


def api_plan_uses(plan: ApiPlan) -> list[str]:
    """Where topics name an API plan, in words: as they are designed now, and in revisions."""
    rows = Topic.objects.select_related("api__version_set").filter(api_plan=plan.name)
    designs = Revision.objects.select_related("api__version_set").order_by("api", "number")
    return [phrase("{api}, topic {topic}", api=topic.api, topic=topic.name) for topic in rows] + [
        f"{revision.api}, {str(revision).lower()}"
        for revision in designs.iterator()
        if any(topic.get("api_plan") == plan.name for topic in revision.design["topics"])
    ]


def may_hold(scope: Scope, person: Person) -> bool:
    """Whether this person's tokens may carry the scope: it is bound to no role, or to one of theirs."""
    return not scope.roles or bool(person.held_roles & set(scope.roles))


def scopes_of_application(application: Application) -> QuerySet[Scope]:
    """Those that an application may ask for: what the topics of the APIs that it may use name, and their local ones."""
    closed = {Subscription.State.BLOCKED, *Subscription.WITHOUT_RIGHT}
    subscribed = Q(pk__in=application.subscriptions.exclude(state__in=closed).values("api"))
    free = Api.objects.filter(business_plans__subscriptionless=True).order_by().values("pk")
    # Who does not see an API learns nothing of its scopes, though any application may connect to it.
    open_to_all = Q(offers_for(Actor.of(application.owner)), pk__in=free, state__in=SERVED)
    usable = Api.objects.filter(subscribed | open_to_all).order_by()
    # A line for each place where one of them is deployed, and one with None where it is nowhere.
    lines = list(usable.values_list("pk", "version_set", "deployments__design__topics"))
    topics = [topic for _, _, served in lines for topic in served or ()]
    if designed := [api for api, _, served in lines if served is None]:
        topics += [topic.design for topic in Topic.objects.filter(api__in=designed)]
    version_sets = {version_set for _, version_set, _ in lines}
    return Scope.objects.filter(Q(version_set__in=version_sets) | Q(name__in=scopes_named(topics)))


def scopes_grantable(
    application: Application, person: Person | None, names: Iterable[str] | None = None
) -> list[Scope]:
    """Those that a token of this application may carry.

    Args:
        person: whom the token is for; None for the client credentials grant, where the owner stands behind it.
        names: only these; None for all of them.
    """
    rows = scopes_of_application(application)
    if names is not None:
        rows = rows.filter(name__in=[name for name in names if not scope_name_problem(name)])
    holder = person if person is not None else application.owner
    return [scope for scope in rows if may_hold(scope, holder)]
