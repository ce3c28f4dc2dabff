"""What many rows say, gathered by the database into one JSON value: for a subquery beside another row."""

from __future__ import annotations

from typing import Any

from django.db.models import Func, JSONField


class Pairs(Func):
    """Two columns of all rows as {key: value}; None or {} where there are no rows."""

    function = "JSON_GROUP_OBJECT"
    output_field = JSONField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_OBJECT_AGG", **context)


class Values(Func):
    """A column of all rows as a list, in no order; None or [] where there are no rows."""

    function = "JSON_GROUP_ARRAY"
    output_field = JSONField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSONB_AGG", **context)
