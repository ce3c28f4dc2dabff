"""What stands around the form of an API: what a step needs, and the pages of the portals that go further."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.urls import reverse
from django.utils.http import urlencode

from apis.models import Api
from apis.saying import said
from apis.words import phrase

_NEEDS: Final = {"endpoint": phrase("an endpoint"), "business_plans": phrase("business plans")}

# (address, words, Material symbol); rooms beside this one are known by their addresses only.
_FURTHER: Final = (
    ("publisher:compare", phrase("Compare"), "difference"),
    ("gateway:console", phrase("Test console"), "terminal"),
    ("gateway:sessions", phrase("Live sessions"), "cell_tower"),
    ("gateway:subscriptions", phrase("Subscriptions"), "sync_alt"),
    ("gateway:analytics", phrase("Analytics"), "monitoring"),
    ("publisher:history", phrase("Audit and putting back"), "history"),
)
# (name of a list of ours, words, Material symbol)
_LISTS: Final = (
    ("apis_apidocument", phrase("Documents"), "menu_book"),
    ("apis_comment", phrase("Comments"), "forum"),
    ("apis_rating", phrase("Ratings"), "star"),
)


def needed(missing: Iterable[str]) -> str:
    """What a step of the lifecycle waits for, in the page's language; empty where nothing is missing."""
    words = [_NEEDS.get(name, name) for name in missing]
    if len(words) == len(_NEEDS):
        return said(phrase("needs {first} and {second}", first=words[0], second=words[1]))
    return said(phrase("needs {what}", what=", ".join(said(word) for word in words))) if words else ""


def further(api: Api) -> list[tuple[str, str, str]]:
    """Pages about an API that are elsewhere: (address, words, Material symbol)."""
    found = urlencode({"api__id__exact": str(api.pk)})
    lists = [(f"{reverse(f'admin:{name}_changelist')}?{found}", said(words), icon) for name, words, icon in _LISTS]
    return [(reverse(address, args=[api.pk]), said(words), icon) for address, words, icon in _FURTHER] + lists
