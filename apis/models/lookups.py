"""Looking into JSON lists of names, alike on SQLite and PostgreSQL: `tags__names_any=["chat"]`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Lookup

_ITEMS = {"sqlite": "json_each(%s)", "postgresql": "jsonb_array_elements_text(%s) AS item(value)"}


class NamesAny(Lookup):  # type: ignore[type-arg]  # no generic at run time
    """Whether a list of texts holds at least one of the given ones, letter for letter."""

    lookup_name = "names_any"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, list[str]]:
        """Raises: EmptyResultSet for no names at all, which no list holds."""
        names = list(value)
        if not names:
            raise EmptyResultSet
        return ", ".join(["%s"] * len(names)), names

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, column_values = self.process_lhs(compiler, connection)
        names, name_values = self.process_rhs(compiler, connection)
        items = _ITEMS[connection.vendor] % column
        sql = f"EXISTS (SELECT 1 FROM {items} WHERE value IN ({names}))"  # noqa: S608  (placeholders only)
        return sql, [*column_values, *name_values]
