"""The definition that somebody wrote about an API follows when its topics are changed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apis.asyncapi.patching import Unpatchable, patched, retitled
from apis.asyncapi.reading import read
from apis.errors import Conflict
from apis.models import Api
from apis.words import phrase

MENDING = "Change it on the page Definition, or let it be made of the design again."


def definition_follow(api: Api, topics: Sequence[Mapping[str, Any]]) -> None:
    """Change the kept definition so that it says what the topics now are; everything else in it stays.

    Args:
        api: held; it is not saved here.
        topics: complete, in the shape of `apis.shapes_topics`.

    Raises: Conflict where the definition is written so that this cannot be done.
    """
    if not api.definition:
        return
    reading = read(api.definition)
    if not reading.is_valid:  # the rules of a newer release may be stricter than those it was taken by
        raise Conflict(
            phrase("The AsyncAPI definition of this API cannot be read any more. {mending}", mending=MENDING),
            code="definition",
        )
    try:
        api.definition = patched(reading, topics)
    except Unpatchable as why:
        raise Conflict(
            phrase("The AsyncAPI definition cannot follow. {why} {mending}", why=why, mending=MENDING),
            code="definition",
        ) from None


def definition_of_version(api: Api, version: str) -> str:
    """The kept definition for another version of the API: the same with another `info.version`."""
    reading = read(api.definition) if api.definition else None
    if reading is None or not reading.is_valid:
        return api.definition
    try:
        return retitled(reading, version=version)
    except Unpatchable:
        return api.definition
