"""A design -> a document of AsyncAPI 3.0.0, in which the application is the API: it receives what clients send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final
from urllib.parse import urlsplit

from apis.asyncapi.carrying import Carried, components_carried, mended, messages_carried
from apis.asyncapi.channels import AUTH, MAPPING, SCOPES
from apis.asyncapi.facts import Facts
from apis.asyncapi.merging import merged
from apis.asyncapi.model import PUBLISH, SUBSCRIBE, Channel, Operation, Reading
from apis.asyncapi.naming import free, slug
from apis.asyncapi.reading import CONTEXT
from apis.asyncapi.servers import GATEWAY
from apis.shapes_topics import parameters_of, pattern_of

VERSION: Final = "3.0.0"
BINDING: Final = "0.1.0"  # of the WebSockets binding
_ABOUT: Final = "Sent as `Authorization: Bearer`, as the subprotocol `base64url.bearer.authorization.`, or as a ticket."
_VERBS: Final = {SUBSCRIBE: ("send", "receive"), PUBLISH: ("receive", "send")}
_FIELD: Final = {SUBSCRIBE: "subscribe_scopes", PUBLISH: "publish_scopes"}


def document_of(design: Mapping[str, Any], facts: Facts, kept: Reading | None = None) -> dict[str, Any]:
    """A valid document about an API as clients meet it.

    Args:
        design: {"name", "version", "description", "tags", "context", "topics"}; topics in the shape of
            `apis.shapes_topics`.
        kept: a document that somebody wrote about it: its messages, schemas and words are carried over, what it says
            of servers and security is not.
    """
    topics = list(design["topics"])
    channels_kept = merged(kept.channels) if kept is not None else []
    written = {pattern_of(channel.address): channel for channel in channels_kept}
    schemes = _Schemes(facts)
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    keys = _keys(topics, written)
    for topic in topics:
        key, source = keys[topic["name"]], written.get(pattern_of(topic["name"]))
        carried = messages_carried(source)
        channels[key] = _channel(topic, facts, source, carried)
        for name, operation in _operations(topic, key, source, carried, schemes):
            operations[free(name, operations)] = operation
    document = {
        "asyncapi": VERSION,
        "info": _info(design, facts, kept),
        "defaultContentType": _content_type(kept),
        "servers": _servers(facts, schemes),
        "channels": channels,
        "operations": operations,
        "components": {**components_carried(kept), "securitySchemes": schemes.done},
        "x-close-codes": [dict(row) for row in facts.close_codes],
    }
    return mended({name: value for name, value in document.items() if value or name == "channels"}, kept)


def _info(design: Mapping[str, Any], facts: Facts, kept: Reading | None) -> dict[str, Any]:
    words = kept.info if kept is not None else {}
    contact = dict(facts.contact) or words.get("contact") or {}
    info = {
        "title": design["name"],
        "version": design["version"],
        "description": design.get("description", ""),
        **{name: deepcopy(words[name]) for name in ("termsOfService", "license", "externalDocs") if words.get(name)},
        "contact": contact,
        "tags": [{"name": tag} for tag in design.get("tags", ())],
        CONTEXT: design.get("context", ""),
        **facts.extras,
    }
    return {name: value for name, value in info.items() if value or name in {"title", "version"}}


def _content_type(kept: Reading | None) -> str:
    return str(kept.tree.get("defaultContentType", "")) if kept is not None else ""


def _servers(facts: Facts, schemes: _Schemes) -> dict[str, Any]:
    """The gateway, an environment and scheme each. Marked, because it is no endpoint of the API."""
    found: dict[str, Any] = {}
    for environment, url in facts.urls:
        parts = urlsplit(url)
        name = f"{slug(environment) or 'gateway'}-{parts.scheme}"
        server = {
            "host": parts.netloc,
            "protocol": parts.scheme,
            "pathname": parts.path,
            "description": f"The gateway, environment {environment}",
            "security": schemes.listed(()),
            GATEWAY: True,
        }
        found[free(name, found)] = {key: value for key, value in server.items() if value}
    return found


class _Schemes:
    """The security schemes of a document; operations that need scopes have schemes of their own (3.0: `scopes`)."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.done: dict[str, Any] = {}
        self._names: dict[tuple[str, ...], str] = {}

    def listed(self, scopes: tuple[str, ...]) -> list[dict[str, str]]:
        """References to the alternatives that let a client in; API keys carry no scopes."""
        names = [self._oauth(scopes)] if "oauth" in self.facts.schemes else []
        names += self._keys() if "api_key" in self.facts.schemes and not scopes else []
        return [{"$ref": f"#/components/securitySchemes/{name}"} for name in names]

    def _oauth(self, scopes: tuple[str, ...]) -> str:
        if scopes not in self._names:
            name = "oauth2" if not scopes else free("oauth2-" + "-".join(map(slug, scopes))[:60], self.done)
            self._names[scopes] = name
            self.done[name] = self._flows(scopes)
        return self._names[scopes]

    def _flows(self, scopes: tuple[str, ...]) -> dict[str, Any]:
        offered = {name: text or name for name, text in self.facts.scopes.items()}
        if not self.facts.token_url:  # its tokens come from elsewhere
            return {"type": "http", "scheme": "bearer", **({SCOPES: list(scopes)} if scopes else {})}
        token = {"tokenUrl": self.facts.token_url, "availableScopes": offered}
        flows = {"clientCredentials": token}
        if self.facts.authorize_url:
            flows["authorizationCode"] = {"authorizationUrl": self.facts.authorize_url, **deepcopy(token)}
        return {"type": "oauth2", "description": _ABOUT, "flows": flows, **({"scopes": list(scopes)} if scopes else {})}

    def _keys(self) -> list[str]:
        places = {"apiKeyHeader": ("header", "ApiKey")}
        if self.facts.query_credentials:
            places["apiKeyQuery"] = ("query", "apikey")
        for name, (place, key) in places.items():
            self.done.setdefault(name, {"type": "httpApiKey", "in": place, "name": key})
        return list(places)


