"""Channels of one address are one topic: a WebSocket is one connection, whatever kinds of messages it carries.

Documents about WebSockets often have a channel for every kind of message, all of them with the address `/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from apis.asyncapi.model import Channel


def merged(channels: Iterable[Channel]) -> list[Channel]:
    """One channel for every address, with the operations and messages of all that have it; the first gives its name."""
    groups: dict[str, list[Channel]] = {}
    for channel in channels:
        groups.setdefault(channel.address, []).append(channel)
    return [_one(group) if len(group) > 1 else group[0] for group in groups.values()]


def _one(group: list[Channel]) -> Channel:
    said = [channel.scopes for channel in group if channel.scopes is not None]
    securities = [channel.security for channel in group]
    parameters = {one.name: one for channel in reversed(group) for one in channel.parameters}
    messages = {one.pointer: one for channel in group for one in channel.messages}
    return replace(
        group[0],
        title=next((channel.title for channel in group if channel.title), ""),
        description=next((channel.description for channel in group if channel.description), ""),
        parameters=tuple(parameters.values()),
        operations=tuple(operation for channel in group for operation in channel.operations),
        messages=tuple(messages.values()),
        bindings=next((channel.bindings for channel in group if channel.bindings), None),
        scopes=tuple(dict.fromkeys(scope for scopes in said for scope in scopes)) if said else None,
        mapping=next((channel.mapping for channel in group if channel.mapping), ""),
        security="none" if set(securities) == {"none"} else "oauth" if any(securities) else "",
    )
