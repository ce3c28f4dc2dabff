"""What differs between two nested values, and what two people made of one: pure, for history, conflicts and restoring.

A tree is a dict of trees; everything else, lists too, is a leaf that is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

Path = tuple[str, ...]
Tree = dict[str, Any]


class _Missing:
    """Nothing was there; None is a value."""

    def __repr__(self) -> str:
        return "MISSING"

    def __deepcopy__(self, memo: Any) -> _Missing:
        return self


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place of a tree: what was there, and what is there now; MISSING for nothing."""

    path: Path
    before: Any
    after: Any


def differences(before: Any, after: Any, path: Path = (), whole: Collection[str] = ()) -> Iterator[Difference]:
    """Every place in which two trees differ, in the order of their members.

    Args:
        whole: members that are not looked into, below the first level: they differ as a whole.
    """
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and not (len(path) > 1 and path[-1] in whole):
        for name in dict.fromkeys([*before, *after]):
            yield from differences(before.get(name, MISSING), after.get(name, MISSING), (*path, str(name)), whole)
        return
    yield Difference(path, before, after)


def placed(tree: Tree, path: Path, value: Any) -> None:
    """Put `value` at a place of `tree`; MISSING takes away what is there."""
    *way, last = path
    for name in way:
        inner = tree.get(name)
        if not isinstance(inner, dict):
            if value is MISSING:
                return
            inner = tree[name] = {}
        tree = inner
    if value is MISSING:
        tree.pop(last, None)
    else:
        tree[last] = deepcopy(value)


def found(tree: Any, path: Path) -> Any:
    """What is at a place of `tree`, or MISSING."""
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return MISSING
        tree = tree[name]
    return tree


def three_way(base: Any, now: Any, mine: Any, path: Path = (), whole: Collection[str] = ()) -> tuple[Any, list[Path]]:
    """What comes of two changes of one value: what I left alone is theirs, what they left alone is mine.

    Args:
        base: what both of us saw; `now`: what is there since; `mine`: what I want.
        whole: members, below the first level, that are not put together out of two halves.

    Returns: the value, with mine wherever both changed the same to different things, and the paths of those places.
    """
    if mine == base:
        return now, []
    if now in (base, mine):
        return mine, []
    if isinstance(now, dict) and isinstance(mine, dict) and not (len(path) > 1 and path[-1] in whole):
        done: Tree = {}
        clashes: list[Path] = []
        old = base if isinstance(base, dict) else {}
        for name in dict.fromkeys([*now, *mine, *old]):
            was, theirs, wish = (side.get(name, MISSING) for side in (old, now, mine))
            value, more = three_way(was, theirs, wish, (*path, str(name)), whole)
            clashes += more
            if value is not MISSING:
                done[name] = value
        return done, clashes
    return mine, [path]
