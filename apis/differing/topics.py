"""Topics of two designs: which paths clients lose, in which direction, and what their tokens need.

A path of a topic that is gone may be answered by a wider one (`/*`), and a new narrower one takes paths from a wider
one; so each topic is compared with whichever answers its paths on the other side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from apis.differing.changes import ADDED, CHANGED, REMOVED, Change, kind_of, step
from apis.words import phrase

Topic = Mapping[str, Any]
_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")
_WAYS: Final = (("subscribe", "subscribe_scopes"), ("publish", "publish_scopes"))


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part]


def covers(wide: str, narrow: str) -> bool:
    """Whether every path of the topic `narrow` is one of the topic `wide`, too."""
    parts, given = _parts(wide), _parts(narrow)
    is_open = parts[-1:] == ["*"]
    if is_open:
        parts = parts[:-1]
    elif len(parts) != len(given) or given[-1:] == ["*"]:
        return False
    if len(given) < len(parts):
        return False
    return all(
        mine == theirs or (_PARAMETER.fullmatch(mine) is not None and theirs != "*")
        for mine, theirs in zip(parts, given, strict=False)
    )


def answering(name: str, topics: Sequence[Topic]) -> Topic | None:
    """The most specific topic of a design that covers another one's paths, or None."""
    found = [topic for topic in topics if covers(topic["name"], name)]
    return min(found, key=lambda topic: _rank(topic["name"]), default=None)


def _rank(name: str) -> list[int]:
    """As the gateway has it: a literal segment before a parameter before everything below."""
    return [2 if part == "*" else 1 if _PARAMETER.fullmatch(part) else 0 for part in _parts(name)]


def topic_changes(old: Sequence[Topic], new: Sequence[Topic]) -> Iterator[Change]:
    """Args: both lists complete (shape: apis.shapes_topics)."""
    before, after = {row["name"]: row for row in old}, {row["name"]: row for row in new}
    for place, row in enumerate(old):
        if row["name"] not in after:
            yield _removed(row, new, f"/topics/{place}")
    for place, row in enumerate(new):
        pointer = f"/topics/{place}"
        if row["name"] in before:
            yield from _changed(before[row["name"]], row, pointer)
        else:
            yield _added(row, old, pointer)


def _removed(row: Topic, new: Sequence[Topic], pointer: str) -> Change:
    name, instead = row["name"], answering(row["name"], new)
    if instead is None:
        why = phrase("Whoever connects to {topic} is refused: nothing is there.", topic=name)
        return Change("topics", REMOVED, name, pointer, name, None, True, why)
    lost = _losses(row, instead)
    if lost:
        why = phrase("{wide} answers instead. {loss}", wide=instead["name"], loss=lost[0])
        return Change("topics", REMOVED, name, pointer, name, None, True, why)
    why = phrase("{wide} answers on the same paths, and asks for no more.", wide=instead["name"])
    return Change("topics", REMOVED, name, pointer, name, None, False, why)


def _added(row: Topic, old: Sequence[Topic], pointer: str) -> Change:
    name, instead = row["name"], answering(row["name"], old)
    if instead is None:
        why = phrase("Nobody could connect there before.")
        return Change("topics", ADDED, name, pointer, None, name, False, why)
    lost = _losses(instead, row)
    if lost:
        why = phrase("{wide} answered there before. {loss}", wide=instead["name"], loss=lost[0])
        return Change("topics", ADDED, name, pointer, None, name, True, why)
    why = phrase("{wide} answered there before, and gave no more.", wide=instead["name"])
    return Change("topics", ADDED, name, pointer, None, name, False, why)


def _losses(before: Topic, after: Topic) -> list[str]:
    return [change.why for change in _changed(before, after, "") if change.breaking]


def _changed(before: Topic, after: Topic, pointer: str) -> Iterator[Change]:
    """What differs between two topics on the same paths."""
    for way, _ in _WAYS:
        if before[way] != after[way]:
            yield _way(way, before, after, pointer)
    if before["security"] != after["security"]:
        breaking = after["security"] != "none"
        why = (
            phrase("Clients without a credential came in, and are refused now.")
            if breaking
            else phrase("Everybody may connect now, credential or not.")
        )
        yield _field("security", before, after, pointer, breaking, why)
    if after["security"] != "none":
        yield from _scopes(before, after, pointer)
    if before["url_mapping"] != after["url_mapping"]:
        why = phrase("Clients connect as before; the backend is asked for another path.")
        yield _field("url_mapping", before, after, pointer, False, why)
    if before["api_plan"] != after["api_plan"]:
        yield _plan(before, after, pointer)


def _way(way: str, before: Topic, after: Topic, pointer: str) -> Change:
    name, breaking = after["name"], bool(before[way])
    if way == "subscribe":
        why = (
            phrase("Clients receive nothing on {topic} any more.", topic=name)
            if breaking
            else phrase("Clients may receive on {topic}, too.", topic=name)
        )
    else:
        why = (
            phrase("What clients send on {topic} is left out.", topic=name)
            if breaking
            else phrase("Clients may send on {topic}, too.", topic=name)
        )
    return _field(way, before, after, pointer, breaking, why)


def _scopes(before: Topic, after: Topic, pointer: str) -> Iterator[Change]:
    was_open = before["security"] == "none"
    for field, way in (("scopes", ""), ("subscribe_scopes", "subscribe"), ("publish_scopes", "publish")):
        old, new = before[field], after[field]
        if set(old) == set(new) or (was_open and not new):
            continue
        more = sorted(set(new) - (set() if was_open else set(old)))
        matters = not way or (before[way] and after[way])
        if more and matters:
            names = " ".join(more)
            why = {
                "": phrase("Tokens without {scopes} are refused.", scopes=names),
                "subscribe": phrase("Clients whose tokens lack {scopes} receive nothing.", scopes=names),
                "publish": phrase("What clients send whose tokens lack {scopes} is left out.", scopes=names),
            }[way]
            yield _field(field, before, after, pointer, True, why)
        elif more:
            why = phrase("It asks for scopes in a direction that nobody had.")
            yield _field(field, before, after, pointer, False, why)
        elif not was_open:
            yield _field(field, before, after, pointer, False, phrase("Tokens need less than before."))


def _plan(before: Topic, after: Topic, pointer: str) -> Change:
    if not before["api_plan"]:
        why = phrase("Limits count here that did not before: clients that do more are held back.")
        return _field("api_plan", before, after, pointer, True, why)
    if not after["api_plan"]:
        why = phrase("No limits of its own count here any more.")
        return _field("api_plan", before, after, pointer, False, why)
    why = phrase("Other limits count here; compare the two plans.")
    return _field("api_plan", before, after, pointer, False, why)


_FIELDS: Final = {
    "subscribe": phrase("receiving"),
    "publish": phrase("sending"),
    "security": phrase("security"),
    "scopes": phrase("scopes to connect"),
    "subscribe_scopes": phrase("scopes to receive"),
    "publish_scopes": phrase("scopes to send"),
    "url_mapping": phrase("URL mapping"),
    "api_plan": phrase("API plan"),
}


def _field(field: str, before: Topic, after: Topic, pointer: str, breaking: bool, why: str) -> Change:  # noqa: PLR0917
    """A change of one field of a topic."""
    old, new = before[field] or None, after[field] or None
    if field in {"subscribe", "publish"}:
        old, new = before[field], after[field]
    kind = CHANGED if field in {"subscribe", "publish"} else kind_of(old, new)
    where = phrase("{place}, {what}", place=after["name"], what=_FIELDS[field])
    return Change("topics", kind, where, f"{pointer}/{step(field)}", old, new, breaking, why)
