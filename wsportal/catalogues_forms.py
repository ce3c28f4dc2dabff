"""What the pages of the administration say: labels of fields, of groups of them, of columns and choices. No Django.

These are written as arguments and tuples, and most are single words, which no rule for sentences would find.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

_ARGUMENTS: Final = {"label", "help_text", "title", "text", "button", "description", "link"}
_FIELDS: Final = {
    "Text", "Lines", "Whole", "Choice", "Choices", "YesNo", "Pick", "PickPlans", "Tags", "Rows", "Decimal", "Password",
}  # fmt: skip
_GROUPS: Final = re.compile(r"(fieldsets|GROUPS)$")
_CHOICES: Final = re.compile(
    r"(WAYS|SECURITIES|DIRECTIONS|BUTTONS|SHOWN|COLOURS|KINDS|MODES|LABELS|CHOICES|ROLES|TYPES|IS)$"
)
_CAPITAL: Final = re.compile(r"[A-Z][A-Za-z].*", re.S)
_WORDS: Final = re.compile(r"[A-Za-z].*[a-z.)…]", re.S)


def labels_of_forms(module: ast.Module) -> Iterator[str]:
    """The labels in one module of the administration."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            yield from _of_assignment(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    if _called(node) in {"phrase", "dict"}:
        return
    for keyword in node.keywords:
        if keyword.arg in _ARGUMENTS:
            yield from _texts(keyword.value, _WORDS)
        elif keyword.arg == "choices":
            yield from _seconds(keyword.value)
    if _called(node) == "Column" and len(node.args) > 1:
        yield from _texts(node.args[1], _WORDS)
    if _called(node) == "Page":
        for argument in node.args:
            yield from _texts(argument, _CAPITAL)


def _of_assignment(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    name, value = getattr(target, "id", ""), node.value
    if value is None:
        return
    if _GROUPS.search(name):
        yield from _texts(value, _CAPITAL)
    elif _CHOICES.search(name):
        yield from _seconds(value)
        if isinstance(value, ast.Dict):
            for part in value.keys if name.endswith("COLOURS") else value.values:
                yield from _texts(part, _WORDS)
    elif (
        isinstance(value, ast.Call) and _called(value) in _FIELDS and all(one.arg != "label" for one in value.keywords)
    ):
        yield name.replace("_", " ").capitalize()


def _seconds(node: ast.AST) -> Iterator[str]:
    """The labels of (value, label) pairs."""
    for pair in ast.walk(node):
        if isinstance(pair, ast.Tuple) and len(pair.elts) == 2 and isinstance(pair.elts[1], ast.Constant):
            yield from _texts(pair.elts[1], _WORDS)


def _texts(node: ast.AST | None, shape: re.Pattern[str]) -> Iterator[str]:
    """Literals below a node that look like something to read; nothing of f-strings and of calls."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and shape.fullmatch(node.value):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Dict | ast.BinOp | ast.IfExp | ast.BoolOp):
        for part in ast.iter_child_nodes(node):
            yield from _texts(part, shape)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
