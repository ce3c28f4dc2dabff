"""What is wrong in a document, and where: problems with line, column and JSON pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apis.words import phrase

PROBLEMS_LIMIT: Final = 200  # nobody reads more, and a document may have one for every line
SHOWN_LENGTH: Final = 80
STEPS_LIMIT: Final = 300_000  # the largest document that is no list of references to one part has half of it


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, or one thing that has no effect here.

    Attributes:
        level: "error" (the document is not taken) or "warning" (it is, but this has no effect).
        pointer: RFC 6901, "" for the whole document.
        line, column: from 1; 0 where the place is not known.
    """

    level: str
    text: str
    pointer: str = ""
    line: int = 0
    column: int = 0

    @property
    def sentence(self) -> str:
        """The text with its place in front: "Line 12, column 3: ..."."""
        return (
            phrase("Line {line}, column {column}: {text}", line=self.line, column=self.column, text=self.text)
            if self.line
            else self.text
        )

    @property
    def row(self) -> dict[str, Any]:
        """As REST answers it."""
        return {
            "line": self.line or None,
            "column": self.column or None,
            "pointer": self.pointer,
            "level": self.level,
            "text": self.text,
        }


class Endless(Exception):
    """Following the references of a document would take too long; what was found so far says so."""


@dataclass(slots=True)
class Findings:
    """Collects problems; `places` knows the line and column of every pointer of the document."""

    places: Mapping[str, tuple[int, int]]
    rows: list[Problem] = field(default_factory=list)
    messages: int = 0  # how many were looked at; references can name one a thousand times
    steps: int = 0
    schemas: set[str] = field(default_factory=set)  # pointers of those that were checked
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def error(self, pointer: str, text: str) -> None:
        self._add("error", pointer, text)

    def warning(self, pointer: str, text: str) -> None:
        self._add("warning", pointer, text)

    def step(self) -> None:
        """Count a part that is looked at. Raises: Endless."""
        self.steps += 1
        if self.steps > STEPS_LIMIT:
            self.error("", "Its references name the same parts over and over; this is too much to follow.")
            raise Endless

    def _add(self, level: str, pointer: str, text: str) -> None:
        key = (pointer, text)
        if key in self._seen or (len(self.rows) >= PROBLEMS_LIMIT and level != "error"):
            return
        self._seen.add(key)
        line, column = self.place(pointer)
        self.rows.append(Problem(level, text, pointer, line, column))

    def place(self, pointer: str) -> tuple[int, int]:
        """Line and column of a pointer, or of the nearest thing around it that is there."""
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, (0, 0))

    def sorted(self) -> tuple[Problem, ...]:
        """Errors before warnings, each by line; at most PROBLEMS_LIMIT."""
        rows = sorted(self.rows, key=lambda row: (row.level != "error", row.line, row.column))
        return tuple(rows[:PROBLEMS_LIMIT])


def errors_of(problems: tuple[Problem, ...]) -> Iterator[Problem]:
    return (problem for problem in problems if problem.level == "error")


def escaped(key: str) -> str:
    """A name as one step of a JSON pointer (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


def unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def short(value: Any) -> str:
    """A value as a sentence may quote it."""
    text = str(value)
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"
