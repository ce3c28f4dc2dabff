"""An AsyncAPI document, judged by the rules of this portal besides those of the specification."""

from __future__ import annotations

from dataclasses import replace

from apis.asyncapi.checking import Findings
from apis.asyncapi.model import Design, Reading
from apis.asyncapi.reading import read
from apis.models import Api, Scope
from apis.services.configuring import address_problem
from apis.services.scopes import RESERVED
from apis.shapes_topics import scope_name_problem
from apis.words import phrase


def definition_read(text: str | bytes, api: Api | None = None) -> Reading:
    """Read a document and add what stands against it here: endpoints that may not be dialled, scopes of other APIs.

    Args:
        api: the API that it is about; None for a new one.
    """
    reading = read(text)
    if reading.document is None or reading.design is None:
        return reading
    found = Findings(reading.document.places, list(reading.problems))
    _judge_endpoints(reading.design, found)
    _judge_scopes(reading.design, api, found)
    return replace(reading, problems=found.sorted())


def _judge_endpoints(design: Design, found: Findings) -> None:
    for urls in design.endpoints.values():
        for url in urls:
            if problem := address_problem(url):
                found.error(design.endpoint_pointers.get(url, "/servers"), problem)
    if "sandbox" in design.endpoints and "production" not in design.endpoints:
        found.warning("/servers", "Every server is one for sandbox keys; there is no production endpoint.")


def _judge_scopes(design: Design, api: Api | None, found: Findings) -> None:
    rows = {scope.name: scope for scope in Scope.objects.filter(name__in=list(design.scopes))}
    for name, (_, pointer) in design.scopes.items():
        scope = rows.get(name)
        if scope is None and not scope_name_problem(name) and name in RESERVED:
            found.error(
                pointer, phrase("{name} has a meaning of its own here and cannot be a scope of an API.", name=name)
            )
        elif scope is not None and scope.version_set_id not in {None, api.version_set_id if api else None}:
            found.error(
                pointer,
                phrase("The scope {name} belongs to another API; scopes are named once on this gateway.", name=name),
            )
