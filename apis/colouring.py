"""Definitions in colour: each line of a text as HTML with classes, to which portal.css gives colours."""

from __future__ import annotations

from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

LIMIT: Final = 200_000  # characters; beyond that a page is grey and still quick


def coloured_lines(text: str, syntax: str) -> list[SafeString]:
    """Every line of a text as safe HTML, without its line break.

    Args:
        syntax: "yaml" or "json".
    """
    if len(text) > LIMIT:
        return [escape(line) for line in text.splitlines()]
    lexer = get_lexer_by_name(syntax, stripnl=False, ensurenl=True)
    # The formatter escapes everything and ends its spans with each line.
    marked: str = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return [mark_safe(line) for line in marked.split("\n")[:-1]]  # noqa: S308
