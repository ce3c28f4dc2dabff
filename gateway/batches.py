"""Many ids in a query, as few queries as the databases allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

CHUNK: Final = 500  # ids in one query; below SQLite's limit on variables


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids in lists of at most CHUNK."""
    everything = list(ids)
    for start in range(0, len(everything), CHUNK):
        yield everything[start : start + CHUNK]
