"""Looking into JSON lists, alike on SQLite and PostgreSQL: `tags__names_any=["chat"]`, `tags__names_contain="cha"`,
`properties__items_contain="berlin"`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db.models import Lookup

_NAMES: Final = {"sqlite": "json_each(%s)", "postgresql": "jsonb_array_elements_text(%s) AS item(value)"}
_ITEMS: Final = {"sqlite": "json_each(%s)", "postgresql": "jsonb_array_elements(%s) AS item(value)"}
_FIELD: Final = {"sqlite": "json_extract(value, '$.{}')", "postgresql": "(value ->> '{}')"}
_TRUE: Final = {"sqlite": "1", "postgresql": "'true'"}


class _InList(Lookup):
    """Whether a list has a member that fits. What to look for is not prepared: it is no JSON."""

    prepare_rhs = False
    lists = _NAMES

    def fits(self, vendor: str) -> tuple[str, tuple[str, ...]]:
        """SQL that is true of a member called `value`, and its parameters."""
        raise NotImplementedError

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, values = self.process_lhs(compiler, connection)
        members = self.lists[connection.vendor] % column
        condition, wanted = self.fits(connection.vendor)
        return f"EXISTS (SELECT 1 FROM {members} WHERE {condition})", (*values, *wanted)  # noqa: S608  (placeholders)


def _pattern(text: str) -> str:
    """For LIKE: the text anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


class NamesAny(_InList):
    """Whether a list of texts holds at least one of the given ones, letter for letter."""

    lookup_name = "names_any"

    def fits(self, vendor: str) -> tuple[str, tuple[str, ...]]:
        """Raises: EmptyResultSet for no names at all, which no list holds."""
        wanted: Iterable[str] = self.rhs
        names = tuple(wanted)
        if not names:
            raise EmptyResultSet
        return f"value IN ({', '.join(['%s'] * len(names))})", names


class NamesContain(_InList):
    """Whether a text of the list has the given one in it, whatever the case of the letters."""

    lookup_name = "names_contain"

    def fits(self, vendor: str) -> tuple[str, tuple[str, ...]]:
        return "UPPER(value) LIKE UPPER(%s) ESCAPE '\\'", (_pattern(str(self.rhs)),)


class ItemsContain(_InList):
    """Whether a property ({"name", "value", "show_in_devportal"}) has the given text in its name or value."""

    lookup_name = "items_contain"
    lists = _ITEMS
    only_shown = False

    def fits(self, vendor: str) -> tuple[str, tuple[str, ...]]:
        name, value, shown = (_FIELD[vendor].format(field) for field in ("name", "value", "show_in_devportal"))
        like = "LIKE UPPER(%s) ESCAPE '\\'"
        only = f" AND {shown} = {_TRUE[vendor]}" if self.only_shown else ""
        return f"(UPPER({name}) {like} OR UPPER({value}) {like}){only}", (_pattern(str(self.rhs)),) * 2


class ShownContain(ItemsContain):
    """The same, of those that the developer portal shows."""

    lookup_name = "shown_contain"
    only_shown = True
