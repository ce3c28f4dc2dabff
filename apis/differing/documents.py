"""Two AsyncAPI documents: channels, operations, parameters, messages and what these hold.

Directions are those of topics: on `publish` clients send, on `subscribe` they receive; that decides what breaks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from apis.asyncapi.messages import is_json_schema
from apis.asyncapi.model import DIRECTIONS, PUBLISH, Channel, Message, Reading
from apis.differing.changes import ADDED, CHANGED, REMOVED, Change, kind_of
from apis.differing.payloads import Side, payload_changes
from apis.words import phrase

Told = Sequence[Mapping[str, Mapping[str, Any]]]


def document_changes(old: Reading, new: Reading, told: Told = ({}, {})) -> Iterator[Change]:
    """What differs.

    Args:
        told: the topics of both designs by name: a channel or direction that only one side has is told as a topic.
    """
    before, after = _by_address(old.channels), _by_address(new.channels)
    for address in dict.fromkeys([*before, *after]):
        was, now = before.get(address), after.get(address)
        if was is not None and now is not None:
            yield from _channel(was, now, old, new, told)
            continue
        if (address in told[0]) != (address in told[1]):
            continue
        one = was or now
        assert one is not None  # noqa: S101  (it is on one side)
        kind = REMOVED if now is None else ADDED
        why = (
            phrase("Clients that use it find it described no more.")
            if now is None
            else phrase("Nobody knew of it before.")
        )
        where = phrase("channel {address}", address=address)
        pair = (address, None) if now is None else (None, address)
        yield Change("definition", kind, where, one.pointer, pair[0], pair[1], now is None, why)


def _by_address(channels: Iterable[Channel]) -> dict[str, Channel]:
    found: dict[str, Channel] = {}
    for channel in channels:
        found.setdefault(channel.address, channel)
    return found


def _channel(was: Channel, now: Channel, old: Reading, new: Reading, told: Told) -> Iterator[Change]:
    address = now.address
    for name in ("title", "description"):
        before, after = getattr(was, name) or None, getattr(now, name) or None
        if before != after:
            where = phrase("channel {address}, {what}", address=address, what=name)
            why = phrase("It is only said in other words.")
            yield Change("definition", kind_of(before, after), where, now.pointer, before, after, False, why)
    yield from _parameters(was, now)
    for way in DIRECTIONS:
        operations = was.direction(way), now.direction(way)
        if bool(operations[0]) != bool(operations[1]):
            if not _differs(told, address, way):
                yield _operation(address, way, bool(operations[0]), [*operations[0], *operations[1]][0].pointer)
            continue
        messages = [{one.name: one for operation in side for one in operation.messages} for side in operations]
        yield from _messages(messages[0], messages[1], _place(address, way), Side(old.tree, new.tree, way == PUBLISH))


def _differs(told: Told, address: str, way: str) -> bool:
    """Whether the topics say already that this direction came or went."""
    rows = [side.get(address) for side in told]
    return rows[0] is not None and rows[1] is not None and rows[0][way] != rows[1][way]


def _place(address: str, way: str) -> str:
    if way == PUBLISH:
        return phrase("{address}, clients send", address=address)
    return phrase("{address}, clients receive", address=address)


def _operation(address: str, way: str, is_gone: bool, pointer: str) -> Change:
    why = phrase("Clients that do it find it described no more.") if is_gone else phrase("It was not described before.")
    place = _place(address, way)
    pair = (way, None) if is_gone else (None, way)
    return Change("definition", REMOVED if is_gone else ADDED, place, pointer, pair[0], pair[1], is_gone, why)


def _parameters(was: Channel, now: Channel) -> Iterator[Change]:
    before, after = ({one.name: one for one in side.parameters} for side in (was, now))
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        where = phrase("channel {address}, parameter {name}", address=now.address, name=name)
        if old is None or new is None:
            pointer = (new or old).pointer  # type: ignore[union-attr]  # (one of them is there)
            pair = (name, None) if new is None else (None, name)
            why = phrase("The address stays; only what is said of it differs.")
            yield Change("definition", kind_of(old, new), where, pointer, pair[0], pair[1], False, why)
            continue
        allowed = [_enum(one.node) for one in (old, new)]
        if allowed[0] != allowed[1]:
            breaking = allowed[1] is not None and (allowed[0] is None or not set(allowed[0]) <= set(allowed[1]))
            why = (
                phrase("Clients may connect with a value that is allowed no more.")
                if breaking
                else phrase("More values are allowed.")
            )
            yield Change("definition", CHANGED, where, new.pointer, allowed[0], allowed[1], breaking, why)


def _enum(node: Mapping[str, Any]) -> list[str] | None:
    """The values of a parameter: beside it in 3.x, in its schema in 2.x."""
    schema = node.get("schema")
    values = node.get("enum", schema.get("enum") if isinstance(schema, dict) else None)
    return [str(one) for one in values] if isinstance(values, list) else None


_LOST: Final = {True: phrase("Clients that send it are not understood any more."),
                False: phrase("Clients that wait for it get it no more.")}  # fmt: skip
_GAINED: Final = {True: phrase("Clients may send it, too."),
                  False: phrase("Clients that do not know it have to pass over it.")}  # fmt: skip


def _messages(old: dict[str, Message], new: dict[str, Message], place: str, side: Side) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        where = phrase("{place}: message {name}", place=place, name=name)
        if was is None or now is None:
            one = was or now
            assert one is not None  # noqa: S101  (it is on one side)
            is_gone = now is None
            # Where none was named, everything went; where none is named any more, everything goes.
            breaking = is_gone and bool(new)
            why = _LOST[side.sends] if breaking else _GAINED[side.sends] if not is_gone else _UNSAID
            pair = (name, None) if is_gone else (None, name)
            yield Change("definition", kind_of(was, now), where, one.pointer, pair[0], pair[1], breaking, why)
            continue
        yield from _message(was, now, where, side)


_UNSAID: Final = phrase("No message is described here any more.")


def _message(was: Message, now: Message, where: str, side: Side) -> Iterator[Change]:
    for name, words in (("content_type", phrase("content type")), ("schema_format", phrase("schema format"))):
        before, after = getattr(was, name) or None, getattr(now, name) or None
        if before != after and (name == "content_type" or not _same_format(was, now)):
            breaking = before is not None and after is not None
            why = (
                phrase("Clients read and write another format.")
                if breaking
                else phrase("It is only said in other words.")
            )
            place = phrase("{place}, {what}", place=where, what=words)
            yield Change("definition", kind_of(before, after), place, now.pointer, before, after, breaking, why)
    pointer = now.payload_pointer or was.payload_pointer or now.pointer
    if was.payload == now.payload and side.old == side.new:
        return
    if was.payload is None or now.payload is None:
        if was.payload != now.payload:
            why = phrase("What it holds was not described on one side, so nothing can be compared.")
            kind = kind_of(was.payload, now.payload)
            yield Change(
                "definition", kind, phrase("{place}, {what}", place=where, what=phrase("payload")), pointer,
                was.payload, now.payload, False, why,
            )  # fmt: skip
        return
    if is_json_schema(was.schema_format) and is_json_schema(now.schema_format):
        yield from payload_changes(was.payload, now.payload, where, pointer, side)
    elif was.payload != now.payload:
        why = phrase("It is written in a format that is not looked into here; compare the texts.")
        place = phrase("{place}, {what}", place=where, what=phrase("payload"))
        yield Change("definition", CHANGED, place, pointer, was.payload, now.payload, True, why)


def _same_format(was: Message, now: Message) -> bool:
    return is_json_schema(was.schema_format) and is_json_schema(now.schema_format)
