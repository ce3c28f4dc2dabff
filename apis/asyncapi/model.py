"""What is understood of a document, the same for every version of AsyncAPI.

Directions are told from the clients' side, in the words of a topic: `publish` (clients send), `subscribe` (clients
receive). Every part has the JSON pointer of where it stands, so two readings can be compared part by part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apis.asyncapi.checking import Problem
from apis.asyncapi.documents import Document

PUBLISH = "publish"
SUBSCRIBE = "subscribe"
DIRECTIONS = (SUBSCRIBE, PUBLISH)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that travels on a channel.

    Attributes:
        name: its key, or its `name`.
        node: as it stands in the document, one reference followed.
        payload: its schema, of which references below its top are not followed; None where there is none.
        payload_pointer: where the schema really stands.
        schema_format: media type of the schema; "" for AsyncAPI's own (JSON Schema draft 7).
    """

    name: str
    pointer: str
    node: dict[str, Any]
    title: str = ""
    summary: str = ""
    content_type: str = ""
    schema_format: str = ""
    payload: Any = None
    payload_pointer: str = ""


@dataclass(frozen=True, slots=True)
class Security:
    """What an operation or a server asks for. Alternatives are put together.

    Attributes:
        stated: whether the document says anything about it here.
        kinds: "oauth" and "api_key", as an API has them.
        scopes: those that a token needs.
        is_open: explicitly nothing is asked for.
    """

    stated: bool = False
    kinds: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One direction of a channel.

    Attributes:
        direction: `publish` or `subscribe`, as a topic has them.
        key: its name in the document; "" in 2.x.
        scopes: what `x-scopes` names, or None where it is not there.
        is_reply: whether it is only the answer to the other direction.
    """

    direction: str
    key: str
    pointer: str
    messages: tuple[Message, ...] = ()
    title: str = ""
    summary: str = ""
    description: str = ""
    security: Security = Security()
    scopes: tuple[str, ...] | None = None
    mapping: str = ""
    is_reply: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a channel's address."""

    name: str
    pointer: str
    node: dict[str, Any]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel: what becomes a topic.

    Attributes:
        key: its name in the document (in 2.x its address).
        address: as a topic is named, with its leading slash; `address_pointer` where it stands.
        security: "none" where `x-auth-type` says so, else "".
        scopes: what `x-scopes` names for both directions, or None where it is not there.
    """

    key: str
    pointer: str
    address: str
    address_pointer: str
    title: str = ""
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    operations: tuple[Operation, ...] = ()
    messages: tuple[Message, ...] = ()
    bindings: Any = None
    scopes: tuple[str, ...] | None = None
    mapping: str = ""
    security: str = ""

    def direction(self, name: str) -> list[Operation]:
        """The operations in which clients `publish` or `subscribe`."""
        return [operation for operation in self.operations if operation.direction == name]


@dataclass(frozen=True, slots=True)
class Server:
    """A WebSocket server of the document: an endpoint.

    Attributes:
        key_type: "production" or "sandbox".
        is_gateway: written by this product, so it is no endpoint.
    """

    name: str
    pointer: str
    url: str
    key_type: str
    security: Security = Security()
    is_gateway: bool = False


@dataclass(frozen=True, slots=True)
class Scheme:
    """A security scheme. `kind` is "oauth", "api_key" or "" (not known here); `scopes` name -> description."""

    name: str
    pointer: str
    kind: str
    type: str
    scopes: dict[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class Design:
    """What would be made of a document.

    Attributes:
        topics: in the shape of `apis.shapes_topics`, complete; `topic_pointers` where each comes from.
        scopes: name -> (description, pointer) of those that topics name.
        endpoints: key type -> URLs; only those that the document has.
        endpoint_pointers: URL -> pointer of its server.
        schemes: what the API should accept; empty where the document does not say.
        context: "" where the document does not say; `name` is made fit for an API.
    """

    title: str
    name: str
    version: str
    description: str
    tags: tuple[str, ...]
    context: str
    topics: tuple[dict[str, Any], ...]
    topic_pointers: tuple[str, ...]
    scopes: dict[str, tuple[str, str]]
    endpoints: dict[str, tuple[str, ...]]
    endpoint_pointers: dict[str, str]
    schemes: tuple[str, ...]
    contact: dict[str, str]

    @property
    def summary(self) -> dict[str, Any]:
        """In plain values, for REST."""
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "context": self.context or None,
            "description": self.description,
            "tags": list(self.tags),
            "endpoints": {key_type: list(urls) for key_type, urls in self.endpoints.items()},
            "topics": [dict(topic) for topic in self.topics],
            "scopes": [{"name": name, "description": text} for name, (text, _) in self.scopes.items()],
            "schemes": list(self.schemes),
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """A document as it was read.

    Attributes:
        version: what `asyncapi` says, "" where it says nothing.
        design: None where the text is no AsyncAPI document at all; it may be partial where there are errors.
    """

    problems: tuple[Problem, ...]
    version: str = ""
    document: Document | None = None
    design: Design | None = None
    channels: tuple[Channel, ...] = ()
    servers: tuple[Server, ...] = ()
    schemes: tuple[Scheme, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        return self.document is not None and not any(problem.level == "error" for problem in self.problems)

    @property
    def tree(self) -> dict[str, Any]:
        """The document's value; empty where it could not be read."""
        return self.document.tree if self.document is not None else {}
