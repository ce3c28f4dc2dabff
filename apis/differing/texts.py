"""Two texts side by side, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

AROUND: Final = 3
LINES_LIMIT: Final = 6_000  # of the longer text; comparing takes up to the square of it


@dataclass(frozen=True, slots=True)
class Row:
    """One line of both texts.

    Attributes:
        kind: "same", "removed", "added", "changed" or "gap" (lines left out because they are the same).
        number, other: of the line in the older and the newer text, from 1; None where that side has none.
        before, after: the lines.
    """

    kind: str
    number: int | None = None
    before: str = ""
    other: int | None = None
    after: str = ""


def side_by_side(old: str, new: str) -> list[Row] | None:
    """The lines that differ and AROUND lines around them; [] where nothing does, None where the texts are too long."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > LINES_LIMIT:
        return None
    return list(_rows(before, after)) if before != after else []


def _rows(before: list[str], after: list[str]) -> Iterator[Row]:
    # autojunk: lines that stand everywhere ("type: string") do not cost the square of their number.
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(AROUND):
        if group[0][1] or group[0][3]:
            yield Row("gap")
        for kind, start, end, other, other_end in group:
            lines = zip_longest(range(start, end), range(other, other_end))
            for left, right in lines:
                if left is None or right is None:
                    word = "added" if left is None else "removed"
                else:
                    word = "same" if kind == "equal" else "changed"
                yield Row(
                    word,
                    None if left is None else left + 1,
                    "" if left is None else before[left],
                    None if right is None else right + 1,
                    "" if right is None else after[right],
                )
    return
