"""Messages of channels and operations, with their payload schemas."""

from __future__ import annotations

from typing import Any, Final

import jsonschema

from apis.asyncapi.checking import Endless, short
from apis.asyncapi.model import Message
from apis.asyncapi.nodes import Node
from apis.words import phrase

# "AsyncAPI Schema Object" is a superset of JSON Schema draft 7; these media types say it is (2.6 and 3.0).
_JSON_SCHEMA: Final = ("application/schema+json", "application/schema+yaml", "application/vnd.aai.asyncapi")


MESSAGES_LIMIT: Final = 5_000  # of a document, each as often as operations and channels name it
_LIST_LIMIT: Final = 1_000  # items; the check that they differ takes the square of it
_SCHEMA_LIMIT: Final = 20_000  # values


def is_json_schema(schema_format: str) -> bool:
    """Whether payloads of this format can be checked and shown; "" is AsyncAPI's own format."""
    return not schema_format or schema_format.startswith(_JSON_SCHEMA)


def message_of(name: str, node: Node) -> Message:
    """A message; a payload schema that is none is an error.

    Raises: Endless.
    """
    node.found.messages += 1
    if node.found.messages > MESSAGES_LIMIT:
        node.found.error(
            "",
            phrase(
                "More than {messages_limit} messages are named here, or one of them as often.",
                messages_limit=MESSAGES_LIMIT,
            ),
        )
        raise Endless
    schema_format, payload = node.text("schemaFormat"), node.child("payload")
    if payload is not None and isinstance(payload.value, dict) and "schemaFormat" in payload.value:
        schema_format = payload.text("schemaFormat")  # 3.0, "Multi Format Schema Object"
        payload = payload.child("schema")
    if payload is not None and is_json_schema(schema_format):
        _check_schema(payload)
    elif payload is not None:
        node.warning(
            phrase(
                "Payloads in {schema_format} are kept as they are and not looked into.",
                schema_format=short(schema_format),
            )
        )
    if "traits" in node.value:
        node.warning("Traits are kept, and nothing is read from them.", "traits")
    return Message(
        name=node.text("name") or node.text("messageId") or name,
        pointer=node.pointer,
        node=node.value,
        title=node.text("title"),
        summary=node.text("summary") or node.text("description"),
        content_type=node.text("contentType"),
        schema_format=schema_format,
        payload=payload.value if payload is not None else None,
        payload_pointer=payload.pointer if payload is not None else "",
    )


def _check_schema(payload: Node) -> None:
    if not isinstance(payload.value, dict | bool):
        payload.error("A payload should be a schema.")
        return
    if payload.pointer in payload.found.schemas or not _is_checkable(payload.value):
        return
    payload.found.schemas.add(payload.pointer)
    checker = jsonschema.Draft7Validator(jsonschema.Draft7Validator.META_SCHEMA)
    for problem in list(checker.iter_errors(payload.value))[:5]:
        path = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in problem.absolute_path)
        payload.found.error(
            payload.pointer + path, phrase("This is no JSON Schema (draft 7): {problem}.", problem=_words(problem))
        )


def _is_checkable(schema: Any) -> bool:
    """Whether a schema can be checked in a moment; a larger one is kept as it is."""
    waiting, count = [schema], 0
    while waiting:
        value = waiting.pop()
        count += 1
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
        if count > _SCHEMA_LIMIT or (isinstance(value, list) and len(value) > _LIST_LIMIT):
            return False
        waiting += inner
    return True


def _words(problem: Any) -> str:
    return short(problem.message).rstrip(".")


def messages_of_operation(node: Node) -> tuple[Message, ...]:
    """2.x: `message` of an operation is one message or {"oneOf": [...]}."""
    one = node.child("message", dict)
    if one is None:
        return ()
    if "oneOf" in one.value:
        return tuple(message_of(_last(row), row) for row in one.rows("oneOf"))
    return (message_of(_last(one), one),)


def _last(node: Node) -> str:
    return node.pointer.rpartition("/")[2] if len(node.chain) > 1 else ""
