"""What somebody saw when they began to write, and what was changed meanwhile.

An edition of an API is the id of its newest history entry. A form carries the one it was made with; a service that is
given it puts together what two people changed, and refuses where both changed the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from copy import deepcopy
from uuid import UUID

from django.db.models import Max, QuerySet

from apis.differences import MISSING, Difference, Path, Tree, differences, found, placed, three_way
from apis.errors import Meanwhile, Stale
from apis.happenings import WHOLE, path_words, sides, value_words
from apis.models import Api, HistoryEntry
from apis.shapes import pointer


def newest(api_id: UUID) -> int:
    """The present edition of an API. Ask before you read what you show, or a change in between goes unnoticed."""
    return HistoryEntry.objects.filter(api_id=api_id).aggregate(newest=Max("id"))["newest"] or 0


def require_unchanged(api: Api, seen: int | None, fields: Iterable[str | Path]) -> None:
    """Refuse where one of these was changed since: for what cannot be put together, such as a deletion.

    Args:
        api: held, so that nobody changes it now.
        seen: the edition that the person saw; None asks nothing.
        fields: names of fields or sections, or paths (apis.happenings says which there are); all of it for `()`.

    Raises: Stale.
    """
    if seen is None:
        return
    paths = [field if isinstance(field, tuple) else (field,) for field in fields] or [()]
    told = list(_told(api, seen, paths, clashing=paths))
    if told:
        raise Stale(told, seen=newest(api.pk))


def merged(
    api: Api, seen: int | None, now: Tree, mine: Tree, *,
    touched: Collection[Path] = (), whole: Collection[str] = WHOLE,
) -> Tree:  # fmt: skip
    """What is to be saved where somebody else may have saved meanwhile: both changes, where they are different ones.

    Args:
        api: held.
        seen: the edition that `mine` was made from; None takes `mine` as it is.
        now, mine: trees from the root of apis.happenings, of the same fields or sections.
        touched: places that I changed though the trees do not show it, such as secrets.

    Raises: Stale, with what would have been saved if mine counted, for the form that comes back.
    """
    if seen is None:
        return mine
    since = list(_since(api, seen))
    if not since:
        return mine
    base = deepcopy(now)
    for entry in reversed(since):
        for one in _of(entry):
            if one.path[0] in mine:
                placed(base, one.path, one.before)
    done: Tree = {}
    clashes: list[Path] = []
    for name, wish in mine.items():
        old = found(base, (name,))
        done[name], more = three_way(old, now.get(name, MISSING), wish, (name,), whole)
        clashes += more
    changed = {one.path for entry in since for one in _of(entry)}
    clashes += [path for path in touched if path in changed]
    if clashes:
        told = list(_told(api, seen, [(name,) for name in mine], clashing=clashes))
        raise Stale(told, seen=newest(api.pk), merged=done)
    return done


def changes_since(api: Api, seen: int, places: Iterable[Path]) -> list[Meanwhile]:
    """Who changed what at these places (all of them for none) since an edition, oldest first."""
    paths = list(places) or [()]
    return list(_told(api, seen, paths, clashing=paths))


def _since(api: Api, seen: int) -> QuerySet[HistoryEntry]:
    return HistoryEntry.objects.filter(api_id=api.pk, pk__gt=seen).order_by("pk")


def _of(entry: HistoryEntry) -> Iterator[Difference]:
    before, after = sides(entry.action, entry.detail)
    return differences(before, after, whole=())


def _told(api: Api, seen: int, paths: list[Path], clashing: list[Path]) -> Iterator[Meanwhile]:
    for entry in _since(api, seen):
        for one in _of(entry):
            if any(_meets(one.path, path) for path in paths):
                yield Meanwhile(
                    who=entry.actor_name,
                    at=entry.at,
                    action=entry.action,
                    field="/".join(map(pointer, one.path)),
                    label=path_words(one.path),
                    before=value_words(one.before),
                    after=value_words(one.after),
                    clashes=any(_meets(one.path, path) for path in clashing),
                )


def _meets(one: Path, other: Path) -> bool:
    """Whether one place lies in the other."""
    return one[: len(other)] == other or other[: len(one)] == one
