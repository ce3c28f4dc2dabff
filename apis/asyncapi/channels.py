"""Channels and operations of AsyncAPI 2.x and 3.x, told from the clients' side.

In 2.x, `publish` is what clients may send and `subscribe` what they receive (2.6, "Operation Object": the API's users
publish to the application). In 3.x an operation's `action` is what the application does, and the application is the
API: it receives what clients send. A document of 3.x that was written from a client's side says `x-perspective:
client` at its top.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any, Final

from apis.asyncapi.checking import short
from apis.asyncapi.messages import message_of, messages_of_operation
from apis.asyncapi.model import DIRECTIONS, PUBLISH, SUBSCRIBE, Channel, Message, Operation, Parameter, Scheme
from apis.asyncapi.nodes import Node, target_of
from apis.asyncapi.securities import security_of
from apis.shapes_topics import normal_path
from apis.words import phrase

MAPPING: Final = "x-uri-mapping"
SCOPES: Final = "x-scopes"
AUTH: Final = "x-auth-type"
PERSPECTIVE: Final = "x-perspective"
CREDENTIALS: Final = frozenset({"access_token", "apikey"})  # what the gateway itself takes in a query
_CHANNEL_2: Final = ("servers", "description", *DIRECTIONS, "parameters", "bindings")
_CHANNEL_3: Final = (
    "address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "externalDocs",
    "bindings",
)  # fmt: skip
_OPERATION_2: Final = (
    "operationId", "summary", "description", "security", "tags", "externalDocs", "bindings", "traits", "message",
)  # fmt: skip
_OPERATION_3: Final = (
    "action", "channel", "title", "summary", "description", "security", "tags", "externalDocs", "bindings", "traits",
    "messages", "reply",
)  # fmt: skip
_OTHER: Final = {PUBLISH: SUBSCRIBE, SUBSCRIBE: PUBLISH}


def channels_of(root: Node, schemes: dict[str, Scheme], protocols: Mapping[str, str], is_3: bool) -> list[Channel]:
    """Every channel that WebSocket clients can use; `protocols` as servers_of gives them."""
    if not is_3 and "channels" not in root.value:
        root.error("This needs `channels`.")
    found = []
    operations = _operations_3(root, schemes) if is_3 else {}
    for name, node in root.members("channels"):
        node.known(_CHANNEL_3 if is_3 else _CHANNEL_2, "a channel")
        if not _is_for_websockets(node, protocols, is_3):
            node.warning(
                phrase(
                    "The channel {name} is for servers that are no WebSockets, so it becomes no topic.",
                    name=short(name),
                )
            )
            continue
        own = operations.get(node.pointer, []) if is_3 else _operations_2(node, schemes)
        address = _address(name, node, is_3)
        if address is not None:
            pointer = f"{node.pointer}/address" if is_3 else node.pointer
            found.append(replace(_channel(name, node, address, own), address_pointer=pointer))
    return found


def _is_for_websockets(node: Node, protocols: Mapping[str, str], is_3: bool) -> bool:
    listed: list[str] = []
    for server in node.value.get("servers") or ():
        place = target_of(str(server.get("$ref", ""))) if is_3 and isinstance(server, dict) else server
        if place not in protocols:
            node.error(phrase("There is no server {place}.", place=short(place)), "servers")
            continue
        listed.append(protocols[str(place)])
    return not listed or any(protocol in {"ws", "wss"} for protocol in listed)


def _address(name: str, node: Node, is_3: bool) -> str | None:
    """The path below the API, without a query and without a slash at its end."""
    key = "address" if is_3 else ""
    address = node.text("address") if is_3 else name
    if not address:
        node.warning(phrase("The channel {name} has no address, so it becomes no topic.", name=short(name)))
        return None
    path, question, _ = address.partition("?")
    if question:
        node.warning("A topic is a path; the query of this address is left out.", key)
    path = normal_path(path) or "/"
    if len(path) > 1 and path.endswith("/"):
        node.warning("A topic does not end in a slash; it is left out.", key)
        path = path.rstrip("/") or "/"
    return path


def _channel(name: str, node: Node, address: str, operations: list[Operation]) -> Channel:
    parameters = []
    for parameter, one in node.members("parameters"):
        parameters.append(Parameter(parameter, one.pointer, one.value, one.text("description")))
    _check_bindings(node)
    return Channel(
        key=name,
        pointer=node.pointer,
        address=address,
        address_pointer=node.pointer,
        title=node.text("title") or node.text("summary"),
        description=node.text("description"),
        parameters=tuple(parameters),
        operations=tuple(operations),
        messages=tuple(message_of(key, one) for key, one in node.members("messages")),
        bindings=node.value.get("bindings"),
        scopes=_scopes(node),
        mapping=node.text(MAPPING),
        security=_auth(node),
    )


def _check_bindings(node: Node) -> None:
    """WebSockets channel binding 0.1.0: method, query, headers."""
    bindings = node.child("bindings", dict)
    ws = bindings.child("ws", dict) if bindings is not None else None
    if ws is None:
        return
    ws.known(("method", "query", "headers", "bindingVersion"), "the WebSockets binding")
    if (method := ws.text("method")) and method not in {"GET", "POST"}:
        ws.error("This should be GET or POST.", "method")
    elif method == "POST":
        ws.warning("WebSockets are opened with GET (RFC 6455 section 4.1); clients of the gateway do so.", "method")
    for key in ("query", "headers"):
        schema = ws.child(key, dict)
        if schema is not None and not set(schema.value.get("properties") or ("",)) <= CREDENTIALS:
            ws.warning("Clients' queries and headers reach the backend; that they fit this schema is not checked.", key)


def _scopes(node: Node) -> tuple[str, ...] | None:
    return node.texts(SCOPES) if SCOPES in node.value else None


def _auth(node: Node) -> str:
    value = node.value.get(AUTH)
    return "none" if isinstance(value, str) and value.lower() == "none" else "oauth" if value is not None else ""


def _operations_2(channel: Node, schemes: dict[str, Scheme]) -> list[Operation]:
    found = []
    for direction in DIRECTIONS:
        node = channel.child(direction, dict)
        if node is not None:
            node.known(_OPERATION_2, "an operation")
            found.append(_operation(direction, node.text("operationId"), node, schemes, messages_of_operation(node)))
    return found


def _operation(
    direction: str, key: str, node: Node, schemes: dict[str, Scheme], messages: tuple[Message, ...]
) -> Operation:
    if "traits" in node.value:
        node.warning("Traits are kept, and nothing is read from them.", "traits")
    security = security_of(node, schemes)
    if auth := _auth(node):
        security = replace(security, stated=True, is_open=auth == "none")
    return Operation(
        direction=direction,
        key=key,
        pointer=node.pointer,
        messages=messages,
        title=node.text("title"),
        summary=node.text("summary"),
        description=node.text("description"),
        security=security,
        scopes=_scopes(node),
        mapping=node.text(MAPPING),
    )


def _operations_3(root: Node, schemes: dict[str, Scheme]) -> dict[str, list[Operation]]:
    """Operations by the pointer of their channel; a reply is an operation in the other direction."""
    flipped = str(root.value.get(PERSPECTIVE, "")).lower() == "client"
    found: dict[str, list[Operation]] = {}
    ends = {node.pointer for _, node in root.members("channels")}
    for name, node in root.members("operations"):
        node.known(_OPERATION_3, "an operation")
        action, channel = node.text("action", required=True), _channel_of(node, ends)
        if action and action not in {"send", "receive"}:
            node.error("This should be send or receive.", "action")
        if channel is None or action not in {"send", "receive"}:
            continue
        direction = PUBLISH if (action == "receive") != flipped else SUBSCRIBE
        one = _operation(direction, name, node, schemes, _messages_3(node, channel))
        found.setdefault(channel.pointer, []).append(one)
        if (reply := node.child("reply", dict)) is not None:
            where = _channel_of(reply, ends) if "channel" in reply.value else channel
            if where is not None:
                found.setdefault(where.pointer, []).append(_reply(reply, where, one, is_own=where is channel))
    return found


def _channel_of(node: Node, ends: Container[str]) -> Node | None:
    """The channel that an operation or a reply names. It has to be one of `ends`, the document's own `channels`."""
    channel = node.child("channel", dict)
    if channel is None:
        if "channel" not in node.value:
            node.error("This needs `channel`.")
        return None
    if channel.pointer not in ends or len(channel.chain) < 2:
        node.error("An operation's channel is a reference to one of #/channels.", "channel")
        return None
    return channel


def _messages_3(node: Node, channel: Node) -> tuple[Message, ...]:
    """Those that the operation names, or else all of its channel."""
    if "messages" in node.value:
        rows = node.rows("messages")
        return tuple(message_of(row.chain[1].rpartition("/")[2] if len(row.chain) > 1 else "", row) for row in rows)
    return tuple(message_of(name, one) for name, one in channel.members("messages"))


def _reply(reply: Node, where: Node, one: Operation, *, is_own: bool) -> Operation:
    """The answer to an operation, in the other direction; without messages of its own in the same channel, none."""
    if "address" in reply.value:
        reply.warning("An address that is only known from a message is kept, and nothing is made of it.", "address")
    named = _messages_3(reply, where) if "messages" in reply.value or not is_own else ()
    answer: dict[str, Any] = {"direction": _OTHER[one.direction], "pointer": reply.pointer, "messages": named}
    return replace(one, key="", is_reply=True, **answer)
