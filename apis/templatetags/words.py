"""`{{ text|said }}`, in every template without being loaded (settings.TEMPLATES)."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from apis import saying

register = template.Library()


@register.filter
def said(text: object) -> str:
    """A sentence of a rule, a service or a table in the language of this page."""
    return saying.said(text) if text else ""


@register.filter
def all_said(texts: Iterable[object]) -> list[str]:
    """`{{ plan.limit_lines|all_said|join:", " }}`: several of them."""
    return saying.all_said(texts)
