"""References within a document."""

from __future__ import annotations

from typing import Any, Final

STEPS_LIMIT: Final = 20  # references that lead to references
ANYTHING: Final[dict[str, Any]] = {}
NOTHING: Final[dict[str, Any]] = {"not": {}}


def followed(schema: Any, tree: Any) -> dict[str, Any] | None:
    """A schema as an object, local references followed (RFC 6901); None for one that leads nowhere in `tree`."""
    for _ in range(STEPS_LIMIT):
        if isinstance(schema, bool):
            return ANYTHING if schema else NOTHING
        if not isinstance(schema, dict):
            return None
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        if not reference.startswith("#"):
            return None
        schema = _found(reference[1:], tree)
    return None


def _found(pointer: str, value: Any) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isascii() and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value
