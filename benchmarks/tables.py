"""What was measured, as Markdown that can be pasted into docs/performance.md."""

from __future__ import annotations


def verdict(value: float, target: float) -> str:
    """A number beside its target, in words."""
    shown = f"{value:.2f}" if target < 100 else f"{value:.0f}"
    return f"{shown} (target: at most {target}, {'met' if value <= target else 'MISSED'})"


class Table:
    """One table with notes below it.

    Args:
        title: of the table.
        columns: their heads.
    """

    def __init__(self, title: str, *columns: str) -> None:
        self.title = title
        self.lines = [self._line(columns), self._line(["---"] * len(columns))]
        self.notes: list[str] = []

    @staticmethod
    def _line(cells: tuple[str, ...] | list[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    def add(self, *cells: str) -> None:
        """One row."""
        self.lines.append(self._line(cells))

    def note(self, text: str) -> None:
        """One sentence below."""
        self.notes.append(f"* {text}")

    def print(self) -> None:
        """All of it."""
        print("\n".join(["", f"### {self.title}", *self.lines, "", *self.notes]), flush=True)
