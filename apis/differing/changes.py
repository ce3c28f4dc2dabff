"""One difference between two designs, and all of them together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apis.words import phrase

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"
SECTIONS: Final = {
    "topics": "Topics",
    "endpoints": "Endpoints",
    "runtime": "Runtime limits",
    "security": "Security",
    "definition": "AsyncAPI definition",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        section: a key of SECTIONS.
        kind: ADDED, REMOVED or CHANGED.
        where: the place in words; `pointer` as a JSON pointer into the design, or into the AsyncAPI document (of the
            newer side, or the older one where it is gone).
        before, after: JSON values; None for nothing.
        breaking: whether clients that did well before may not any more.
        why: a sentence that says so, or why not.
    """

    section: str
    kind: str
    where: str
    pointer: str
    before: Any
    after: Any
    breaking: bool
    why: str

    @property
    def before_text(self) -> str:
        """What was there, for people; "" for nothing."""
        return in_words(self.before)

    @property
    def after_text(self) -> str:
        """What is there now, for people; "" for nothing."""
        return in_words(self.after)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs, what breaks clients first within each section.

    Attributes:
        is_cut: there is more than is told.
    """

    changes: tuple[Change, ...]
    is_cut: bool = False

    @property
    def breaking(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.breaking)

    @property
    def sections(self) -> list[tuple[str, str, list[Change]]]:
        """(key, title, changes) of the sections in which something differs."""
        found = [(key, title, [one for one in self.changes if one.section == key]) for key, title in SECTIONS.items()]
        return [row for row in found if row[2]]

    @property
    def summary(self) -> str:
        """In one sentence: "3 changes, 1 breaks clients."."""
        total, breaking = len(self.changes), len(self.breaking)
        if not total:
            return phrase("Nothing differs.")
        if total == 1:
            return phrase("1 change, it breaks clients.") if breaking else phrase("1 change, it breaks no client.")
        if not breaking:
            return phrase("{total} changes, none breaks clients.", total=total)
        if breaking == 1:
            return phrase("{total} changes, 1 breaks clients.", total=total)
        return phrase("{total} changes, {breaking} break clients.", total=total, breaking=breaking)


def in_words(value: Any) -> str:
    """A value as a page shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return phrase("yes") if value else phrase("no")
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or phrase("none")
    return json.dumps(value, ensure_ascii=False)


def step(name: object) -> str:
    """One step of a JSON pointer, escaped (RFC 6901 section 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def kind_of(before: Any, after: Any) -> str:
    """What happened to a value that is None where there is none."""
    return ADDED if before is None else REMOVED if after is None else CHANGED


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """What breaks clients first, within the order of sections."""
    rank: Mapping[str, int] = {key: place for place, key in enumerate(SECTIONS)}
    return tuple(sorted(changes, key=lambda change: (rank[change.section], not change.breaking)))
