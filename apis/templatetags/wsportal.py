"""Filters of the portals' templates."""

from __future__ import annotations

import re
from html import unescape
from typing import Final
from zlib import crc32

from django import template
from django.utils.html import strip_tags
from django.utils.safestring import SafeString

from apis.markdown import remark_to_html, to_html
from apis.models import Api
from apis.selectors_social import Stars, stars_carried

register = template.Library()
_PARAGRAPH: Final = re.compile(r"<p>(.*?)</p>", re.S)
# Tabler's calm colours (`bg-…-lt`) for an API without a picture.
_COLOURS: Final = ("blue", "azure", "indigo", "purple", "pink", "orange", "green", "teal", "cyan")


@register.filter
def markdown(text: object) -> SafeString:
    """`{{ api.description|markdown }}`: Markdown as sanitised HTML, to be put into an element of class `markdown`."""
    return to_html(str(text or ""))


@register.filter
def remark(text: object) -> SafeString:
    """`{{ comment.content|remark }}`: the subset of Markdown for comments."""
    return remark_to_html(str(text or ""))


@register.filter
def stars(api: Api) -> Stars:
    """`{% with stars=api|stars %}`: how an API out of `selectors_social.with_stars` is rated."""
    return stars_carried(api)


@register.filter
def colour(name: object) -> str:
    """`bg-{{ api.name|colour }}-lt`: the same colour for the same name wherever it is shown."""
    return _COLOURS[crc32(str(name).encode()) % len(_COLOURS)]


@register.filter
def opening(text: object) -> str:
    """`{{ api.description|opening }}`: the first paragraph of Markdown as plain text."""
    html = to_html(str(text or ""))
    paragraph = _PARAGRAPH.search(html)
    return unescape(strip_tags(paragraph[1] if paragraph else html)).strip()
