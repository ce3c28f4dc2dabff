"""AsyncAPI documents that people write: a new API of one, the definition of an API, and back to the generated one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from apis.asyncapi.checking import errors_of
from apis.asyncapi.documents import SIZE_LIMIT
from apis.asyncapi.model import Design, Reading
from apis.asyncapi.patching import same
from apis.errors import Conflict, Invalid, TooOften
from apis.fetching import FetchFailed, fetch_text
from apis.models import Api, Scope
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.attempts import Attempts
from apis.services.configuring import endpoint_configure
from apis.services.designs import api_create, design_problems
from apis.services.editions import require_unchanged
from apis.services.holding import hold
from apis.services.judging import definition_read
from apis.services.record import announce, record
from apis.services.scopes import scope_create, scope_update
from apis.services.securing import security_configure
from apis.services.telling import definition_told
from apis.services.topics import topics_replace
from apis.shapes import KEY_TYPES
from apis.shapes_about import business as business_problems
from apis.shapes_endpoint import shown
from apis.shapes_topics import pattern_of
from apis.validators import text_problem
from apis.words import phrase

FETCHES: Final = Attempts("definition-fetch", limit=20)


def definition_fetch(*, actor: Actor, url: str) -> bytes:
    """The document at an address that somebody named: only where this portal may ask, no redirect is followed.

    Raises: Forbidden without the creator role; TooOften; Invalid about `url`.
    """
    actor.require(Capability.DESIGN_APIS)
    if wait_s := FETCHES.begin(str(actor.person.pk)):
        raise TooOften(
            wait_s, phrase("At most {limit} documents a minute are fetched for one person", limit=FETCHES.limit)
        )
    try:
        return fetch_text(url, settings.ALLOWED_UPSTREAM_NETWORKS, size_limit=SIZE_LIMIT)
    except FetchFailed as failure:
        raise Invalid({"url": str(failure)}) from None


def definition_check(*, actor: Actor, text: str | bytes, api: Api | None = None) -> Reading:
    """What would be made of a document, and everything wrong with it; nothing is changed.

    Raises: Forbidden without the creator role.
    """
    actor.require(Capability.DESIGN_APIS)
    return definition_read(text, api)


def refusal_of(reading: Reading) -> dict[str, list[str]]:
    """The errors of a document by the path of their place, each sentence with its line; empty for a valid one."""
    fields: dict[str, list[str]] = {}
    for problem in errors_of(reading.problems):
        fields.setdefault(problem.pointer.removeprefix("/"), []).append(problem.sentence)
    return fields


def _valid(reading: Reading) -> tuple[Design, str]:
    """Raises: Invalid."""
    if refused := refusal_of(reading):
        raise Invalid(refused, "The AsyncAPI document is not valid here.")
    if reading.design is None or reading.document is None:
        raise Invalid({"": "This is no AsyncAPI document."})
    return reading.design, reading.document.text


@transaction.atomic
def api_import(
    *, actor: Actor, text: str | bytes, name: str = "", context: str = "", version: str = "",
    business_plans: Iterable[str] = (),
) -> Api:  # fmt: skip
    """Make a new API of a document: its topics, scopes, endpoints, and what it says about itself.

    Args:
        name, context, version: what the document says where they are empty.

    Raises: Forbidden; Invalid with JSON pointers into the document, and with the names of fields; Taken.
    """
    actor.require(Capability.DESIGN_APIS)
    reading = definition_read(text)
    said = reading.design
    fields: dict[str, Any] = {
        "name": name or (said.name if said else ""),
        "context": context or (said.context if said else ""),
        "version": version or (said.version if said else ""),
    }
    if refused := refusal_of(reading):
        problems = design_problems(**fields) if said else {}
        raise Invalid({**refused, **problems}, "The AsyncAPI document is not valid here.")
    design, source = _valid(reading)
    more = _business(design)
    api = api_create(
        actor=actor, **fields, business_plans=business_plans, description=design.description, tags=design.tags, **more
    )
    api.definition = source
    api.save(update_fields=["definition"])
    _scopes(actor, api, design)
    topics_replace(actor=actor, api=api, topics=_topics(api, design))
    _endpoints(actor, api, _for_both(design.endpoints))
    if design.schemes and set(design.schemes) != set(api.security["schemes"]):
        security_configure(actor=actor, api=api, settings={**api.security, "schemes": list(design.schemes)})
    record(actor, "import_definition", api, api=api, asyncapi=reading.version)
    api.refresh_from_db()
    return api


def _business(design: Design) -> dict[str, Any]:
    """Who answers for the API, where the document names somebody in a way that is taken here."""
    name, email = design.contact.get("name", ""), design.contact.get("email", "")
    business = {"business_owner": name, "business_owner_email": email}
    given = {field: value for field, value in business.items() if value}
    return {"business": given} if given and not business_problems(given)[1] else {}


def _for_both(endpoints: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Production and sandbox start with the same URLs where the document has no others, as in the form."""
    production = endpoints.get("production")
    return {"sandbox": production, **endpoints} if production else dict(endpoints)


