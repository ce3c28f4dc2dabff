"""Markdown that people write, as HTML that can be put into a page: descriptions, documents, comments.

Two locks, each enough alone: markdown-it-py escapes raw HTML and refuses links such as `javascript:`, and what it makes
goes through nh3 (ammonia), which lets only the elements and attributes below through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

RENDER_LIMIT: Final = 100_000  # characters, about a second where they are chosen to hurt; a longer text stays as it is
_TAGS: Final = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "em", "strong", "s"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "img"),
}
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "th": {"class"},
    "td": {"class"},
    "code": {"class"},
}
_LANGUAGE: Final = re.compile(r"language-[A-Za-z0-9+#.-]{1,30}")  # of a fenced block
_SIDES: Final = {"text-align:left": "text-start", "text-align:center": "text-center", "text-align:right": "text-end"}


def _parser(*, breaks: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": breaks, "maxNesting": 20})
    return parser.enable(["table", "strikethrough"])


_DOCUMENT: Final = _parser(breaks=False)
_REMARK: Final = _parser(breaks=True).disable(["heading", "lheading", "image", "table", "hr"])


def to_html(text: str) -> SafeString:
    """CommonMark with tables and strikethrough.

    A page has a heading of its own, so those of the text start two levels below it. No page loads anything from another
    host, so an image from elsewhere becomes a link to it; one from here (`/devportal/...`) is shown.

    Args:
        text: whatever somebody typed.
    """
    return _rendered(_DOCUMENT, text)


def remark_to_html(text: str) -> SafeString:
    """The subset for a remark, such as a comment: no headings, images, tables or rules; line breaks are kept."""
    return _rendered(_REMARK, text)


@lru_cache(maxsize=32)
def _rendered(parser: MarkdownIt, text: str) -> SafeString:
    if len(text) > RENDER_LIMIT:
        return mark_safe(f"<pre>{escape(text)}</pre>")  # noqa: S308 - escaped
    tokens = parser.parse(text)
    _fit(tokens)
    markup = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        markup,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308 - this is what lets through


def _fit(tokens: Sequence[Token]) -> None:
    """Headings below those of the page, alignment as a class (no page allows a style attribute), images from here."""
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        elif side := _SIDES.get(str(token.attrs.pop("style", ""))):
            token.attrSet("class", side)
        if token.children:
            token.children = [piece for inner in token.children for piece in _shown(inner)]


def _shown(token: Token) -> list[Token]:
    """One piece of a line; an image from elsewhere as the link that it is."""
    if token.type != "image":
        return [token]
    source = str(token.attrGet("src") or "")
    if _is_ours(source):
        token.attrSet("loading", "lazy")
        return [token]
    text = Token("text", "", 0, content=token.content or source)
    return [Token("link_open", "a", 1, attrs={"href": source}), text, Token("link_close", "a", -1)]


def _is_ours(source: str) -> bool:
    return source.startswith("/") and source[1:2] not in {"/", "\\"}


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _is_ours(value) else None
    if name == "class":
        return value if value in _SIDES.values() or (tag == "code" and _LANGUAGE.fullmatch(value)) else None
    return value
