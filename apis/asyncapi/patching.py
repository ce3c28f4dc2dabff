"""A document that somebody wrote, changed so that it says what the topics now are; everything else in it stays.

Comments and order stay where the text is YAML of a sensible size; otherwise it is written anew from its values.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from apis.asyncapi.channels import AUTH, MAPPING, PERSPECTIVE, SCOPES
from apis.asyncapi.checking import errors_of, escaped, unescaped
from apis.asyncapi.documents import Unreadable, read_document
from apis.asyncapi.dumping import dumped
from apis.asyncapi.model import PUBLISH, SUBSCRIBE, Channel, Reading
from apis.asyncapi.naming import free, slug
from apis.asyncapi.nodes import looked_up, target_of
from apis.asyncapi.reading import read
from apis.shapes_topics import parameters_of, pattern_of, topic_of
from apis.words import phrase

COMMENTS_LIMIT: Final = 100_000  # characters; ruamel.yaml is some hundred times slower than libyaml
_FIELD: Final = {SUBSCRIBE: "subscribe_scopes", PUBLISH: "publish_scopes"}
Topic = Mapping[str, Any]


class Unpatchable(Exception):
    """The document cannot be made to say what the topics are. The text says why, in one sentence."""


def patched(reading: Reading, topics: Sequence[Topic]) -> str:
    """The text of a document with these topics in the place of those that it has.

    Args:
        reading: of the document, without errors.
        topics: in the shape of `apis.shapes_topics`; their API plans stand in no document.

    Raises: Unpatchable.
    """
    if same(reading.design.topics if reading.design else (), topics):
        return reading.document.text if reading.document else ""
    tree = _loaded(reading)
    _Patch(tree, reading).apply(topics)
    text = written(tree, reading)
    again = read(text)
    if not again.is_valid or again.design is None or not same(again.design.topics, topics):
        why = next((f" ({problem.text})" for problem in errors_of(again.problems)), "")
        raise Unpatchable(
            phrase("Its definition is written so that this change cannot be made in it{why}.", why=why).replace(
                ".).", ")."
            )
        )
    return text


def retitled(reading: Reading, **info: str) -> str:
    """The text of a document with other words in `info`: title, version, description."""
    tree = _loaded(reading)
    tree["info"].update(info)
    return written(tree, reading)


def same(left: Sequence[Topic], right: Sequence[Topic]) -> bool:
    """Whether two lists of topics say the same, in any order and apart from API plans."""
    return {_key(topic): _rest(topic) for topic in left} == {_key(topic): _rest(topic) for topic in right}


def _key(topic: Topic) -> str:
    return str(topic["name"])


def _rest(topic: Topic) -> dict[str, Any]:
    done = topic_of(topic)
    connect = set(done["scopes"])
    for direction, field in _FIELD.items():  # what is not possible, or asked for anyway, is not asked for twice
        done[field] = sorted(set(done[field]) - connect) if done[direction] else []
    return {**done, "scopes": sorted(connect), "api_plan": ""}


def _loaded(reading: Reading) -> Any:
    if reading.document is None:
        raise Unpatchable("Its definition cannot be read.")
    text = reading.document.text
    if reading.document.syntax == "yaml" and len(text) <= COMMENTS_LIMIT:
        try:
            tree = _yaml().load(text)
            if isinstance(tree, dict):
                return tree
        except (YAMLError, ValueError, TypeError):
            pass  # it reads YAML a little differently; the values are known anyway
    return deepcopy(reading.document.tree)


def _yaml() -> YAML:
    engine = YAML(typ="rt")
    engine.preserve_quotes = True
    engine.width = 110
    engine.indent(mapping=2, sequence=4, offset=2)
    return engine


def written(tree: Any, reading: Reading) -> str:
    """The text of a changed tree, in the syntax of the document that it comes from."""
    syntax = reading.document.syntax if reading.document is not None else "yaml"
    if type(tree) is dict:
        return dumped(tree, syntax)
    stream = io.StringIO()
    _yaml().dump(tree, stream)
    text = stream.getvalue()
    try:
        read_document(text)
    except Unreadable as error:
        raise Unpatchable("Its definition is written so that it cannot be changed in one place.") from error
    return text


class _Patch:
    """Changes a tree in place, channel by channel."""

    def __init__(self, tree: Any, reading: Reading) -> None:
        self.tree = tree
        self.is_3 = reading.version.startswith("3")
        self.flipped = str(tree.get(PERSPECTIVE, "")).lower() == "client"
        self.channels: dict[str, list[Channel]] = {}
        for channel in reading.channels:
            self.channels.setdefault(pattern_of(channel.address), []).append(channel)
        self.now = {pattern_of(topic["name"]): topic for topic in (reading.design.topics if reading.design else ())}

    def apply(self, topics: Sequence[Topic]) -> None:
        wanted = {pattern_of(topic["name"]): topic for topic in topics}
        for pattern, group in self.channels.items():
            for channel in group if pattern not in wanted else ():
                self._remove(channel)
        for pattern, topic in wanted.items():
            if pattern not in self.channels:
                self._add(topic)
            elif _rest(self.now[pattern]) != _rest(topic):
                self._change(self.channels[pattern], topic)

    def _remove(self, channel: Channel) -> None:
        if self.is_3:
            for operation in channel.operations:
                self._drop(operation.pointer)
        gone = self.tree["channels"].pop(channel.key, None)
        _returned(self.tree, f"/channels/{escaped(channel.key)}", gone)

    def _drop(self, pointer: str) -> None:
        """Take out an operation, or the reply of one."""
        parent, _, key = pointer.rpartition("/")
        there, holder = looked_up(self.tree, parent)
        if there and isinstance(holder, dict):
            holder.pop(unescaped(key), None)

    def _add(self, topic: Topic) -> None:
        channels = self.tree.setdefault("channels", {})
        if not self.is_3:
            channel: dict[str, Any] = {direction: {} for direction in _FIELD if topic[direction]}
            key = str(topic["name"])
            if names := parameters_of(key):
                channel["parameters"] = {name: {"schema": {"type": "string"}} for name in names}
        else:
            key = free(slug(topic["name"].replace("/*", "/everything-below")) or "root", channels)
            channel = {"address": topic["name"]}
            if names := parameters_of(topic["name"]):
                channel["parameters"] = {name: {} for name in names}
        channels[key] = channel
        if self.is_3:
            for direction in _FIELD:
                if topic[direction]:
                    self._operation(key, direction)
        self._terms(channel, [one for _, one in self._own(key, channel)], topic)

    def _operation(self, key: str, direction: str) -> None:
        operations = self.tree.setdefault("operations", {})
        action = "receive" if (direction == PUBLISH) != self.flipped else "send"
        name = free(f"{action}-{slug(key)}", operations)
        operations[name] = {"action": action, "channel": {"$ref": f"#/channels/{escaped(key)}"}}

    def _change(self, group: list[Channel], topic: Topic) -> None:
        """Change all channels of one address; a direction that comes goes to the first of them."""
        channels = {self._named(source, topic): self._own_channel(source) for source in group}
        for source, channel in zip(group, channels.values(), strict=True):
            if topic["name"] != source.address:
                self._rename(source, channel, topic)
        first = next(iter(channels))
        for direction in _FIELD:
            have = [one for source in group for one in source.direction(direction)]
            if topic[direction] and not have:
                self._open(first, channels[first], direction)
            for one in have if not topic[direction] and self.is_3 else ():
                self._drop(one.pointer)
            for channel in channels.values() if not topic[direction] else ():
                channel.pop(direction, None)
        for key, channel in channels.items():
            self._terms(channel, [one for _, one in self._own(key, channel)], topic)

    def _named(self, source: Channel, topic: Topic) -> str:
        """What a channel is called after the change; in 2.x its address is its name."""
        return source.key if self.is_3 or topic["name"] == source.address else str(topic["name"])

    def _open(self, key: str, channel: Any, direction: str) -> None:
        if self.is_3:
            self._operation(key, direction)
        else:
            channel[direction] = {}

    def _own_channel(self, source: Channel) -> Any:
        """The channel itself; one that is a reference to a component becomes a copy, so others stay as they are."""
        channel = self.tree["channels"][source.key]
        if "$ref" in channel:
            channel = deepcopy(looked_up(self.tree, source.pointer)[1])
            self.tree["channels"][source.key] = channel
        return channel

    def _rename(self, source: Channel, channel: Any, topic: Topic) -> None:
        """Other names for the parameters: the pattern is the same, so it is the same channel."""
        before, after = parameters_of(source.address), parameters_of(topic["name"])
        if isinstance(channel.get("parameters"), dict):
            channel["parameters"] = {
                dict(zip(before, after, strict=True)).get(name, name): one
                for name, one in channel["parameters"].items()
            }
        if self.is_3:
            channel["address"] = topic["name"]
        else:
            self.tree["channels"][topic["name"]] = self.tree["channels"].pop(source.key)

    def _own(self, key: str, channel: Any) -> list[tuple[str, Any]]:
        """The operations of a channel as they now are: (direction, operation)."""
        if not self.is_3:
            return [(name, channel[name]) for name in _FIELD if isinstance(channel.get(name), dict)]
        found = []
        for one in (self.tree.get("operations") or {}).values():
            place = one.get("channel", {}).get("$ref") if isinstance(one, dict) else None
            if place == f"#/channels/{escaped(key)}" or place == f"#/channels/{key}":
                is_publish = (one.get("action") == "receive") != self.flipped
                found.append((PUBLISH if is_publish else SUBSCRIBE, one))
        return found

    def _terms(self, channel: Any, operations: list[Any], topic: Topic) -> None:
        """Mapping, security and scopes, as extensions: those count before everything else that is said."""
        for one in operations:
            for name in (MAPPING, AUTH, SCOPES):
                one.pop(name, None)
        _put(channel, MAPPING, topic["url_mapping"])
        if topic["security"] == "none":
            channel[AUTH] = "None"
            channel.pop(SCOPES, None)
            return
        channel[AUTH] = "Any"
        channel[SCOPES] = list(topic["scopes"])
        key = next((name for name, one in self.tree["channels"].items() if one is channel), "")
        for direction, one in self._own(key, channel):
            _put(one, SCOPES, [scope for scope in topic[_FIELD[direction]] if scope not in topic["scopes"]])


def _returned(value: Any, pointer: str, gone: Any) -> None:
    """Put copies of what is gone in the place of every reference into it."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(members):
        reference = inner.get("$ref") if isinstance(inner, dict) else None
        target = target_of(reference) if isinstance(reference, str) else None
        if target is not None and target.startswith(f"{pointer}/"):
            there, copy = looked_up(gone, target[len(pointer) :])
            if there:
                value[key] = deepcopy(copy)
        else:
            _returned(inner, pointer, gone)


def _put(holder: Any, name: str, value: Any) -> None:
    if value:
        holder[name] = value
    else:
        holder.pop(name, None)
