"""OpenAPI links: what was just created, and where it is read, changed, used and deleted (OpenAPI 3.0, Link Object)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = dict[str, Any]
START: Final = "/api/v1"
ELSEWHERE: Final[Mapping[str, str]] = {
    f"{START}/apis/import-asyncapi": f"{START}/apis",
    f"{START}/apis/{{api_id}}/versions": f"{START}/apis",
    f"{START}/samples/{{sample_name}}": f"{START}/apis",
}
"""Operations that create what is kept below another address than their own."""
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


def add_links(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """Give the 201 of each operation that creates something a link to every operation on it.

    A hook of drf-spectacular (settings.SPECTACULAR_SETTINGS).

    Args:
        result: the whole document, which is changed.

    Returns: the document.
    """
    for path, operations in result["paths"].items():
        made = operations.get("post", {}).get("responses", {}).get("201")
        if made is None:
            continue
        links = dict(_links(result["paths"], path, _fields(result, made)))
        if links:
            made["links"] = links
    return result


def _fields(result: Schema, answer: Schema) -> frozenset[str]:
    """The names in the body of an answer."""
    kinds: list[Schema] = list(answer.get("content", {}).values())
    schema: Schema = kinds[0]["schema"] if kinds else {}
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference:
        schema = result["components"]["schemas"][reference]
    return frozenset(schema.get("properties", ()))


def _links(paths: Schema, path: str, fields: frozenset[str]) -> Iterator[tuple[str, Schema]]:
    home = ELSEWHERE.get(path, path)
    known = set(_PARAMETER.findall(home))
    for place, operations in paths.items():
        names = [name for name in _PARAMETER.findall(place) if name not in known]
        if not place.startswith(f"{home}/{{") or len(names) != 1:
            continue
        field = names[0] if names[0] in fields else "id"
        if field not in fields:
            continue
        parameters = {name: f"$request.path.{name}" for name in sorted(known)}
        parameters[names[0]] = f"$response.body#/{field}"
        for operation in operations.values():
            yield operation["operationId"], {"operationId": operation["operationId"], "parameters": parameters}
