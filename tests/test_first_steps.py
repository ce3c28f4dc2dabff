"""docs/first-steps.md says what is really on the screens."""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path

import pytest

from apis.shapes import KEY_TYPES

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "first-steps.md").read_text()
LABELS = sorted(set(re.findall(r"\*\*(.+?)\*\*", GUIDE)) - {"bold"})


def screens() -> str:
    """All that the portals can say: templates, and the labels that Python gives them."""
    sources = [
        *(ROOT / "templates").rglob("*.html"),
        *(ROOT / "apis").rglob("*.py"),
        *(ROOT / "gateway").glob("screens*.py"),
    ]
    composed = [f"{kind.capitalize()} keys" for kind in KEY_TYPES]
    return html.unescape("\n".join([*(source.read_text() for source in sources), *composed]))


@pytest.mark.parametrize("label", LABELS)
def test_every_label_it_names_is_on_a_screen(label: str) -> None:
    assert re.search(rf"(?<![\w ]){re.escape(label)}(?![\w])", screens()), f"no screen says {label!r}"


def test_its_program_is_a_program() -> None:
    programs = re.findall(r"<<'END'\n(.*?)\nEND\n", GUIDE, re.S)
    assert programs
    for program in programs:
        ast.parse(program)
