"""What a revision freezes of an API, and in which parts a frozen design differs from what people see now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apis import shapes
from apis.models import Api
from apis.shapes_endpoint import complete
from apis.shapes_security import security_of
from apis.shapes_topics import topic_of

# The parts that can differ, in words; name, context and version are fixed once there is a revision.
PARTS: Final = {
    "topics": "topics",
    "endpoints": "endpoints",
    "runtime": "runtime limits",
    "security": "security",
    "definition": "definition",
}


def design_of(api: Api) -> dict[str, Any]:
    """The part of an API that a revision freezes."""
    return {
        "name": api.name,
        "context": api.context,
        "version": api.version,
        "path": api.path,
        "topics": [topic.design for topic in api.topics.all()],
        "endpoints": {endpoint.key_type: endpoint.config for endpoint in api.endpoints.all()},
        "runtime": dict(api.runtime),
        "security": dict(api.security),
        "definition": api.definition,
    }


def served_of(design: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a frozen design that a deployment takes over: what gateways need, so without the definition."""
    return {part: value for part, value in design.items() if part != "definition"}


def different_parts(api: Api, design: Mapping[str, Any]) -> list[str]:
    """The parts of PARTS in which a frozen design is not what the API is now, in words.

    A part that was not frozen then, because there was no such thing yet, does not differ.
    """
    now, then = _comparable(design_of(api)), _comparable(design)
    return [words for part, words in PARTS.items() if part in now and part in then and now[part] != then[part]]


def _comparable(design: Mapping[str, Any]) -> dict[str, Any]:
    """Every part complete, so that what was frozen before a setting existed equals its default."""
    return {
        **design,
        "topics": sorted((topic_of(topic) for topic in design["topics"]), key=lambda topic: str(topic["name"])),
        "endpoints": {key_type: complete(config) for key_type, config in design["endpoints"].items()},
        "runtime": shapes.runtime_of(design),
        "security": security_of(design),
    }
