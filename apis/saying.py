"""Sentences of rules and services in the language of the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.utils.formats import get_format
from django.utils.translation import gettext

from apis.words import Text

# Values of these names are words of ours (states, units, kinds), never anybody's own text.
_OURS: Final = frozenset(
    {"action_labels", "each", "cycle", "get", "idle", "key_type", "kind", "label_of", "labels", "labels_2", "noun"}
    | {"per", "unit", "verbose_name", "ways", "what", "word"}
)


def said(text: object) -> str:
    """A sentence in the language of this page, or as it is where that language does not know it.

    Args:
        text: English; a `words.Text` brings the values that stand in it.
    """
    if isinstance(text, Text):
        return gettext(text.template).format(**{name: _value(name, value) for name, value in text.values.items()})
    sentence = str(text)
    return gettext(sentence) if sentence else ""


def _value(name: str, value: Any) -> Any:
    """What stands for a name in a sentence: translated where it is a sentence or a word of ours."""
    if isinstance(value, Text) or (name in _OURS and isinstance(value, str)):
        return said(value)
    return _Number(value) if type(value) is int else value


class _Number(int):
    """A number whose thousands stand apart as the language of the page has it: `{count:,}` is 1.234 in German."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).replace(",", str(get_format("THOUSAND_SEPARATOR")))


def all_said(texts: Iterable[object]) -> list[str]:
    """Several sentences, each as `said` has it."""
    return [said(text) for text in texts]
