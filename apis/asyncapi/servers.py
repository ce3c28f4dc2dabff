"""Servers: which of them are endpoints of an API, for which keys, and at which URL."""

from __future__ import annotations

import re
from typing import Final

from apis.asyncapi.checking import short
from apis.asyncapi.model import Scheme, Server
from apis.asyncapi.nodes import Node
from apis.asyncapi.securities import security_of
from apis.validators import endpoint_problem
from apis.words import phrase

GATEWAY: Final = "x-gateway"  # a server that this product wrote: the gateway itself, which is no endpoint
KEY_TYPE: Final = "x-key-type"
_SANDBOX: Final = re.compile(
    r"(?:^|[^a-z])(?:sandbox|staging|stage|test|testing|dev|development|demo|qa)(?:$|[^a-z])", re.I
)
_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_PROTOCOLS: Final = {"ws", "wss"}
_KNOWN_2: Final = ("url", "protocol", "protocolVersion", "description", "variables", "security", "tags", "bindings")
_KNOWN_3: Final = (
    "host", "protocol", "protocolVersion", "pathname", "title", "summary", "description", "variables", "security",
    "tags", "externalDocs", "bindings",
)  # fmt: skip


def servers_of(root: Node, schemes: dict[str, Scheme], is_3: bool) -> tuple[list[Server], dict[str, str]]:
    """The WebSocket servers, and all servers with why they are none: (servers, pointer or name -> protocol)."""
    servers, protocols = [], {}
    for name, node in root.members("servers"):
        node.known(_KNOWN_3 if is_3 else _KNOWN_2, "a server")
        protocol = node.text("protocol", required=True).lower()
        for place in (name, f"/servers/{name}", *node.chain):
            protocols[place] = protocol
        if protocol and protocol not in _PROTOCOLS:
            node.warning(
                phrase(
                    "{protocol} is no WebSocket; the server {name} does not become an endpoint.",
                    protocol=short(protocol),
                    name=short(name),
                )
            )
            continue
        server = _server(name, node, protocol, schemes, is_3)
        if server is not None:
            servers.append(server)
    return servers, protocols


def _server(name: str, node: Node, protocol: str, schemes: dict[str, Scheme], is_3: bool) -> Server | None:
    address = _filled(node, "host" if is_3 else "url", required=True)
    path = _filled(node, "pathname") if is_3 else ""
    security = security_of(node, schemes)
    if address is None or path is None or not protocol:
        return None
    if "://" not in address:
        address = f"{protocol}://{address}"
    url = address.rstrip("/") + (f"/{path.strip('/')}" if path.strip("/") else "") if path else address
    key = "host" if is_3 else "url"
    is_gateway = bool(node.value.get(GATEWAY))
    if not is_gateway and (problem := endpoint_problem(url)):
        node.error(f"{short(url)} cannot be an endpoint. {problem}", key)
        return None
    return Server(name, node.pointer, url, _key_type(name, node), security, is_gateway)


def _filled(node: Node, key: str, *, required: bool = False) -> str | None:
    """A template with its variables put in, each by its default or else the first value it may have."""
    template = node.text(key, required=required)
    if required and not template:
        return None
    variables = dict(node.members("variables"))
    values: dict[str, str] = {}
    for name in _VARIABLE.findall(template):
        one = variables.get(name)
        options = one.texts("enum") if one is not None else ()
        value = (one.text("default") if one is not None else "") or (options[0] if options else "")
        if one is not None and options and value not in options:
            one.error(phrase("The default is none of {short}.", short=", ".join(map(short, options[:10]))), "default")
        if not value:
            node.warning(
                phrase(
                    "The variable {{{name}}} has no default, so this server does not become an endpoint.",
                    name=short(name),
                ),
                key,
            )
            return None
        values[name] = value
    return _VARIABLE.sub(lambda found: values[found[1]], template)


def _key_type(name: str, node: Node) -> str:
    """Production or sandbox: what `x-key-type` says, else what the name or a tag of the server suggests."""
    chosen = node.text(KEY_TYPE)
    if chosen in {"production", "sandbox"}:
        return chosen
    if chosen:
        node.error("This should be production or sandbox.", KEY_TYPE)
    tags = [tag.value.get("name", "") for tag in node.rows("tags")]
    return "sandbox" if any(_SANDBOX.search(word) for word in (name, *tags) if isinstance(word, str)) else "production"
