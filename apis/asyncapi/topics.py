"""Channels -> topics of a design, in the shape of `apis.shapes_topics`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from apis.asyncapi.channels import MAPPING
from apis.asyncapi.checking import Findings, short
from apis.asyncapi.merging import merged
from apis.asyncapi.model import PUBLISH, SUBSCRIBE, Channel, Security, Server
from apis.shapes_topics import (
    SCOPE_FIELDS,
    SCOPES_LIMIT,
    TOPICS_LIMIT,
    mapping_problem,
    normal_path,
    parameters_of,
    pattern_of,
    scope_name_problem,
    topic_name_problem,
    topic_of,
)
from apis.words import phrase

_FIELD: Final = {SUBSCRIBE: "subscribe_scopes", PUBLISH: "publish_scopes"}


def topics_made(
    channels: Iterable[Channel], servers: Iterable[Server], found: Findings
) -> tuple[list[dict[str, Any]], list[str]]:
    """The topics that channels become, and the pointer of each. Two channels of one address are one topic."""
    asked = [server.security for server in servers if not server.is_gateway and server.security.stated]
    is_open = bool(asked) and all(security.is_open for security in asked)
    general = tuple(dict.fromkeys(scope for security in asked for scope in security.scopes))
    topics: list[dict[str, Any]] = []
    pointers: list[str] = []
    taken: dict[str, str] = {}
    for channel in merged(channels):
        pattern = pattern_of(channel.address)
        if pattern in taken:
            found.error(
                channel.address_pointer,
                phrase("This takes the same paths as the channel {taken}.", taken=short(taken[pattern])),
            )
            continue
        taken[pattern] = channel.key
        topics.append(_topic(channel, general, is_open, found))
        pointers.append(channel.pointer)
    if len(topics) > TOPICS_LIMIT:
        found.error("/channels", phrase("An API has at most {topics_limit} topics.", topics_limit=TOPICS_LIMIT))
    if not topics:
        found.error("/channels", "No channel becomes a topic, and an API needs at least one.")
    return topics, pointers


def _topic(channel: Channel, general: tuple[str, ...], is_open: bool, found: Findings) -> dict[str, Any]:
    _check_name(channel, found)
    directions = {name: bool(channel.direction(name)) for name in _FIELD}
    if not any(directions.values()):
        found.warning(channel.pointer, "No operation says what happens here, so clients may send and receive.")
        directions = dict.fromkeys(directions, True)
    topic = topic_of({"name": channel.address, **directions, "url_mapping": _mapping(channel, found)})
    if _is_open(channel, is_open, found):
        topic["security"] = "none"
    else:
        topic.update(_scopes(channel, general, directions))
        _check_scopes(channel, topic, found)
    return topic


def _check_name(channel: Channel, found: Findings) -> None:
    if problem := topic_name_problem(channel.address):
        found.error(channel.address_pointer, f"{short(channel.address)} cannot be a topic. {problem}")
        return
    names = parameters_of(channel.address)
    for parameter in channel.parameters:
        if parameter.name not in names:
            found.error(
                parameter.pointer,
                phrase(
                    "{{{name}}} is no parameter of {address}.",
                    name=short(parameter.name),
                    address=short(channel.address),
                ),
            )


def _mapping(channel: Channel, found: Findings) -> str:
    given = {operation.pointer: operation.mapping for operation in channel.operations if operation.mapping}
    pointer, mapping = channel.pointer, channel.mapping
    if not mapping and given:
        pointer, mapping = next(iter(given.items()))
        if len(set(given.values())) > 1:
            found.warning(
                pointer,
                phrase(
                    "A connection has one URL mapping for both directions; {mapping} is taken.", mapping=short(mapping)
                ),
            )
    mapping = normal_path(mapping)
    if mapping and (problem := mapping_problem(mapping, channel.address)):
        found.error(f"{pointer}/{MAPPING}", problem)
        return ""
    return mapping


def _is_open(channel: Channel, general: bool, found: Findings) -> bool:
    if channel.security:
        return channel.security == "none"
    stated = [operation.security for operation in channel.operations if operation.security.stated]
    if not stated:
        return general
    opened = [security.is_open for security in stated]
    if any(opened) and not (all(opened) and len(stated) == len(channel.operations)):
        text = "A connection is open to anybody in both directions or in none; this one asks for a credential."
        found.warning(channel.pointer, text)
        return False
    return all(opened)


def _scopes(channel: Channel, general: tuple[str, ...], directions: dict[str, bool]) -> dict[str, list[str]]:
    """What a token needs: `x-scopes` where there are any, else what `security` says.

    Scopes that both directions (or the only one) ask for are needed to connect at all.
    """
    own = [operation for operation in channel.operations if not operation.is_reply]
    if channel.scopes is not None or any(operation.scopes is not None for operation in own):
        listed = {name: _joined(one.scopes or () for one in own if one.direction == name) for name in _FIELD}
        connect = list(channel.scopes or ())
    else:
        listed = {
            name: _joined(_asked(one.security, general) for one in own if one.direction == name) for name in _FIELD
        }
        connect = [] if own else list(general)
    if not connect and channel.scopes is None:
        used = [listed[name] for name in _FIELD if directions[name]]
        connect = [scope for scope in used[0] if all(scope in others for others in used)]
    rest = {_FIELD[name]: [scope for scope in listed[name] if scope not in connect] for name in _FIELD}
    return {"scopes": connect, **rest}


def _asked(security: Security, general: tuple[str, ...]) -> tuple[str, ...]:
    return security.scopes if security.stated else general


def _joined(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(scope for group in groups for scope in group))


def _check_scopes(channel: Channel, topic: dict[str, Any], found: Findings) -> None:
    for field in SCOPE_FIELDS:
        if len(topic[field]) > SCOPES_LIMIT:
            found.error(
                channel.pointer, phrase("A topic asks for at most {scopes_limit} scopes.", scopes_limit=SCOPES_LIMIT)
            )
        for scope in topic[field]:
            if problem := scope_name_problem(scope):
                found.error(channel.pointer, f"{short(scope)} cannot be a scope. {problem}")
