"""What somebody wrote in a document goes along into one of 3.0.0: messages, schemas and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from apis.asyncapi.model import Channel, Reading
from apis.asyncapi.naming import free, slug
from apis.asyncapi.nodes import looked_up, target_of

_COMPONENTS: Final = ("schemas", "messages", "messageTraits", "correlationIds", "messageBindings")
_COMMON: Final = "/components/messages/"
# AsyncAPI 3.0 "Message Object".
_MESSAGE: Final = (
    "headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "tags",
    "externalDocs", "bindings", "examples", "traits",
)  # fmt: skip
_COPIED_LIMIT: Final = 5_000  # values in all copies together; what goes on from there is left out
# What nobody reads of a document that developers get: where the backend is, and how it is entered.
_OF_THE_BACKEND: Final = ("/servers", "/components/servers", "/components/serverVariables",
                          "/components/securitySchemes")  # fmt: skip


@dataclass(slots=True)
class Carried:
    """The messages of a channel as 3.0.0 has them; `names` says which one each pointer of the source became."""

    messages: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)


def messages_carried(source: Channel | None) -> Carried:
    """Every message of a channel and its operations, those under components by reference."""
    done = Carried()
    if source is None:
        return done
    every = [*source.messages, *(message for operation in source.operations for message in operation.messages)]
    for message in every:
        if message.pointer in done.names:
            continue
        name = free(slug(message.name) or "message", done.messages)
        done.names[message.pointer] = name
        common = message.pointer.startswith(_COMMON) and message.pointer.count("/") == 3
        done.messages[name] = {"$ref": f"#{message.pointer}"} if common else message_as_3(message.node)
    return done


def message_as_3(node: Mapping[str, Any]) -> dict[str, Any]:
    """A message of any version as 3.0 has it: the format of its payload stands beside the schema."""
    done = {name: deepcopy(value) for name, value in node.items() if name in _MESSAGE or name.startswith("x-")}
    if "schemaFormat" in node and "payload" in node:
        done["payload"] = {"schemaFormat": node["schemaFormat"], "schema": deepcopy(node["payload"])}
    if "$ref" in node:
        done["$ref"] = node["$ref"]
    return done


def components_carried(kept: Reading | None) -> dict[str, Any]:
    """The components that messages refer to."""
    components = kept.tree.get("components") if kept is not None else None
    if not isinstance(components, dict):
        return {}
    done = {name: deepcopy(components[name]) for name in _COMPONENTS if isinstance(components.get(name), dict)}
    for kind in ("messages", "messageTraits"):
        done[kind] = {
            name: message_as_3(node) if isinstance(node, dict) else node for name, node in done.get(kind, {}).items()
        }
    return {name: value for name, value in done.items() if value}


def mended(document: dict[str, Any], kept: Reading | None) -> dict[str, Any]:
    """The document with what its references lost on the way put in their place."""
    if kept is None:
        return document
    done = _Mender(document, kept.tree).mended(document, frozenset())
    return done if isinstance(done, dict) else document


class _Mender:
    """Puts copies in the place of references that lead nowhere any more: a bounded number, and no circles."""

    def __init__(self, document: Any, source: Any) -> None:
        self.document = document
        self.source = source
        self.copied = 0

    def mended(self, value: Any, inside: frozenset[str]) -> Any:
        """The value mended; `inside` are the places that it is a copy of."""
        if isinstance(value, list):
            return [self.mended(item, inside) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        target = target_of(reference) if isinstance(reference, str) else None
        if target is None or looked_up(self.document, target)[0]:
            return {name: self.mended(inner, inside) for name, inner in value.items()}
        there, found = looked_up(self.source, target)
        if not there or target in inside or target == "" or _is_below(target, _OF_THE_BACKEND):
            return {}
        self.copied += _size(found, _COPIED_LIMIT)
        if self.copied > _COPIED_LIMIT:
            return {}
        return self.mended(deepcopy(found), inside | {target})


def _is_below(pointer: str, places: tuple[str, ...]) -> bool:
    return any(pointer == place or pointer.startswith(f"{place}/") for place in places)


def _size(value: Any, limit: int) -> int:
    """How many values there are in a value; of more than `limit` not exactly how many more."""
    count, left = 0, [value]
    while left and count <= limit:
        inner = left.pop()
        count += 1
        left += inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
    return count