@transaction.atomic
def definition_replace(*, actor: Actor, api: Api, text: str | bytes, seen: int | None = None) -> Reading:
    """Keep a document as the definition of an API: its topics become those of the document, scopes that they name are
    made, and endpoints get the URLs of its servers, where it has any. All of it, or nothing.

    Title, version and description of the API stay as they are, and so do endpoints of key types that no server is for.

    Args:
        seen: the edition that the text was made from.

    Raises: Forbidden; Invalid with JSON pointers into the document; Stale.
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    require_unchanged(api, seen, ["definition", "topics"])
    reading = definition_read(text, api)
    design, source = _valid(reading)
    before = api.definition
    api.definition = source
    api.save(update_fields=["definition", "updated_at"])
    _scopes(actor, api, design)
    if not same([topic.design for topic in api.topics.all()], design.topics):
        topics_replace(actor=actor, api=api, topics=_topics(api, design))
    _endpoints(actor, api, design.endpoints)
    if before != source:
        _record(actor, api, before, source)
    announce("api", api.pk)
    return reading


@transaction.atomic
def definition_drop(*, actor: Actor, api: Api, seen: int | None = None) -> Api:
    """Let the definition be made of the design again; what somebody wrote in it is gone, apart from revisions.

    Raises: Forbidden; Conflict where there is none that somebody wrote; Stale.
    """
    actor.require(Capability.DESIGN_APIS)
    api = hold(api)
    require_unchanged(api, seen, ["definition"])
    if not api.definition:
        raise Conflict("The definition of this API is made of its design already.", code="generated")
    before, api.definition = api.definition, ""
    api.save(update_fields=["definition", "updated_at"])
    _record(actor, api, before, "")
    announce("api", api.pk)
    return api


def _record(actor: Actor, api: Api, before: str, after: str) -> None:
    sides: dict[str, Any] = {
        "before": {"definition": definition_told(before)},
        "after": {"definition": definition_told(after)},
    }
    record(actor, "update_definition", api, api=api, **sides)


def _topics(api: Api, design: Design) -> list[dict[str, Any]]:
    """The topics of a document; the API plans of those that are there already stay."""
    plans = {pattern_of(topic.name): topic.api_plan for topic in api.topics.all()}
    return [{**topic, "api_plan": plans.get(pattern_of(topic["name"]), "")} for topic in design.topics]


def _scopes(actor: Actor, api: Api, design: Design) -> None:
    """Make the scopes that topics name; of local ones that are there, take over what the document says of them."""
    rows = {scope.name: scope for scope in Scope.objects.filter(name__in=list(design.scopes))}
    for name, (description, _) in design.scopes.items():
        text = "" if text_problem(description, 500, "Description") else description
        scope = rows.get(name)
        if scope is None:
            scope_create(actor=actor, name=name, api=api, description=text)
        elif text and scope.version_set_id is not None and scope.description != text:
            scope_update(actor=actor, scope=scope, api=api, description=text)


def _endpoints(actor: Actor, api: Api, endpoints: Mapping[str, tuple[str, ...]]) -> None:
    """Give endpoints other URLs and keep everything else about them, weights and secrets included."""
    rows = {row.key_type: row for row in api.endpoints.all()}
    for key_type in KEY_TYPES:
        row, urls = rows.get(key_type), endpoints.get(key_type)
        if not urls or (row is not None and set(row.urls) == set(urls)):
            continue
        old = shown(row.config) if row is not None else {"urls": []}
        weights = {one["url"]: one["weight"] for one in old["urls"]}
        new = {**old, "urls": [{"url": url, "weight": weights.get(url, 1)} for url in urls]}
        try:
            endpoint_configure(actor=actor, api=api, key_type=key_type, config=new)
        except Invalid as refusal:
            fields = {f"servers/{path}": texts for path, texts in refusal.fields.items()}
            raise Invalid(
                fields, phrase("The {key_type} endpoint cannot have the URLs of the servers.", key_type=key_type)
            ) from None
