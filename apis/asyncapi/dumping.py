"""A tree of plain values -> YAML or JSON text that reads back as the same tree."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from apis.asyncapi.documents import is_text

FORMATS: Final = ("yaml", "json")


class _Dumper(yaml.SafeDumper):
    """Lists are indented, texts of several lines stand as they are, and nothing is an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not text.startswith((" ", "\n")) else None
    if style is None and not is_text(text):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dumped(tree: Any, syntax: str) -> str:
    """The text of a document.

    Args:
        syntax: one of FORMATS.
    """
    if syntax == "json":
        return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
