"""What is found about what is served and what people find: revisions, environments, words, visibility."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from apis.checking.facts import Facts
from apis.checking.found import Found
from apis.checking.found import found as say
from apis.frozen import different_parts
from apis.lifecycle import State

DEFAULT_ENVIRONMENT: Final = "Default"  # where publishing deploys to


def found(facts: Facts) -> Iterator[Found]:
    """Whether what is deployed is what is seen, and whether people find it and understand it."""
    yield from _deployed(facts) if facts.deployments else _undeployed(facts)
    api = facts.api
    yield say("description_given" if api.description.strip() else "description_missing")
    if not facts.has_documents:
        yield say("documents_missing")
    if api.visible_roles and not set(api.visible_roles) & facts.roles:
        yield say("visible_to_nobody")
    default = api.version_set.default_api
    if default is not None and default.pk != api.pk:
        yield say("default_elsewhere", version=default.version)


def _deployed(facts: Facts) -> Iterator[Found]:
    different = False
    for deployment in facts.deployments:
        if parts := different_parts(facts.api, deployment.design):
            different = True
            yield say("design_differs", revision=deployment.revision, parts=", ".join(parts))
    if not different:
        yield say("deployed")


def _undeployed(facts: Facts) -> Iterator[Found]:
    if facts.api.state == State.RETIRED:
        return
    if all(row.name != DEFAULT_ENVIRONMENT for row in facts.environments):
        yield say("environment_missing", name=DEFAULT_ENVIRONMENT)
    revision = facts.newest
    if revision is None:
        yield say("not_deployed")
    elif not revision.design["endpoints"]:
        yield say("revision_without_endpoint", revision=revision)
    elif parts := different_parts(facts.api, revision.design):
        yield say("revision_differs", revision=revision, parts=", ".join(parts))
    else:
        yield say("not_deployed")
