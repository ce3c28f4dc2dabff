"""`{{ text|said }}`, in every template without being loaded (settings.TEMPLATES)."""

from __future__ import annotations

from django import template

from apis import saying

register = template.Library()


@register.filter
def said(text: object) -> str:
    """A sentence of a rule, a service or a table in the language of this page."""
    return saying.said(text) if text else ""