def _keys(topics: list[Mapping[str, Any]], written: Mapping[str, Channel]) -> dict[str, str]:
    """A name for the channel of each topic: the one that somebody gave it, else its path as a word."""
    keys: dict[str, str] = {}
    taken: set[str] = set()
    for topic in topics:
        source = written.get(pattern_of(topic["name"]))
        given = slug(source.key) if source is not None else ""
        path = topic["name"].replace("/*", "/everything-below") if topic["name"] != "/*" else "everything"
        key = free(given or slug(path) or "root", taken)
        taken.add(key)
        keys[topic["name"]] = key
    return keys


def _channel(topic: Mapping[str, Any], facts: Facts, source: Channel | None, carried: Carried) -> dict[str, Any]:
    described = {one.name: one.description for one in source.parameters} if source is not None else {}
    names = parameters_of(topic["name"])
    texts = list(described.values())
    parameters: dict[str, Any] = {}
    for index, name in enumerate(names):
        text = described.get(name) or (texts[index] if len(texts) == len(names) else "")
        parameters[name] = {"description": text} if text else {}
    channel = {
        "address": topic["name"],
        "title": source.title if source is not None else "",
        "description": source.description if source is not None else "",
        "messages": carried.messages,
        "parameters": parameters,
        "bindings": _bindings(facts, topic, source),
        MAPPING: topic.get("url_mapping", ""),
        AUTH: "None" if topic["security"] == "none" else "",
    }
    done = {name: value for name, value in channel.items() if value or name == "address"}
    asked = [*topic["scopes"], *(scope for name in _VERBS if topic[name] for scope in _more(topic, name))]
    return {**done, SCOPES: list(topic["scopes"])} if asked else done


def _bindings(facts: Facts, topic: Mapping[str, Any], source: Channel | None) -> dict[str, Any]:
    given: dict[str, Any] = deepcopy(source.bindings) if source and isinstance(source.bindings, dict) else {}
    ws: dict[str, Any] = given["ws"] if isinstance(given.get("ws"), dict) else {}
    if facts.query_credentials and topic["security"] != "none":
        names = [name for name, kind in (("access_token", "oauth"), ("apikey", "api_key")) if kind in facts.schemes]
        query: dict[str, Any] = ws["query"] if isinstance(ws.get("query"), dict) else {"type": "object"}
        properties = {**query.get("properties", {}), **{name: {"type": "string"} for name in names}}
        ws = {**ws, "query": {**query, "properties": properties}}
    if ws:
        given["ws"] = {"method": "GET", **ws, "bindingVersion": BINDING}
    return given


def _operations(
    topic: Mapping[str, Any], key: str, source: Channel | None, carried: Carried, schemes: _Schemes
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The operations of a topic's channel, each with the name it would like to have."""
    for direction, (action, verb) in _VERBS.items():
        if not topic[direction]:
            continue
        own = source.direction(direction) if source is not None else []
        first = next((one for one in own if not one.is_reply), None)
        name = slug(first.key) if first is not None else ""
        operation = {
            "action": action,
            "channel": {"$ref": f"#/channels/{key}"},
            "title": first.title if first is not None else "",
            "summary": (first.summary if first is not None else "") or f"Clients {verb}",
            "description": first.description if first is not None else "",
            "messages": _named(own, key, carried),
            "security": [] if topic["security"] == "none" else _secured(topic, direction, schemes),
            SCOPES: _more(topic, direction),
        }
        always = {"action", "channel"} | ({"security"} if topic["security"] == "none" else set())
        always |= {"messages"} if operation["messages"] is not None else set()
        done = {part: value for part, value in operation.items() if value or part in always}
        yield name or f"{action}-{key}", done


def _secured(topic: Mapping[str, Any], direction: str, schemes: _Schemes) -> list[dict[str, str]]:
    needed = dict.fromkeys((*topic["scopes"], *topic[_FIELD[direction]]))
    return schemes.listed(tuple(needed))


def _named(own: list[Operation], key: str, carried: Carried) -> list[dict[str, str]] | None:
    """References to the messages of an operation; None where every message of the channel is meant."""
    if not own or not carried.messages:
        return None
    pointers = {message.pointer for operation in own for message in operation.messages}
    names = [name for pointer, name in carried.names.items() if pointer in pointers]
    if len(names) == len(carried.messages):
        return None
    return [{"$ref": f"#/channels/{key}/messages/{name}"} for name in names]


def _more(topic: Mapping[str, Any], direction: str) -> list[str]:
    """The scopes that a direction needs besides those to connect."""
    return [scope for scope in topic[_FIELD[direction]] if scope not in topic["scopes"]]
