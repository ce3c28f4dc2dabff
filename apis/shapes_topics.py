"""A topic of an API, checked and completed in one place. Pure rules over JSON-like data, as in `apis.shapes`."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

SECURITIES: Final = ("oauth", "none")

# What a topic is where a design does not say; the name has no default.
TOPIC_DEFAULTS: Final[dict[str, Any]] = {
    "subscribe": True,
    "publish": True,
    "url_mapping": "",
    "scopes": [],
    "subscribe_scopes": [],
    "publish_scopes": [],
    "security": "oauth",
}
TOPIC_FIELDS: Final = ("name", *TOPIC_DEFAULTS)


def topic_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A topic of a design with every field; a revision made before a field existed has its default."""
    return deepcopy({"name": row["name"], **{key: row.get(key, usual) for key, usual in TOPIC_DEFAULTS.items()}})
