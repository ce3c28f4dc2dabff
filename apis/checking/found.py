"""One finding: as a rule makes it, and as people and programs read it."""

from __future__ import annotations

from dataclasses import dataclass

from apis.checking.words import RULES, Level
from apis.words import phrase


@dataclass(frozen=True, slots=True)
class Check:
    """A finding in words.

    Attributes:
        code: a key of `words.RULES`.
        text: a whole sentence.
        page: URL name in the publisher portal where it is mended.
        field: what it is about, as REST names it.
    """

    level: Level
    code: str
    text: str
    page: str
    field: str


@dataclass(frozen=True, slots=True)
class Found:
    """A finding before it is put into words: its code, and what its sentence names."""

    code: str
    names: tuple[tuple[str, str], ...] = ()

    def check(self) -> Check:
        """The finding in words."""
        rule = RULES[self.code]
        return Check(rule.level, self.code, phrase(rule.text, **dict(self.names)), rule.page, rule.field)


def found(code: str, **names: object) -> Found:
    """A finding; numbers are written with their thousands apart."""
    texts = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in names.items()}
    return Found(code, tuple(texts.items()))
