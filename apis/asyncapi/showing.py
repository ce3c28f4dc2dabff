"""Payload schemas for people: one row for every property, references followed, circles cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apis.asyncapi.messages import is_json_schema
from apis.asyncapi.model import Channel, Message, Operation, Reading
from apis.asyncapi.nodes import looked_up, target_of
from apis.words import phrase

DEPTH_LIMIT: Final = 8
ROWS_LIMIT: Final = 200
VISITS_LIMIT: Final = 2_000
_WORDS: Final = {
    "format": "format {}", "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}", "minLength": "at least {} characters", "maxLength": "at most {} characters",
    "pattern": "pattern {}", "minItems": "at least {} items", "maxItems": "at most {} items",
    "default": "{} unless given", "const": "always {}", "multipleOf": "multiple of {}",
}  # fmt: skip
_UNIONS: Final = ("oneOf", "anyOf", "allOf")


@dataclass(frozen=True, slots=True)
class Row:
    """A property of a payload.

    Attributes:
        depth: 0 for the top ones.
        rules: what a value has to be like, in words.
    """

    name: str
    depth: int
    type: str
    is_required: bool = False
    text: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message with the rows of its payload; `kind` says what the payload is as a whole."""

    message: Message
    kind: str
    rows: tuple[Row, ...]


def shown_message(message: Message, reading: Reading) -> ShownMessage:
    """What a person reads of a message."""
    if message.payload is None:
        return ShownMessage(message, "", ())
    if not is_json_schema(message.schema_format):
        return ShownMessage(message, message.schema_format, ())
    rows: list[Row] = []
    walk = _Walk(reading.tree)
    for row in walk.rows(message.payload, 0, frozenset({message.payload_pointer})):
        rows.append(row)
        if len(rows) >= ROWS_LIMIT:
            rows.append(Row("…", 0, "", text="and more"))
            break
    schema, _ = _followed(message.payload, reading.tree)
    return ShownMessage(message, _type(schema, reading.tree), tuple(rows))


def messages_of(channel: Channel, direction: str) -> list[Message]:
    """The messages that travel in one direction of a channel, each once."""
    operations: list[Operation] = channel.direction(direction)
    found = {message.pointer: message for operation in operations for message in operation.messages}
    return list(found.values())


def _followed(schema: Any, tree: Mapping[str, Any]) -> tuple[Any, str]:
    """A schema with the references at its top followed, and where the last one led."""
    pointer = ""
    for _ in range(20):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        target = target_of(reference) if isinstance(reference, str) else None
        if target is None:
            break
        there, found = looked_up(tree, target)
        if not there:
            break
        schema, pointer = found, target
    return schema, pointer


class _Walk:
    """Goes through a schema; what leads on and on without a row ends after VISITS_LIMIT schemas."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree
        self.visits = 0

    def rows(self, given: Any, depth: int, seen: frozenset[str]) -> Iterator[Row]:
        """The rows of what is in a schema; `seen` are the places that it stands in."""
        schema, _ = _followed(given, self.tree)
        self.visits += 1
        if not isinstance(schema, dict) or depth > DEPTH_LIMIT or self.visits > VISITS_LIMIT:
            return
        required: Any = schema.get("required") if isinstance(schema.get("required"), list) else []
        properties: Any = schema.get("properties") if isinstance(schema.get("properties"), dict) else {}
        for name, inner in properties.items():
            yield from self._member(str(name), inner, depth, seen, is_required=name in required)
        if "items" in schema and isinstance(schema["items"], dict):
            yield from self._member("each item", schema["items"], depth, seen)
        for union in _UNIONS:
            for index, inner in enumerate(schema[union] if isinstance(schema.get(union), list) else ()):
                if union != "allOf":
                    yield from self._member(phrase("either {index}", index=index + 1), inner, depth, seen)
                elif (pointer := _followed(inner, self.tree)[1]) not in seen:
                    yield from self.rows(inner, depth, seen | {pointer} if pointer else seen)

    def _member(
        self, name: str, given: Any, depth: int, seen: frozenset[str], *, is_required: bool = False
    ) -> Iterator[Row]:
        schema, pointer = _followed(given, self.tree)
        text = str(schema.get("description", "")) if isinstance(schema, dict) else ""
        yield Row(name, depth, _type(schema, self.tree), is_required, text, tuple(_rules(schema)))
        if pointer not in seen:  # a schema that holds itself is shown once
            yield from self.rows(schema, depth + 1, seen | {pointer} if pointer else seen)


def _type(schema: Any, tree: Mapping[str, Any]) -> str:
    if not isinstance(schema, dict):
        return "anything" if schema is not False else "nothing"
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    if kind == "array" and isinstance(schema.get("items"), dict):
        inner, _ = _followed(schema["items"], tree)
        return (
            phrase("array of {type}", type=inner["type"])
            if isinstance(inner, dict) and isinstance(inner.get("type"), str)
            else "array"
        )
    if isinstance(kind, str):
        return kind
    if isinstance(schema.get("properties"), dict):
        return "object"
    return next((phrase("{union} of several", union=union) for union in _UNIONS if union in schema), "anything")


def _rules(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("enum"), list):
        yield "one of " + ", ".join(str(value) for value in schema["enum"][:20])
    for key, words in _WORDS.items():
        if key in schema and not isinstance(schema[key], dict | list):
            yield words.format(schema[key])
