"""Putting back what was before one change: through the services that change it, with their rights and checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

from django.db import transaction

from apis import scoping
from apis.differences import Difference, Tree, differences, placed
from apis.errors import Conflict, Missing
from apis.happenings import OLD_SECRET, by_name, sides, unlisted
from apis.lifecycle import Action
from apis.models import Api, Endpoint, HistoryEntry, Topic
from apis.permissions import Actor, can_see_api
from apis.roles import Capability
from apis.services import configuring, defining, designs, documents, scopes, securing, topics, versions
from apis.services.editions import require_unchanged
from apis.services.holding import hold
from apis.services.together import design_now
from apis.shapes_endpoint import shown
from apis.words import phrase

# How a text stands in the history that was too long for it (apis.services.telling, apis.services.documents).
_DIGEST: Final = re.compile(r"(.*, )?\d+ (characters|bytes), SHA-256 [0-9a-f]{64}")
# Why what these wrote down is not put back here.
_ELSEWHERE: Final[dict[str, str]] = {
    "create": "To undo it, delete the API.",
    "create_version": "To undo it, delete this version.",
    "deploy": "Deploy another revision on the Deployments page.",
    "undeploy": "Deploy it again on the Deployments page.",
    "create_revision": "Revisions are deleted on the Deployments page.",
    "delete_revision": "A revision that is deleted cannot be brought back.",
    "thumbnail": "The picture that was there before is not kept.",
    "delete_comment": "A comment that is deleted cannot be brought back.",
    "delete_rating": "Who gave it may rate the API again.",
}
_NOT_OF_THE_DESIGN: Final = "It changed nothing of the design that could be put back."


def why_not(entry: HistoryEntry) -> str:
    """Why nobody can put back what was before this entry, or ""."""
    if entry.api_id is None:
        return _NOT_OF_THE_DESIGN
    if "checklist" in entry.detail and entry.action in set(Action):
        return "The Lifecycle page has the steps that lead from here."
    if reason := _ELSEWHERE.get(entry.action):
        return reason
    changed = _changed(entry)
    if not changed:
        has_sides = "before" in entry.detail or "after" in entry.detail
        return "It changed nothing." if has_sides and any(sides(entry.action, entry.detail)) else _NOT_OF_THE_DESIGN
    if any(one.path[0] not in _RESTORERS and one.path[0] not in _DESIGN for one in changed):
        return _NOT_OF_THE_DESIGN
    if any(_is_lost(one.before) for one in changed):
        return "The file or text that was there before is not kept in the history."
    if any(one.path[0] == "documents" and one.path[-1] == "name" for one in changed):
        return "A document is given another name on the Documents page."
    return ""


def _is_lost(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_lost, value.values()))
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


_DESIGN: Final = frozenset({
    *designs.DESIGN_FIELDS, *designs.IDENTITY_FIELDS, *designs.PLAN_FIELDS,
    "business", "categories", "properties", "access_roles", "visible_roles",
})  # fmt: skip


def may_restore(actor: Actor, entry: HistoryEntry) -> bool:
    """Whether the person has the role for it; what else stands in the way, the services say."""
    return any(map(actor.can, _needed(entry)))


def _needed(entry: HistoryEntry) -> tuple[Capability, ...]:
    """The capabilities of which one is needed."""
    if {one.path[0] for one in _changed(entry)} <= designs.PLAN_FIELDS:
        return Capability.DESIGN_APIS, Capability.SET_PLANS_OF_APIS
    return (Capability.DESIGN_APIS,)


def _changed(entry: HistoryEntry) -> list[Difference]:
    """What an entry changed and can be put back: secrets stay sealed as they are now."""
    return [one for one in differences(*sides(entry.action, entry.detail)) if one.before != OLD_SECRET]


def keeps_secrets(entry: HistoryEntry) -> bool:
    """Whether it is about an endpoint: then its secrets stay what they are now."""
    return any(one.path[0] == "endpoints" for one in _changed(entry))


def preview(api: Api, entry: HistoryEntry) -> list[Difference]:
    """What would be changed now if the entry were undone; nothing where all of it is so already."""
    now, then = _now_and_then(api, _changed(entry))
    return list(differences(now, then))


def _now_and_then(api: Api, changed: Iterable[Difference]) -> tuple[Tree, Tree]:
    changed = list(changed)
    now = now_of(api, dict.fromkeys(one.path[0] for one in changed))
    then = deepcopy(now)
    for one in changed:
        placed(then, one.path, one.before)
    return now, then


def now_of(api: Api, names: Iterable[str]) -> Tree:
    """These fields and sections of an API as they are now, as trees from the root of apis.happenings."""
    return {name: _PRESENT[name](api) if name in _PRESENT else design_now(api, [name])[name] for name in names}


_PRESENT: Final[dict[str, Callable[[Api], Any]]] = {
    "topics": lambda api: by_name([topic.design for topic in Topic.objects.filter(api=api)]),
    "endpoints": lambda api: {row.key_type: unlisted(shown(row.config)) for row in Endpoint.objects.filter(api=api)},
    "runtime": lambda api: dict(api.runtime),
    "security": lambda api: dict(api.security),
    "definition": lambda api: api.definition,
    "scopes": lambda api: {scope.name: scopes.facts_of(scope) for scope in scoping.scopes_local(api)},
    "documents": lambda api: {document.name: documents.facts_of(document) for document in api.documents.all()},
    "default_version": lambda api: default.version if (default := api.version_set.default_api) else None,
}


@transaction.atomic
def entry_restore(*, actor: Actor, api: Api, entry: HistoryEntry, seen: int | None = None) -> Api:
    """Put back what was before a change; whatever else was changed since stays. A restore is an entry of its own.

    Args:
        seen: the edition that the person saw when it was shown what this changes.

    Raises: Conflict where it cannot be put back, or is so already; Stale where it was changed meanwhile; and whatever
        the services raise that change it: Forbidden, Invalid, Taken, Conflict.
    """
    actor.require(*_needed(entry))
    api = hold(api)
    if reason := why_not(entry):
        raise Conflict(phrase("This cannot be put back. {reason}", reason=reason), code="not_restorable")
    changed = _changed(entry)
    require_unchanged(api, seen, [one.path for one in changed])
    now, then = _now_and_then(api, changed)
    if now == then:
        raise Conflict("It is so already.", code="nothing_to_restore")
    undoing = replace(actor, restores=entry.pk)
    fields = {name: value for name, value in then.items() if name not in _RESTORERS and value != now[name]}
    if fields:
        designs.api_update(actor=undoing, api=api, **fields)
    for name, restorer in _RESTORERS.items():
        if name in then and then[name] != (present := now_of(api, [name])[name]):
            restorer(undoing, api, present, then[name])
    return api


def _definition(actor: Actor, api: Api, now: Any, then: Any) -> None:
    if then:
        defining.definition_replace(actor=actor, api=api, text=then)
    else:
        defining.definition_drop(actor=actor, api=api)


def _topics(actor: Actor, api: Api, now: Any, then: Any) -> None:
    rows = [{"name": name, **design} for name, design in then.items()]
    topics.topics_replace(actor=actor, api=api, topics=rows)


def _endpoints(actor: Actor, api: Api, now: Any, then: Any) -> None:
    for key_type in {**now, **then}:
        if key_type not in then:
            configuring.endpoint_remove(actor=actor, api=api, key_type=key_type)
        elif then[key_type] != now.get(key_type):
            configuring.endpoint_configure(actor=actor, api=api, key_type=key_type, config=then[key_type])


def _runtime(actor: Actor, api: Api, now: Any, then: Any) -> None:
    configuring.runtime_configure(actor=actor, api=api, limits=then)


def _security(actor: Actor, api: Api, now: Any, then: Any) -> None:
    securing.security_configure(actor=actor, api=api, settings=then)


def _scopes(actor: Actor, api: Api, now: Any, then: Any) -> None:
    rows = {scope.name: scope for scope in scoping.scopes_local(api)}
    for name in {**now, **then}:
        if name not in then:
            scopes.scope_delete(actor=actor, scope=rows[name], api=api)
        elif name not in now:
            scopes.scope_create(actor=actor, name=name, api=api, **then[name])
        elif then[name] != now[name]:
            scopes.scope_update(actor=actor, scope=rows[name], api=api, **then[name])


def _documents(actor: Actor, api: Api, now: Any, then: Any) -> None:
    rows = {document.name: document for document in api.documents.all()}
    for name in {**now, **then}:
        if name not in then:
            documents.document_delete(actor=actor, document=rows[name])
        elif name not in now:
            documents.document_create(actor=actor, api=api, **_document_values(then[name], {}))
        elif then[name] != now[name]:
            documents.document_update(actor=actor, document=rows[name], **_document_values(then[name], now[name]))


def _document_values(then: Tree, now: Tree) -> Tree:
    """What is to be said of a document so that it becomes another; of what it holds, the one that is to stay."""
    values: Tree = {field: then[field] for field in documents.WORDS if field in then and then[field] != now.get(field)}
    if any(then.get(field) != now.get(field) for field in documents.HELD):
        field = "url" if then.get("url") else "content"
        values[field] = then.get(field, "")
    return values


def _default_version(actor: Actor, api: Api, now: Any, then: Any) -> None:
    wanted = then if then is not None else now
    other = api.version_set.apis.filter(version=wanted).first()
    if other is None or not can_see_api(actor, other):
        raise Missing(phrase("There is no version {wanted} any more.", wanted=wanted))
    versions.default_version_set(actor=actor, api=other, is_default=then is not None)


_RESTORERS: Final[dict[str, Callable[[Actor, Api, Any, Any], None]]] = {
    "scopes": _scopes,
    "definition": _definition,  # before topics: it brings its own along
    "topics": _topics,
    "endpoints": _endpoints,
    "runtime": _runtime,
    "security": _security,
    "documents": _documents,
    "default_version": _default_version,
}
