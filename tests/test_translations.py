"""The catalogues: what people edit (.po), what Django reads (.mo), and the source they come from, fit together."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from apis.words import Text, phrase
from wsportal import catalogues

LANGUAGES: Final = sorted(catalogues.languages())
_OF_PYTHON: Final = re.compile(r"%\((\w+)\)[sd]")
_OF_FORMAT: Final = re.compile(r"\{(\w+(?:![rs])?(?::[^{} ]+)?)\}")
NEWLY_WRITTEN: Final = 0.03
"""How much of the source may be newer than the last `manage.py translations`; before a release nothing is."""


@cache
def collected() -> Catalog:
    return catalogues.collected()


def catalogue(code: str) -> Catalog:
    with (catalogues.folder(code) / "django.po").open("rb") as file:
        return read_po(file, locale=code)


def words(code: str) -> list[Message]:
    return [one for one in catalogue(code) if one.id]


def _says(message: Message) -> bool:
    return bool(message.id)


def texts(message: Message) -> list[tuple[str, str]]:
    """(English, translated) of a message; both forms of a plural."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return list(zip(message.id, message.string, strict=True))


def names(text: str) -> set[str]:
    """The placeholders of a text, `%(so)s` and `{so}`."""
    return set(_OF_PYTHON.findall(text)) | set(_OF_FORMAT.findall(text))


def test_german_is_there() -> None:
    assert "de" in LANGUAGES
    assert len(words("de")) > 2000


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_is_untranslated_or_unconfirmed(code: str) -> None:
    assert [one.id for one in catalogues.missing(catalogue(code))] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_django_reads_is_what_people_edit(code: str) -> None:
    with (catalogues.folder(code) / "django.mo").open("rb") as file:
        compiled = read_mo(file)
    assert sorted(map(texts, filter(_says, compiled))) == sorted(map(texts, words(code)))


@pytest.mark.parametrize("code", LANGUAGES)
def test_placeholders_agree(code: str) -> None:
    for message in words(code):
        wanted = set().union(*(names(english) for english, _ in texts(message)))
        for english, translated in texts(message):
            assert names(translated) <= wanted, message.id
            if isinstance(message.id, str):
                assert names(translated) == names(english), message.id


@pytest.mark.parametrize("code", LANGUAGES)
def test_markup_agrees(code: str) -> None:
    def tags(text: str) -> list[str]:
        return sorted(re.findall(r"</?[a-z]+", text))

    for message in words(code):
        for english, translated in texts(message):
            assert tags(translated) == tags(english), message.id


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_catalogue_knows_what_the_source_says(code: str) -> None:
    merged = catalogues.merged(code, collected())
    left = [one.id for one in catalogues.missing(merged)]
    assert len(left) <= NEWLY_WRITTEN * len(merged), f"run `manage.py translations` and translate: {left[:20]}"


def test_a_language_that_does_not_exist_cannot_be_begun() -> None:
    with pytest.raises(ValueError, match="xx_YY"):
        catalogues.merged("xx_YY", Catalog())


def test_a_new_language_begins_empty() -> None:
    begun = catalogues.merged("fr", collected())
    assert begun.num_plurals == 2
    assert len(catalogues.missing(begun)) == len(begun) == len(collected())


def test_a_sentence_remembers_how_it_was_made() -> None:
    text = phrase("{who} has {count:,} keys.", who="{odd} %s", count=1234)
    assert text == "{odd} %s has 1,234 keys."
    assert isinstance(text, Text)
    assert (text.template, text.values["count"]) == ("{who} has {count:,} keys.", 1234)
    assert isinstance(str(text), Text)  # nobody loses it by being careful
