"""Filters of the portals' templates."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from apis.markdown import remark_to_html, to_html

register = template.Library()


@register.filter
def markdown(text: object) -> SafeString:
    """`{{ api.description|markdown }}`: Markdown as sanitised HTML, to be put into an element of class `markdown`."""
    return to_html(str(text or ""))


@register.filter
def remark(text: object) -> SafeString:
    """`{{ comment.content|remark }}`: the subset of Markdown for comments."""
    return remark_to_html(str(text or ""))
