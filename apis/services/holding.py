"""The first step of a write on something that exists: read it again and hold it until the transaction ends.

A screen fetched the row a moment ago; since then somebody may have changed or deleted it.
"""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import models

from apis.errors import Missing

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
        raise Missing(f"This {row._meta.verbose_name} does not exist any more.") from None
    return row
