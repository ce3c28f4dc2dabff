"""What a restored revision replaces of an API, and how that looks in the history."""

from __future__ import annotations

from typing import Any

from apis.models import Api, Endpoint, Topic
from apis.services import sealed
from apis.services.telling import definition_told
from apis.shapes_endpoint import complete, shown

SECTIONS = ("topics", "endpoints", "runtime", "security", "definition")


def working_copy(api: Api) -> dict[str, Any]:
    """The topics, endpoints (secrets sealed), runtime limits, security and definition of the design."""
    return {
        "topics": [topic.design for topic in Topic.objects.filter(api=api)],
        "endpoints": {row.key_type: row.config for row in Endpoint.objects.filter(api=api)},
        "runtime": dict(api.runtime),
        "security": dict(api.security),
        "definition": definition_told(api.definition),
    }


def told(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Two working copies as `before`, `after` and `secrets_changed` of a history entry: no secret in them."""
    old, new = before["endpoints"], after["endpoints"]
    paths = [
        f"{key_type}/{path}"
        for key_type in sorted(old.keys() & new.keys())
        for path in sealed.changed(complete(old[key_type]), complete(new[key_type]))
    ]
    return {"before": _shown(before), "after": _shown(after), "secrets_changed": paths}


def _shown(copy: dict[str, Any]) -> dict[str, Any]:
    return {**copy, "endpoints": {key_type: shown(config) for key_type, config in copy["endpoints"].items()}}
