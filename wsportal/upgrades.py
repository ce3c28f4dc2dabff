"""Whether the previous release goes on working on the tables of this one: what a rolling upgrade depends on.

An upgrade migrates first and then restarts one process after the other, so for a while both releases write to the new
tables. Hence a migration only ever adds: what the previous release reads stays where it was, and what it writes
without knowing is complete (CONTRIBUTING "Migrations").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field

RELEASED: Final[Mapping[str, str]] = {
    "apis": "0011_subscription_terms",
    "gateway": "0008_where_a_session_came_in",
}
"""The last migration of each room in the previous release; moved forward with every release."""

EXPLAINED: Final = "old_release_works"
"""A migration may carry this name with the reason why the previous release works on; then nobody looks further."""

_RENAMES: Final = (migrations.RenameModel, migrations.RenameField, migrations.AlterModelTable)
_RULES: Final = (migrations.AddConstraint, migrations.AlterUniqueTogether)


def unsafe_migrations(released: Mapping[str, str] = RELEASED) -> list[str]:
    """One sentence for everything that would break the previous release.

    Args:
        released: the last migration of each app in it.
    """
    loader = MigrationLoader(None)
    before, after = loader.project_state(list(released.items())), loader.project_state()
    old = {node for item in released.items() for node in loader.graph.forwards_plan(item)}
    told: list[str] = []
    for leaf in loader.graph.leaf_nodes():
        if leaf[0] not in released:
            continue  # tables of a package, whose own rules hold
        for node in loader.graph.forwards_plan(leaf):
            migration = loader.graph.nodes[node]
            if node[0] in released and node not in old and not getattr(migration, EXPLAINED, ""):
                old.add(node)
                found = problems(migration.operations, node[0], before, after)
                told += [f"{node[0]} {node[1]}: {problem}" for problem in found]
    return told


def problems(
    operations: Iterable[Operation], app: str, before: ProjectState, after: ProjectState | None = None
) -> Iterator[str]:
    """What is wrong with these operations for code that knows the tables as they were `before`.

    Args:
        after: the tables when all migrations are done: one `migrate` runs them, so a later one may complete a column.
    """
    for operation in operations:
        if isinstance(operation, migrations.SeparateDatabaseAndState):
            yield from problems(operation.database_operations, app, before, after)
        elif problem := _problem(operation, app, before, after or ProjectState()):
            yield problem


def _problem(operation: Any, app: str, before: ProjectState, after: ProjectState) -> str:
    if isinstance(operation, migrations.RunSQL):
        return f"it runs SQL; say in {EXPLAINED} why the previous release works on"
    name = (
        getattr(operation, "model_name", None)
        or getattr(operation, "name", "")
        or operation.__dict__.get("old_name", "")
    )
    model = before.models.get((app, str(name).lower()))
    if model is None:
        return ""  # the previous release does not know this table
    if isinstance(operation, _RENAMES):
        renamed = getattr(operation, "old_name", name) if isinstance(operation, migrations.RenameField) else ""
        known = not renamed or renamed in model.fields
        return f"it renames {name}{'.' if renamed else ''}{renamed}" if known else ""
    if isinstance(operation, migrations.DeleteModel):
        return f"it drops {name}"
    if isinstance(operation, _RULES):
        return f"it adds a rule to {name} that the previous release does not know"
    if isinstance(operation, migrations.RemoveField):
        return f"it drops {name}.{operation.name}" if operation.name in model.fields else ""
    if isinstance(operation, migrations.AddField):
        done = after.models.get((app, str(name).lower()))
        field = done.fields.get(operation.name, operation.field) if done else operation.field
        return _added(f"{name}.{operation.name}", field)
    if isinstance(operation, migrations.AlterField) and operation.name in model.fields:
        return _altered(f"{name}.{operation.name}", model.fields[operation.name], operation.field)
    return ""


def _added(name: str, field: Any) -> str:
    if field.many_to_many or field.null or field.db_default is not NOT_PROVIDED:
        return ""
    return f"{name} is new and must be given; the previous release leaves it out (give it a db_default, or null)"


def _altered(name: str, was: Field[Any, Any], now: Field[Any, Any]) -> str:
    if was.get_internal_type() != now.get_internal_type():
        return f"it changes the type of {name}"
    if was.null and not now.null:
        return f"{name} may no longer be null, which the previous release still writes"
    if (was.max_length or 0) > (now.max_length or 0) > 0:
        return f"{name} takes less than the previous release writes"
    if (now.unique and not was.unique) or was.db_column != now.db_column:
        return f"{name} gets another column or must be unique"
    return ""
