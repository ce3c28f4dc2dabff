"""Designing APIs: create, edit, new versions, delete."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from apis import shapes
from apis.errors import Conflict, Invalid, Taken
from apis.lifecycle import State
from apis.models import Api, Endpoint, Subscription, Topic, VersionSet
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import about
from apis.services.choosing import api_plan_named, plans_named
from apis.services.configuring import address_problem, endpoint_set_url
from apis.services.documents import documents_copy
from apis.services.following import definition_of_version
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.together import design_now, with_theirs
from apis.shapes_endpoint import endpoint_config
from apis.validators import (
    DESCRIPTION_LIMIT,
    TAGS_LIMIT,
    context_problem,
    endpoint_problem,
    gateway_path,
    name_problem,
    normal_context,
    tag_problem,
    text_problem,
    version_problem,
)
from apis.words import phrase


def design_problems(
    *,
    name: str | None = None,
    context: str | None = None,
    version: str | None = None,
    endpoint: str | None = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
    display_name: str | None = None,
    ignoring: VersionSet | None = None,
) -> dict[str, str]:
    """What is wrong with the given fields, including names and contexts that are taken; screens check live with it.

    Args:
        ignoring: the version set being edited, which may keep its own name and context.
    """
    problems: dict[str, str] = {}
    others = VersionSet.objects.exclude(pk=ignoring.pk) if ignoring else VersionSet.objects.all()
    if name is not None:
        problems["name"] = name_problem(name) or (
            phrase("Name {name} already exists.", name=name) if others.filter(name__iexact=name).exists() else ""
        )
    if context is not None:
        problems["context"] = context_problem(context)
        normal = normal_context(context)
        if not problems["context"] and others.filter(context=normal).exists():
            problems["context"] = phrase("{normal} context already exists.", normal=normal)
    if version is not None:
        problems["version"] = version_problem(version)
    if endpoint:
        problems["endpoint"] = endpoint_problem(endpoint) or address_problem(endpoint)
    if description is not None:
        problems["description"] = text_problem(description, DESCRIPTION_LIMIT, "Description")
    if display_name:
        problems["display_name"] = name_problem(display_name, "Display name")
    if tags is not None:
        problems["tags"] = _tags_problem(tags)
    return {field: problem for field, problem in problems.items() if problem}


def _tags_problem(tags: Sequence[str]) -> str:
    if len(tags) > TAGS_LIMIT or len(set(tags)) < len(tags):
        return phrase("An API has at most {most} different tags.", most=TAGS_LIMIT)
    return next((problem for tag in tags if (problem := tag_problem(tag))), "")


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        taken = all(text.endswith("already exists.") for text in problems.values())
        raise Taken(problems) if taken else Invalid(problems)


@transaction.atomic
def api_create(
    *,
    actor: Actor,
    name: str,
    context: str,
    version: str,
    endpoint: str = "",
    business_plans: Iterable[str] = (),
    description: str = "",
    tags: Sequence[str] = (),
    display_name: str = "",
    **more: Any,
) -> Api:
    """Design a new WebSocket API, in state created, with the topic `/*`.

    Args:
        endpoint: one ws:// or wss:// URL, used for production and sandbox alike until configured otherwise.
        business_plans: names.
        more: any of `about.FIELDS`.

    Raises: Forbidden without the creator role; Invalid, Taken.
    """
    actor.require(Capability.DESIGN_APIS)
    if unknown := more.keys() - set(about.FIELDS):
        raise TypeError(f"an API has no {', '.join(sorted(unknown))}")
    done, problems = about.about_values(actor, None, more)
    _refuse(
        design_problems(
            name=name, context=context, version=version, endpoint=endpoint,
            description=description, tags=tags, display_name=display_name,
        ) | problems
    )  # fmt: skip
    plans = plans_named(business_plans)
    try:
        with transaction.atomic():
            version_set = VersionSet.objects.create(name=name, context=normal_context(context))
    except IntegrityError:  # somebody else was a moment faster
        problems = design_problems(name=name, context=context)
        raise Taken(problems or {"context": f"{normal_context(context)} context already exists."}) from None
    said = {name: done[name] for name in about.PLAIN if name in done}
    api = _api_insert(
        actor, version_set, version, description=description, tags=list(tags), display_name=display_name, **said
    )
    about.categories_set(api, done.get("categories", []))
    Topic.objects.create(api=api, name="/*")
    api.business_plans.set(plans)
    if endpoint:
        for key_type in shapes.KEY_TYPES:
            config, _ = endpoint_config({"urls": [{"url": endpoint}]}, address_problem)
            Endpoint.objects.create(api=api, key_type=key_type, config=config)
    record(actor, "create", api, api=api, after=design_now(api, (*IDENTITY_FIELDS, *DESIGN_FIELDS, "business_plans")))
    announce("api", api.pk)
    return api


def _api_insert(actor: Actor, version_set: VersionSet, version: str, **fields: Any) -> Api:
    path = gateway_path(version_set.context, version)
    try:
        with transaction.atomic():
            return Api.objects.create(
                version_set=version_set, version=version, path=path, provider=actor.person, **fields
            )
    except IntegrityError:
        if version_set.apis.filter(version=version).exists():
            raise Taken({"version": phrase("Version {v} of {a} already exists.", v=version, a=version_set)}) from None
        raise Taken({"context": phrase("The path {path} is already in use by another API.", path=path)}) from None


DESIGN_FIELDS = ("description", "tags", "display_name")
IDENTITY_FIELDS = ("name", "context", "version")
PLAN_FIELDS = frozenset({"business_plans", "api_plan"})


@transaction.atomic
def api_update(*, actor: Actor, api: Api, seen: int | None = None, **changes: Any) -> Api:
    """Edit an API. Any of name, context, version, endpoint, business_plans, api_plan, description, tags, display_name,
    and of `about.FIELDS`.

    Name, context and version are fixed once a revision or a further version exists. Plans may be changed by
    publishers at any time, and by creators until the API is published; the API plan (a name or None) counts at once.
    An endpoint given here replaces the URL of both key types and keeps their other settings.

    Args:
        seen: the edition that the changes were made from (apis.services.editions): a field that somebody else changed
            since, and this person did not, stays theirs.

    Raises: Forbidden, Invalid, Taken, Conflict; Stale where somebody else changed the same field since.
    """
    hold(api)
    require_edit(actor, api, set(changes))
    done, problems = about.about_values(actor, api, changes)
    plain = {key: value for key, value in changes.items() if key not in {*PLAN_FIELDS, *about.FIELDS}}
    _refuse(design_problems(**plain, ignoring=api.version_set) | problems)
    changes = with_theirs(api, seen, {**changes, **done})
    plans = plans_named(changes["business_plans"]) if "business_plans" in changes else None
    before = design_now(api, [field for field in changes if field != "endpoint"])
    _change_identity(api, changes)
    for field in (*DESIGN_FIELDS, *about.PLAIN):
        if field in changes:
            setattr(api, field, changes[field])
    if "api_plan" in changes:
        api.api_plan = api_plan_named(changes["api_plan"])
    api.save()
    if "categories" in changes:
        about.categories_set(api, changes["categories"])
    if plans is not None:
        api.business_plans.set(plans)
    if changes.get("endpoint"):
        _replace_url(actor, api, changes["endpoint"])
    after = {key: changes[key] for key in before}
    record(actor, "update", api, api=api, before=before, after=after)
    announce("api", api.pk)
    return api


def require_edit(actor: Actor, api: Api, fields: set[str]) -> None:
    """Raises: Forbidden where the actor may not change these fields of the API in its present state."""
    if fields <= PLAN_FIELDS:
        if actor.can(Capability.SET_PLANS_OF_APIS):
            return
        if api.state not in {State.CREATED, State.PRERELEASED}:
            actor.require(Capability.SET_PLANS_OF_APIS)
    actor.require(Capability.DESIGN_APIS)
    if fields & PLAN_FIELDS and api.state not in {State.CREATED, State.PRERELEASED}:
        actor.require(Capability.SET_PLANS_OF_APIS)


def why_identity_stays(api: Api) -> str:
    """Why nobody may change name, context and version of the API any more, or ""."""
    if api.last_revision or api.version_set.apis.count() > 1:
        return "This cannot be changed any more: the API has revisions or further versions."
    return ""


def _change_identity(api: Api, changes: dict[str, Any]) -> None:
    version_set = api.version_set
    new = {field: changes[field] for field in IDENTITY_FIELDS if field in changes}
    if "context" in new:
        new["context"] = normal_context(new["context"])
    new = {field: value for field, value in new.items() if value != getattr(api, field)}
    if not new:
        return
    if reason := why_identity_stays(api):
        raise Invalid(dict.fromkeys(new, reason))
    version_set.name = new.get("name", version_set.name)
    version_set.context = new.get("context", version_set.context)
    api.version = new.get("version", api.version)
    api.path = gateway_path(version_set.context, api.version)
    try:
        with transaction.atomic():
            version_set.save()
            api.save()
    except IntegrityError:
        raise Taken({next(iter(new)): f"The path {api.path} is already in use by another API."}) from None


def _replace_url(actor: Actor, api: Api, url: str) -> None:
    for key_type in shapes.KEY_TYPES:
        endpoint_set_url(actor=actor, api=api, key_type=key_type, url=url)


@transaction.atomic
def api_version_create(*, actor: Actor, api: Api, version: str) -> Api:
    """Copy a design into a new version, in state created: description, tags, plans, topics, endpoints, runtime limits,
    security, definition, documents, thumbnail, and what `about.FIELDS` are.

    Raises: Forbidden, Invalid, Taken.
    """
    actor.require(Capability.DESIGN_APIS)
    _refuse(design_problems(version=version))
    hold(api)
    copy = _api_insert(
        actor, api.version_set, version,
        description=api.description, tags=list(api.tags), display_name=api.display_name, runtime=dict(api.runtime),
        security=dict(api.security), api_plan=api.api_plan, definition=definition_of_version(api, version),
        **about.said_of(api),
    )  # fmt: skip
    about.about_copy(source=api, target=copy)
    copy.business_plans.set(api.business_plans.all())
    for topic in api.topics.all():
        Topic.objects.create(api=copy, **topic.design)
    for endpoint in api.endpoints.all():
        Endpoint.objects.create(api=copy, key_type=endpoint.key_type, config=endpoint.config)
    documents_copy(source=api, target=copy)
    record(actor, "create_version", copy, api=copy, copied_from=str(api))
    announce("api", copy.pk)
    return copy


@transaction.atomic
def api_delete(*, actor: Actor, api: Api) -> None:
    """Delete an API with its revisions and deployments.

    Raises: Forbidden; Conflict while it has subscriptions.
    """
    actor.require(Capability.DESIGN_APIS)
    hold(api)
    if count := api.subscriptions.exclude(state=Subscription.State.REJECTED).count():
        text = phrase("{api} has {count} subscription(s); they must be removed first.", api=api, count=count)
        raise Conflict(text, code="has_subscriptions")
    version_set, key, text = api.version_set, api.pk, str(api)
    before = design_now(api, (*IDENTITY_FIELDS, *DESIGN_FIELDS, "business_plans"))
    api.deployments.all().delete()
    api.delete()
    if not version_set.apis.exists():
        version_set.delete()
    record(actor, "delete", text, was=str(key), before=before)
    announce("api", key)
