"""The topics of an API. They are design: what clients meet changes with the revision that is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apis import scoping
from apis.errors import Conflict, Invalid, Missing
from apis.models import Api, ApiPlan, Scope, Topic
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.shapes_topics import scopes_named, topic_line
from apis.shapes_topics import topics as check_topics


@transaction.atomic
def topics_replace(*, actor: Actor, api: Api, topics: Any) -> list[Topic]:
    """Set all topics of the design at once.

    Args:
        topics: a list in the shape of `apis.shapes_topics`; only names must be given.

    Returns: the topics, by name.

    Raises: Forbidden without the creator role; Invalid with a path for each problem, e.g. "topics/0/name".
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    return _replace(actor, api, topics)


def _replace(actor: Actor, api: Api, topics: Any) -> list[Topic]:
    wanted = [row.get("api_plan") for row in topics if isinstance(row, dict)] if isinstance(topics, list) else []
    plans = _plans_held([name for name in wanted if isinstance(name, str) and name])
    done, problems = check_topics(topics, scoping.scopes_usable(api).values_list("name", flat=True), plans)
    if not problems and (named := scopes_named(done)):  # held, so that none of them is deleted meanwhile
        held = Scope.objects.filter(name__in=named).order_by("name").select_for_update()
        done, problems = check_topics(topics, list(held.values_list("name", flat=True)), plans)
    if problems:
        raise Invalid({f"topics/{path}".rstrip("/"): text for path, text in problems.items()})
    before = _designs(api)
    api.topics.all().delete()
    Topic.objects.bulk_create(Topic(api=api, **topic) for topic in done)
    api.save(update_fields=["updated_at"])
    after = sorted(done, key=lambda topic: topic["name"])
    lines = {when: {"topics": list(map(topic_line, rows))} for when, rows in (("before", before), ("after", after))}
    record(actor, "update_topics", api, api=api, **lines)
    announce("api", api.pk)
    return list(Topic.objects.filter(api=api))


def _plans_held(names: list[str]) -> list[str]:
    """Those of these names that API plans have; they are held, so that none of them is deleted meanwhile."""
    if not names:
        return []
    rows = ApiPlan.objects.filter(name__in=names).order_by("name").select_for_update()
    return [row.name for row in rows]


def _designs(api: Api) -> list[dict[str, Any]]:
    return [topic.design for topic in Topic.objects.filter(api=api)]


@transaction.atomic
def topic_save(*, actor: Actor, api: Api, topic: dict[str, Any], was: str | None = None) -> list[Topic]:
    """Add a topic, or put it in the place of the one named `was`.

    Raises: Forbidden; Missing where there is no topic `was` any more; Invalid with the names of the topic's fields.
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    rows: list[dict[str, Any]] = _designs(api)
    places = [index for index, row in enumerate(rows) if row["name"] == was]
    if was is not None and not places:
        raise Missing(f"There is no topic {was} any more.")
    index = places[0] if places else len(rows)
    rows[index : index + 1] = [topic]
    try:
        return _replace(actor, api, rows)
    except Invalid as refusal:
        raise _about_one(refusal, index, rows) from None


def _about_one(refusal: Invalid, index: int, rows: Sequence[dict[str, Any]]) -> Invalid:
    """The problems of a list as those of the one topic that was changed; what it takes from others is its own fault."""
    fields: dict[str, list[str]] = {}
    for path, texts in refusal.fields.items():
        place, _, field = path.removeprefix("topics").removeprefix("/").partition("/")
        if place in {str(index), ""}:
            fields[field] = [*fields.get(field, []), *texts]
        else:
            fields["name"] = [f"This takes the same paths as {rows[int(place)]['name']}."]
    return Invalid(fields)


@transaction.atomic
def topic_remove(*, actor: Actor, api: Api, name: str) -> list[Topic]:
    """Take a topic out of the design. Raises: Forbidden, Missing; Conflict for the last one."""
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    rows = _designs(api)
    rest = [row for row in rows if row["name"] != name]
    if len(rest) == len(rows):
        raise Missing(f"There is no topic {name} any more.")
    if not rest:
        raise Conflict("An API needs at least one topic.", code="last_one")
    return _replace(actor, api, rest)
