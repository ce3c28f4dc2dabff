"""Relations of one row that are read when somebody first asks for them, and then kept.

Django reads `prefetch_related` at once, wanted or not. A page about one API shows two or three of its relations, and
which they are is known only where they are shown.
"""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet, prefetch_related_objects

Row = TypeVar("Row", bound=Model)


class _Kept(dict[str, QuerySet[Model]]):
    """What Django keeps of the relations of a row that were prefetched; those of `names` come when they are missed.

    A relation that is written to drops out, as ever, and is read again when it is asked for again.
    """

    def __init__(self, row: Model, names: tuple[str, ...]) -> None:
        super().__init__()
        self._row = row
        self._wanted = set(names)

    def __missing__(self, name: str) -> QuerySet[Model]:
        if name not in self._wanted:
            raise KeyError(name)  # Django asks the database
        self._wanted.discard(name)  # and while it is prefetched, too
        try:
            prefetch_related_objects([self._row], name)
        finally:
            self._wanted.add(name)
        return self[name]


def read_when_asked(row: Row, *names: str) -> Row:
    """The same row, whose relations `names` (to many rows) are each read once, when `row.name.all()` first asks."""
    row._prefetched_objects_cache = _Kept(row, names)  # type: ignore[attr-defined]
    return row
