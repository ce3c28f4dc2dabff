"""Two schemas of one payload (JSON Schema draft 7, AsyncAPI's Schema Object).

What clients send has to fit the new schema: whatever it allows less breaks them. What they receive was promised by
the old schema: whatever the new one allows more may surprise them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from apis.differing.changes import Change, kind_of, step
from apis.differing.references import followed
from apis.words import phrase

DEPTH_LIMIT: Final = 40
NODES_LIMIT: Final = 5_000  # pairs of schemas that are looked at, of one payload
_TYPES: Final = frozenset({"null", "boolean", "object", "array", "number", "string"})
_LOWEST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_HIGHEST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_OTHERS: Final = (
    "pattern", "format", "multipleOf", "uniqueItems", "not", "if", "then", "else", "patternProperties",
    "dependencies", "propertyNames", "contains", "additionalItems",
)  # fmt: skip


@dataclass(slots=True)
class Side:
    """Whose eyes a payload is seen with.

    Attributes:
        old, new: the documents, where references lead.
        sends: whether clients send it; else they receive it.
    """

    old: Any
    new: Any
    sends: bool
    seen: set[tuple[int, int]] = field(default_factory=set)

    def breaks(self, narrower: bool, wider: bool) -> bool:
        """Whether a schema that allows less, or more, than before breaks clients."""
        return narrower if self.sends else wider

    def why(self, narrower: bool, wider: bool) -> str:
        """The sentence to `breaks`."""
        if self.sends:
            return (
                phrase("What clients send may not be taken any more.")
                if narrower
                else phrase("What clients send is still taken.")
            )
        return (
            phrase("Clients may receive what they do not know.")
            if wider
            else phrase("Clients receive nothing that they do not know.")
        )


def payload_changes(old: Any, new: Any, where: str, pointer: str, side: Side) -> Iterator[Change]:
    """What differs between two schemas, member by member.

    Args:
        where: the message in words; `pointer`: of the newer schema.
    """
    side.seen.clear()
    yield from _schema(old, new, _Place(where, "", pointer, 0), side)


@dataclass(frozen=True, slots=True)
class _Place:
    where: str
    path: str
    pointer: str
    depth: int

    def below(self, name: str, *steps: object) -> _Place:
        path = f"{self.path}.{name}" if self.path and name and not name.startswith("[") else self.path + name
        return _Place(self.where, path, self.pointer + "".join(f"/{step(one)}" for one in steps), self.depth + 1)

    def change(self, what: str, before: Any, after: Any, breaking: bool, why: str, *, at: str = "") -> Change:
        place = phrase("{place}, {what}", place=self.where, what=self.path) if self.path else self.where
        if what:
            place = phrase("{place}, {what}", place=place, what=what)
        pointer = f"{self.pointer}/{step(at)}" if at else self.pointer
        return Change("definition", kind_of(before, after), place, pointer, before, after, breaking, why)


def _schema(old: Any, new: Any, place: _Place, side: Side) -> Iterator[Change]:
    before, after = followed(old, side.old), followed(new, side.new)
    key = (id(before), id(after))
    if key in side.seen or len(side.seen) > NODES_LIMIT or place.depth > DEPTH_LIMIT:
        return
    side.seen.add(key)
    if before is None or after is None:  # a reference that leads nowhere here
        if old != new:
            why = phrase("It refers to something that is not in this document; compare the texts.")
            yield place.change("", old, new, True, why)
        return
    yield from _types(before, after, place, side)
    yield from _values(before, after, place, side)
    yield from _required(before, after, place, side)
    yield from _properties(before, after, place, side)
    yield from _bounds(before, after, place, side)
    yield from _items(before, after, place, side)
    yield from _alternatives(before, after, place, side)


def _type_set(schema: dict[str, Any]) -> frozenset[str]:
    stated = schema.get("type")
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else _TYPES
    found = frozenset(map(str, names))
    return found | {"integer"} if "number" in found else found


def _types(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    old, new = _type_set(before), _type_set(after)
    if old != new:
        narrower, wider = not old <= new, not new <= old
        yield place.change(
            phrase("type"), before.get("type"), after.get("type"), side.breaks(narrower, wider),
            side.why(narrower, wider), at="type",
        )  # fmt: skip


def _allowed(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _values(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    old, new = _allowed(before), _allowed(after)
    if old is None and new is None:
        return
    was, now = ({_canonical(one) for one in values or ()} for values in (old, new))
    narrower = new is not None and (old is None or not was <= now)
    wider = old is not None and (new is None or not now <= was)
    if narrower or wider:
        breaking, why = side.breaks(narrower, wider), side.why(narrower, wider)
        yield place.change(
            phrase("allowed values"), old, new, breaking, why, at="const" if "const" in after else "enum"
        )


def _names(schema: dict[str, Any], key: str) -> list[str]:
    value = schema.get(key)
    return [str(one) for one in value] if isinstance(value, list) else []


def _required(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    old, new = _names(before, "required"), _names(after, "required")
    kept, known = _members(after), _members(before)
    for name in new:
        if name not in old:
            why = (
                phrase("Clients that leave it out are not understood any more.")
                if side.sends
                else phrase("Clients always receive it now.")
            )
            yield place.below(name).change(phrase("required"), False, True, side.sends, why)
    for name in old:
        if name not in new and (name in kept or name not in known):  # otherwise the property itself is gone
            why = (
                phrase("Clients may leave it out now.")
                if side.sends
                else phrase("Clients may miss it: it is not always there any more.")
            )
            yield place.below(name).change(phrase("required"), True, False, not side.sends, why)


def _members(schema: dict[str, Any]) -> dict[str, Any]:
    value = schema.get("properties")
    return value if isinstance(value, dict) else {}


def _properties(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    old, new = _members(before), _members(after)
    for name in dict.fromkeys([*old, *new]):
        inner = place.below(str(name), "properties", name)
        if name in old and name in new:
            yield from _schema(old[name], new[name], inner, side)
        elif name in new:
            was_closed = before.get("additionalProperties") is False
            breaking = not side.sends and was_closed
            why = (
                phrase("Clients were promised that nothing else is there.")
                if breaking
                else phrase("Clients may send it.")
                if side.sends
                else phrase("Clients that do not know it pass over it.")
            )
            yield inner.change(phrase("property"), None, new[name], breaking, why)
        else:
            is_closed = after.get("additionalProperties") is False
            breaking = not side.sends or is_closed
            why = (
                phrase("Clients that read it find it missing.")
                if not side.sends
                else phrase("Messages that hold it are not taken any more.")
                if is_closed
                else phrase("Clients may still send it; nobody looks at it.")
            )
            yield inner.change(phrase("property"), old[name], None, breaking, why)
    yield from _additional(before, after, place, side)


def _additional(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    old, new = before.get("additionalProperties", True), after.get("additionalProperties", True)
    if old == new and not isinstance(old, dict):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _schema(old, new, place.below("*", "additionalProperties"), side)
        return
    narrower, wider = new is False or old is True, old is False or new is True
    yield place.change(
        phrase("further properties"), old, new, side.breaks(narrower, wider), side.why(narrower, wider),
        at="additionalProperties",
    )  # fmt: skip


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _bounds(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    for name in (*_LOWEST, *_HIGHEST):
        old, new = _number(before.get(name)), _number(after.get(name))
        if old == new:
            continue
        up = new is not None and (old is None or new > old)
        if name in _LOWEST:
            narrower, wider = up, not up
        else:
            narrower = new is not None and (old is None or new < old)
            wider = not narrower
        yield place.change(name, old, new, side.breaks(narrower, wider), side.why(narrower, wider), at=name)
    for name in _OTHERS:
        if before.get(name) != after.get(name):
            narrower, wider = name in after, name in before  # a rule that is new allows less; one that is gone, more
            yield place.change(
                name,
                before.get(name),
                after.get(name),
                side.breaks(narrower, wider),
                side.why(narrower, wider),
                at=name,
            )


def _items(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    old, new = before.get("items", True), after.get("items", True)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from _schema(*pair, place.below(f"[{number}]", "items", number), side)
    elif isinstance(old, list) or isinstance(new, list):
        if old != new:
            why = phrase("The members of this list are described otherwise; compare the texts.")
            yield place.change("items", before.get("items"), after.get("items"), True, why, at="items")
    elif old is not True or new is not True:
        yield from _schema(old, new, place.below("[]", "items"), side)


def _alternatives(before: dict[str, Any], after: dict[str, Any], place: _Place, side: Side) -> Iterator[Change]:
    for name in ("oneOf", "anyOf", "allOf"):
        old, new = (value if isinstance(value := one.get(name), list) else [] for one in (before, after))
        if len(old) == len(new):
            for number, pair in enumerate(zip(old, new, strict=True)):
                yield from _schema(*pair, place.below(f"({name} {number + 1})", name, number), side)
            continue
        was, now = {_canonical(one) for one in old}, {_canonical(one) for one in new}
        gone, come = bool(was - now), bool(now - was)
        if name == "allOf":
            narrower, wider = come, gone
        else:  # no alternatives at all allow everything
            narrower, wider = (gone or not old), (come or not new)
        breaking, why = side.breaks(narrower, wider), side.why(narrower, wider)
        yield place.change(name, old or None, new or None, breaking, why, at=name)
