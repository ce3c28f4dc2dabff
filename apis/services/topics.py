"""The topics of an API. They are design: what clients meet changes with the revision that is deployed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apis import scoping
from apis.errors import Conflict, Invalid, Missing
from apis.happenings import by_name
from apis.models import Api, ApiPlan, Scope, Topic
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.editions import merged, require_unchanged
from apis.services.following import definition_follow
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.shapes_topics import scopes_named
from apis.shapes_topics import topics as check_topics
from apis.words import phrase


@transaction.atomic
def topics_replace(*, actor: Actor, api: Api, topics: Any, seen: int | None = None) -> list[Topic]:
    """Set all topics of the design at once.

    Args:
        topics: a list in the shape of `apis.shapes_topics`; only names must be given.
        seen: the edition that they were made from: what somebody else changed of other topics since stays.

    Returns: the topics, by name.

    Raises: Forbidden without the creator role; Invalid with a path for each problem, e.g. "topics/0/name"; Stale.
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    done = _checked(api, topics)
    if (both := _with_theirs(api, seen, done)) != done:
        done = _checked(api, both)
    return _replace(actor, api, done)


def _with_theirs(api: Api, seen: int | None, done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    trees = ({"topics": by_name(rows)} for rows in (_designs(api), done))
    both = merged(api, seen, *trees)["topics"]
    return [{"name": name, **both[name]} for name in sorted(both)] if seen is not None else done


def _checked(api: Api, topics: Any) -> list[dict[str, Any]]:
    """The topics complete and valid; the scopes and plans that they name are held. Raises: Invalid."""
    wanted = [row.get("api_plan") for row in topics if isinstance(row, dict)] if isinstance(topics, list) else []
    plans = _plans_held([name for name in wanted if isinstance(name, str) and name])
    done, problems = check_topics(topics, scoping.scopes_usable(api).values_list("name", flat=True), plans)
    if not problems and (named := scopes_named(done)):  # held, so that none of them is deleted meanwhile
        held = Scope.objects.filter(name__in=named).order_by("name").select_for_update()
        done, problems = check_topics(topics, list(held.values_list("name", flat=True)), plans)
    if problems:
        raise Invalid({f"topics/{path}".rstrip("/"): text for path, text in problems.items()})
    return done


def _replace(actor: Actor, api: Api, done: list[dict[str, Any]]) -> list[Topic]:
    before = _designs(api)
    api.topics.all().delete()
    Topic.objects.bulk_create(Topic(api=api, **topic) for topic in done)
    definition_follow(api, done)
    api.save(update_fields=["definition", "updated_at"])
    after = sorted(done, key=lambda topic: topic["name"])
    record(actor, "update_topics", api, api=api, before={"topics": before}, after={"topics": after})
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
def topic_save(
    *, actor: Actor, api: Api, topic: dict[str, Any], was: str | None = None, seen: int | None = None
) -> list[Topic]:
    """Add a topic, or put it in the place of the one named `was`.

    Raises: Forbidden; Missing where there is no topic `was` any more; Invalid with the names of the topic's fields;
        Stale where somebody else changed the same of it since the edition `seen`, or removed it.
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    rows: list[dict[str, Any]] = _designs(api)
    places = [index for index, row in enumerate(rows) if row["name"] == was]
    if was is not None and not places:
        require_unchanged(api, seen, [("topics", was)])
        raise Missing(phrase("There is no topic {was} any more.", was=was))
    index = places[0] if places else len(rows)
    rows[index : index + 1] = [topic]
    try:
        return topics_replace(actor=actor, api=api, topics=rows, seen=seen)
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
            fields["name"] = [phrase("This takes the same paths as {name}.", name=rows[int(place)]["name"])]
    return Invalid(fields)


@transaction.atomic
def topic_remove(*, actor: Actor, api: Api, name: str, seen: int | None = None) -> list[Topic]:
    """Take a topic out of the design.

    Raises: Forbidden, Missing; Conflict for the last one; Stale where it was changed since the edition `seen`.
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    require_unchanged(api, seen, [("topics", name)])
    rows = _designs(api)
    rest = [row for row in rows if row["name"] != name]
    if len(rest) == len(rows):
        raise Missing(phrase("There is no topic {name} any more.", name=name))
    if not rest:
        raise Conflict("An API needs at least one topic.", code="last_one")
    return topics_replace(actor=actor, api=api, topics=rest)
