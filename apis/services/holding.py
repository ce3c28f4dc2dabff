"""The first step of a write on something that exists: read it again and hold it until the transaction ends.

A screen fetched the row a moment ago; since then somebody may have changed or deleted it.
"""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, models

from apis.errors import Missing
from apis.words import phrase

Row = TypeVar("Row", bound=models.Model)


def hold(row: Row) -> Row:
    """Refresh `row` in place and lock it, so that what is decided now still holds when it is written.

    Returns: the same object. Raises: Missing where it is gone by now.
    """
    # Not type(row): the person of a request comes wrapped in a SimpleLazyObject.
    model: type[Row] = row._meta.model  # type: ignore[assignment]
    try:
        row.refresh_from_db(from_queryset=model._default_manager.select_for_update(of=("self",)))
    except ObjectDoesNotExist:
        raise _gone(row) from None
    return row


def _gone(row: models.Model) -> Missing:
    return Missing(phrase("This {verbose_name} does not exist any more.", verbose_name=row._meta.verbose_name_raw))


def keep(row: models.Model) -> None:
    """See to it that `row` is still there when the transaction ends, where something is written that belongs to it.

    Who would change or delete it waits. PostgreSQL looks at foreign keys when the transaction ends, and nobody expects
    a refusal there any more. Unlike `hold` it leaves `row` as it was read, with what was prefetched.

    Raises: Missing where it is gone by now.
    """
    rows = row._meta.model._default_manager.filter(pk=row.pk)
    if connection.features.has_select_for_no_key_update:
        rows = rows.select_for_update(of=("self",), no_key=True)
    if not rows.values_list("pk", flat=True).first():
        raise _gone(row)
