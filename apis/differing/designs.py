"""Two whole designs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from apis import shapes
from apis.asyncapi.model import Reading
from apis.differing.changes import Change, Comparison, ordered
from apis.differing.documents import document_changes
from apis.differing.settings import endpoint_changes, runtime_changes, security_changes
from apis.differing.topics import topic_changes
from apis.shapes_endpoint import shown
from apis.shapes_security import security_of
from apis.shapes_topics import topic_of

CHANGES_LIMIT: Final = 500
Design = Mapping[str, Any]


def compare(
    old: Design, new: Design, readings: tuple[Reading, Reading] | None = None, secrets: Sequence[str] = ()
) -> Comparison:
    """What differs, field by field.

    Args:
        old, new: as `apis.frozen.design_of` makes them; parts that were not frozen then have their defaults.
        readings: both definitions as they were read, or None to leave them out.
        secrets: "{key type}/{section}/{member}" of the secrets of endpoints that differ; their values are not told.
    """
    found = list(islice(_changes(old, new, readings, secrets), CHANGES_LIMIT + 1))
    return Comparison(ordered(found[:CHANGES_LIMIT]), len(found) > CHANGES_LIMIT)


def _changes(
    old: Design, new: Design, readings: tuple[Reading, Reading] | None, secrets: Sequence[str]
) -> Iterator[Change]:
    topics = [[topic_of(row) for row in design.get("topics", ())] for design in (old, new)]
    yield from topic_changes(topics[0], topics[1])
    endpoints = [{key: shown(config) for key, config in design.get("endpoints", {}).items()} for design in (old, new)]
    yield from endpoint_changes(endpoints[0], endpoints[1], secrets)
    yield from runtime_changes(shapes.runtime_of(old), shapes.runtime_of(new))
    yield from security_changes(security_of(old), security_of(new))
    if readings is not None:
        names = [{row["name"]: row for row in rows} for rows in topics]
        yield from document_changes(*readings, told=names)
