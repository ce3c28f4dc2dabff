"""What two people made of one row: plans, roles, applications, documents ... whatever is edited field by field.

It is `apis.services.editions` for what is no API: an edition of a row is the id of the newest history entry about it,
numbers of one sequence, so the edition of an API is as good as that of a document of it. A form carries the edition it
was made with. A service that is given it saves what its person changed, leaves alone what somebody else changed
besides, and refuses where both changed the same field.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Max, Model, QuerySet

from apis.errors import Meanwhile, Stale
from apis.happenings import NEW_SECRET, OLD_SECRET, path_words, value_words
from apis.models import Api, HistoryEntry
from apis.models.history import row_name
from apis.shapes import pointer

# Actions that keep one value instead of fields by name: the field that it is.
_ONE_FIELD: Final = {"change_plan": "business_plan", "block": "state", "unblock": "state"}
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class _Changed:
    """One field of one entry."""

    entry: HistoryEntry
    field: str
    before: Any
    after: Any


def newest_of(model: type[Model], key: Any) -> int:
    """The present edition of a row, there or not. Ask before you read what you show.

    Args:
        key: as an address has it; one that cannot be a key is no row.
    """
    row = _row(model, key)
    return 0 if row is None else newest(row)


def newest(row: Model) -> int:
    """The present edition of a row; 0 for one that the history does not know."""
    return newest_among([row])


def newest_among(rows: Iterable[Model]) -> int:
    """The present edition of several rows together, for a page that lists them."""
    names = [row_name(row) for row in rows]
    return HistoryEntry.objects.filter(about__in=names).aggregate(newest=Max("id"))["newest"] or 0


def require_unchanged(row: Model, seen: int | None) -> None:
    """Refuse where anything of a row was changed since, as for a deletion.

    Args:
        row: held, so that nobody changes it now.
        seen: the edition that the person saw; None asks nothing.

    Raises: Stale.
    """
    if seen is not None and (told := changes_since(row, seen)):
        raise Stale(told, seen=newest(row))


def mine_only(
    row: Model,
    seen: int | None,
    now: Mapping[str, Any],
    mine: Mapping[str, Any],
    *,
    touched: Collection[str] = (),
    names: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What of `mine` is to be saved: the fields that this person changed. Those they left alone stay as they are now.

    Args:
        row: held.
        seen: the edition that `mine` was made from; None takes all of `mine`.
        now, mine: values by field; `mine` has no field that `now` lacks.
        touched: fields that were changed though the values do not show it, such as secrets.
        names: what the history calls a field, where that is another name.

    Raises: Stale where somebody else changed one of them too, with `merged`: what the form that comes back shows, mine
        where I changed something and theirs elsewhere.
    """
    if seen is None:
        return dict(mine)
    changed = list(_changes(row, seen))
    if not changed:
        return dict(mine)
    base = {(names or {}).get(name, name): plain(value) for name, value in now.items()}
    for one in reversed(changed):
        base[one.field] = one.before
    wished: dict[str, Any] = {}
    clashes = set(touched) & {one.field for one in changed}
    for name, value in mine.items():
        there, wish, known = plain(now[name]), plain(value), (names or {}).get(name, name)
        if wish != base[known]:
            wished[name] = value
            if there not in (base[known], wish):
                clashes.add(known)
    if clashes:
        told = [_told(one, clashes) for one in changed]
        raise Stale(told, seen=newest(row), merged={**now, **wished})
    return wished


def mine_of(row: Model, seen: int | None, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`mine_only` where the fields are those of the row itself. Returns: what is to be saved, and what is there now."""
    now = {field: getattr(row, field) for field in values}
    mine = mine_only(row, seen, now, values)
    return mine, {field: now[field] for field in mine}


def changes_since(row: Model, seen: int) -> list[Meanwhile]:
    """Who changed what of a row since an edition, oldest first; every field of it is of interest."""
    return [_told(one, None) for one in _changes(row, seen)]


def gone(model: type[Model], key: Any, api: Api | None = None) -> Stale | None:
    """For a form about a row that is not there any more: who took it away; None where the history does not say.

    Args:
        api: whose row it was, for what belongs to one.
    """
    row = _row(model, key)
    entry = None if row is None else HistoryEntry.objects.filter(about=row_name(row)).order_by("pk").last()
    if entry is None or not entry.action.startswith("delete_") or (api is not None and entry.api_id != api.pk):
        return None
    one = Meanwhile(
        who=entry.actor_name, at=entry.at, action=entry.action, field="",
        label=model._meta.verbose_name_raw, before=entry.subject, after="",
    )  # fmt: skip
    return Stale([one], seen=entry.pk)


def _row(model: type[Model], key: Any) -> Model | None:
    """A row of this key, for its name in the history: nothing is read. None for what cannot be a key."""
    try:
        return model(pk=model._meta.pk.to_python(key))
    except ValidationError:
        return None


def plain(value: Any) -> Any:
    """A value as the history keeps it (JSON), so that the two can be compared."""
    if isinstance(value, Decimal | Model):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple):
        return list(value)
    return value


def _changes(row: Model, seen: int) -> Iterator[_Changed]:
    """What was done to the fields of a row since an edition, oldest first; that it was made is no change of it."""
    since: QuerySet[HistoryEntry] = HistoryEntry.objects.filter(about=row_name(row), pk__gt=seen).order_by("pk")
    for entry in since:
        before, after = entry.detail.get("before"), entry.detail.get("after")
        if (field := _ONE_FIELD.get(entry.action)) is not None:
            before, after = {field: before}, {field: after}
        if not isinstance(before, dict):
            continue
        old, new = before, after if isinstance(after, dict) else {}
        for name in dict.fromkeys([*old, *new]):
            if old.get(name, _NOTHING) != new.get(name, _NOTHING):
                yield _Changed(entry, name, old.get(name), new.get(name))
        for name in entry.detail.get("secrets_changed", ()):
            yield _Changed(entry, name, OLD_SECRET, NEW_SECRET)


def _told(one: _Changed, clashes: Collection[str] | None) -> Meanwhile:
    return Meanwhile(
        who=one.entry.actor_name,
        at=one.entry.at,
        action=one.entry.action,
        field=pointer(one.field),
        label=path_words((one.field,)),
        before=value_words(one.before),
        after=value_words(one.after),
        clashes=clashes is None or one.field in clashes,
    )
