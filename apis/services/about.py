"""What is said about an API beside its design: owners, categories, properties, and who sees it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

from apis import shapes_about
from apis.models import Api, Thumbnail
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.choosing import categories_held, roles_problem

ROLE_FIELDS: Final = ("access_roles", "visible_roles")
PLAIN: Final = ("business", "properties", *ROLE_FIELDS)
FIELDS: Final = (*PLAIN, "categories")


def about_values(actor: Actor, api: Api | None, changes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Those of FIELDS that are among `changes`, in normal form, and what is wrong with them by path.

    Args:
        api: whose roles may stay as they are whoever edits it; None for a new one.
    """
    done: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field, check in (("business", shapes_about.business), ("properties", shapes_about.properties)):
        if field in changes:
            done[field], wrong = check(changes[field])
            problems |= {f"{field}/{place}" if place else field: text for place, text in wrong.items()}
    for field in ROLE_FIELDS:
        if field in changes:
            problems[field] = roles_problem(changes[field])
            done[field] = changes[field] if problems[field] else sorted(changes[field])
    if "access_roles" in changes and not problems["access_roles"]:
        problems["access_roles"] = _shut_out_problem(actor, api, done["access_roles"])
    if "categories" in changes:
        rows, problems["categories"] = categories_held(changes["categories"])
        done["categories"] = [row.name for row in rows]
    return done, {path: text for path, text in problems.items() if text}


def _shut_out_problem(actor: Actor, api: Api | None, roles: list[str]) -> str:
    """Source: section 4.2 of the reference, "At least one role must be associated with the API creator"."""
    unchanged = api is not None and api.access_roles == roles
    if not roles or unchanged or Capability.ADMINISTER in actor.person.capabilities:
        return ""
    if actor.person.held_roles.isdisjoint(roles):
        return "At least one of these roles must be one of your own."
    return ""


def categories_set(api: Api, names: list[str]) -> None:
    """Put a saved API under these categories and no others."""
    rows, _ = categories_held(names)
    api.categories.set(rows)


def said_of(api: Api) -> dict[str, Any]:
    """PLAIN of an API, for a copy of it."""
    return {field: deepcopy(getattr(api, field)) for field in PLAIN}


def about_copy(*, source: Api, target: Api) -> None:
    """Give a saved copy the categories and the thumbnail of its original."""
    target.categories.set(source.categories.all())
    picture = Thumbnail.objects.filter(api=source).first()
    if picture is not None:
        picture.pk = target.pk
        picture.save(force_insert=True)
