"""An API's own fields as they are now, and what two people changed of them put together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apis.models import Api
from apis.services.editions import merged
from apis.validators import normal_context


def design_now(api: Api, fields: Iterable[str]) -> dict[str, Any]:
    """These fields as they are, in the shape that `designs.api_update` takes and the history keeps."""
    named: dict[str, Any] = {
        "business_plans": lambda: sorted(plan.name for plan in api.business_plans.all()),
        "categories": lambda: sorted(category.name for category in api.categories.all()),
        "api_plan": lambda: api.api_plan.name if api.api_plan else None,
    }
    return {field: named[field]() if field in named else getattr(api, field) for field in fields}


def with_theirs(api: Api, seen: int | None, changes: dict[str, Any]) -> dict[str, Any]:
    """What is to be saved of `changes` where somebody else changed other fields since the edition `seen`.

    Args:
        api: held.
        changes: valid; an "endpoint" among them is left alone.

    Raises: Stale where somebody else changed the same field.
    """
    if seen is None:
        return changes
    mine = {field: value for field, value in changes.items() if field != "endpoint"}
    for field in mine.keys() & {"business_plans", "categories"}:
        mine[field] = sorted(mine[field])
    if "context" in mine:
        mine["context"] = normal_context(mine["context"])
    return {**changes, **merged(api, seen, design_now(api, mine), mine)}
