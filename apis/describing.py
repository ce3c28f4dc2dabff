"""The AsyncAPI definition of an API as people read it: what somebody wrote, or what is made of the design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apis import scoping, selectors
from apis.asyncapi.dumping import dumped
from apis.asyncapi.facts import Facts
from apis.asyncapi.model import Reading
from apis.asyncapi.reading import read
from apis.asyncapi.writing import document_of
from apis.models import Api, Deployment, Environment, Revision
from apis.shapes_security import RESIDENT, security_of
from apis.shapes_topics import scopes_named, topic_of

# What the gateway says with its close codes; it fills this in when it starts (apis never imports gateway).
CLOSE_CODES: Final[list[Mapping[str, Any]]] = []


def base_of(request: HttpRequest) -> str:
    """The portal as this person reaches it: the `base_url` of what is made here."""
    return f"{request.scheme}://{request.get_host()}"


def written(api: Api, base_url: str, revision: Revision | None = None) -> str:
    """The definition of the design (or of a frozen one) as text: the kept one as it is, else a generated one in YAML.

    For people who may see designs.

    Args:
        base_url: the portal as the reader reaches it; tokens come from there.
    """
    kept = revision.design.get("definition", "") if revision is not None else api.definition
    return kept or dumped(generated(api, base_url, revision), "yaml")


def generated(api: Api, base_url: str, revision: Revision | None = None) -> dict[str, Any]:
    """A document made of the design, or of a frozen one, as if nobody had written any."""
    topics = revision.design["topics"] if revision is not None else [topic.design for topic in api.topics.all()]
    security = security_of(revision.design) if revision is not None else api.security
    environments = [deployment.environment for deployment in selectors.deployments_of(api)]
    return document_of(_design(api, topics), _facts(api, base_url, topics, security, environments))


def offered(api: Api, base_url: str) -> dict[str, Any]:
    """The document that developers read: about what is deployed (or designed, where nothing is), the gateway for
    servers, nothing of the backend; messages and words of the kept definition are carried over.
    """
    rows = selectors.deployments_of(api)
    first: Deployment | None = rows[0] if rows else None
    kept = first.revision.design.get("definition", "") if first is not None else api.definition
    topics = [{**topic, "url_mapping": ""} for topic in selectors.topics_served(api)]
    security = security_of(first.design) if first is not None else api.security
    facts = _facts(api, base_url, topics, security, [row.environment for row in rows])
    return document_of(_design(api, topics), facts, reading_of(kept))


def reading_of(kept: str) -> Reading | None:
    """A kept definition as it is understood; None where there is none, or none that can be read any more."""
    reading = read(kept) if kept else None
    return reading if reading is not None and reading.is_valid else None


def as_syntax(text: str, syntax: str) -> str:
    """A definition in YAML or JSON: as it is where that is what it is written in."""
    reading = read(text)
    if reading.document is None or reading.document.syntax == syntax:
        return text
    return dumped(reading.document.tree, syntax)


def _design(api: Api, topics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": api.title,
        "version": api.version,
        "description": api.description,
        "tags": api.tags,
        "context": api.context,
        "topics": [topic_of(topic) for topic in topics],
    }


def _facts(
    api: Api, base_url: str, topics: Sequence[Mapping[str, Any]], security: Mapping[str, Any],
    environments: Sequence[Environment],
) -> Facts:  # fmt: skip
    names = scopes_named(topics)
    resident = not security["key_managers"] or RESIDENT in security["key_managers"]
    token_url, authorize_url = _addresses(base_url) if resident else ("", "")
    return Facts(
        urls=_urls(api, environments),
        token_url=token_url,
        authorize_url=authorize_url,
        schemes=tuple(security["schemes"]),
        query_credentials=bool(security["query_credentials"]),
        scopes={scope.name: scope.description for scope in scoping.scopes_usable(api).filter(name__in=names)},
        contact=_contact(api),
        close_codes=tuple(CLOSE_CODES),
    )


def _urls(api: Api, environments: Sequence[Environment]) -> tuple[tuple[str, str], ...]:
    """(environment, URL), each URL once: in production all environments may have one address."""
    pairs = ((row.name, url) for row in environments for url in selectors.gateway_urls(api, [row]))
    found: dict[str, str] = {}
    for name, url in pairs:
        found.setdefault(url, name)
    return tuple((name, url) for url, name in found.items())


def _addresses(base_url: str) -> tuple[str, str]:
    base = settings.PORTAL_URL if settings.MODE == "serve" else base_url
    return base + reverse("oauth2_provider:token"), base + reverse("oauth2_provider:authorize")


def _contact(api: Api) -> dict[str, str]:
    pairs = {"name": api.business.get("business_owner", ""), "email": api.business.get("business_owner_email", "")}
    return {key: value for key, value in pairs.items() if value}
