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
_DEPTH_LIMIT: Final = 60


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
    done = _mended(document, document, kept.tree, _DEPTH_LIMIT)
    return done if isinstance(done, dict) else document


def _mended(value: Any, document: Any, source: Any, depth: int) -> Any:
    if isinstance(value, list):
        return [_mended(item, document, source, depth) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    target = target_of(reference) if isinstance(reference, str) else None
    if target is None or looked_up(document, target)[0]:
        return {name: _mended(inner, document, source, depth) for name, inner in value.items()}
    there, found = looked_up(source, target)
    if not there or depth <= 0:
        return {}
    return _mended(deepcopy(found), document, source, depth - 10)
