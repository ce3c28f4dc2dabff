"""Sentences that remember how they were made, so that a page can say them in another language. No Django.

Rules and services write English: REST, the history and logs are English whatever a browser asks for. A page
translates a sentence when it shows it (`apis.saying`). For a sentence with a value in it that needs the sentence
before the value was filled in, and that is what `phrase` keeps.
"""

from __future__ import annotations

from typing import Any


class Text(str):
    """A finished English sentence, with its template and the values in it.

    Attributes:
        template: with `{names}` as str.format has them; its English is what catalogues know it by.
        values: name -> value; a value that is a Text itself is translated, too.
    """

    __slots__ = ("template", "values")

    template: str
    values: dict[str, Any]

    def __str__(self) -> str:
        return self


def phrase(template: str, **values: Any) -> str:
    """A sentence with values in it.

    Args:
        template: a literal, so that `manage.py translations` finds it.
        values: what stands for its `{names}`; they may be of people, and are not looked into for further names.
    """
    text = Text(template.format(**values))
    text.template, text.values = template, values
    return text
