"""Sentences of rules and services in the language of the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext

from apis.words import Text


def said(text: object) -> str:
    """A sentence in the language of this page, or as it is where that language does not know it.

    Args:
        text: English; a `words.Text` brings the values that stand in it.
    """
    if isinstance(text, Text):
        values = {name: said(value) if isinstance(value, Text) else value for name, value in text.values.items()}
        return gettext(text.template).format(**values)
    sentence = str(text)
    return gettext(sentence) if sentence else ""


def all_said(texts: Iterable[object]) -> list[str]:
    """Several sentences, each as `said` has it."""
    return [said(text) for text in texts]
