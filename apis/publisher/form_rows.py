"""Lists of pairs in a form (URLs with weights, headers, targets): lines that may be added and emptied."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from django.http import QueryDict

from apis.shapes import pointer


@dataclass(slots=True)
class Row:
    """One line of a list: two fields, and what is wrong with them."""

    name: str
    value: Any
    problem: str = ""


@dataclass(slots=True)
class Rows:
    """The lines of a list, and what is wrong with the list itself."""

    rows: list[Row] = field(default_factory=list)
    problem: str = ""

    @classmethod
    def typed(cls, data: QueryDict, name: str, value: str, default: str = "") -> Rows:
        """Every line that is not empty."""
        names, values = data.getlist(name), data.getlist(value)
        pairs = zip_longest(names, values[: len(names)], fillvalue=default)
        return cls([Row(one, other) for one, other in pairs if one or (other and other != default)])

    def of_name(self, name: str) -> Row | None:
        """The line that a problem's path names."""
        return next((row for row in self.rows if pointer(row.name) == name), None)

    @property
    def has_problem(self) -> bool:
        """Whether anything here is wrong."""
        return bool(self.problem) or any(row.problem for row in self.rows)

    def doubles(self, *, ignoring_case: bool) -> bool:
        """Mark lines whose name another one has already. Returns: whether there are any."""
        seen: set[str] = set()
        for row in self.rows:
            name = row.name.lower() if ignoring_case else row.name
            if name in seen:
                row.problem = "This is named twice."
            seen.add(name)
        return len(seen) < len(self.rows)
