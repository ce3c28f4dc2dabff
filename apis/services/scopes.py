"""Scopes: what tokens may carry so that topics let them do something. Creators and administrators write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import IntegrityError, transaction

from apis import roles as tables
from apis import scoping
from apis.errors import Conflict, Invalid, Taken
from apis.models import Api, Scope
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.choosing import roles_problem
from apis.services.holding import hold
from apis.services.keys import CONSUMER_SCOPE
from apis.services.record import record
from apis.services.row_editions import mine_of, require_unchanged
from apis.shapes_topics import scope_name_problem
from apis.validators import text_problem
from apis.words import phrase

# Words of the authorization server's own; `openid` and its kin belong to OpenID Connect (Core section 5.4).
RESERVED: Final = frozenset(
    {*map(str, tables.Scope), CONSUMER_SCOPE, "openid", "profile", "email", "address", "phone", "offline_access"}
)
USES_SHOWN: Final = 5


def _name(name: Any) -> str:
    if not isinstance(name, str):
        return "This should be a text."
    return scope_name_problem(name) or (
        phrase("{name} has a meaning of its own here.", name=name) if name in RESERVED else ""
    )


def _text(limit: int, what: str) -> Callable[[Any], str]:
    return lambda text: text_problem(text, limit, what) if isinstance(text, str) else "This should be a text."


_CHECKS: Final[dict[str, Callable[[Any], str]]] = {
    "display_name": _text(100, "Display name"),
    "description": _text(500, "Description"),
    "roles": roles_problem,
}
FIELDS: Final = tuple(_CHECKS)


def _refuse(values: dict[str, Any], **problems: str) -> None:
    problems |= {field: _CHECKS[field](value) for field, value in values.items() if field in _CHECKS}
    problems |= dict.fromkeys(values.keys() - _CHECKS.keys(), "This field is not known here.")
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)


@transaction.atomic
def scope_create(*, actor: Actor, name: str, api: Api | None = None, **values: Any) -> Scope:
    """Name a scope: a shared one, or a local one of `api`, in all of its versions.

    Args:
        values: any of FIELDS; `roles` are those a person needs one of, or none for everybody.

    Raises: Forbidden without the creator role; Invalid; Taken, also by a local scope of another API: a token that
        carries a name carries it everywhere.
    """
    actor.require(Capability.DESIGN_APIS)
    _refuse(values, name=_name(name))
    if api is not None:
        hold(api)
    scope = Scope(name=name, version_set=api.version_set if api is not None else None, **values)
    try:
        with transaction.atomic():
            scope.save()
    except IntegrityError:
        raise Taken({"name": phrase("A scope named {name} already exists.", name=name)}) from None
    record(actor, "create_scope", scope, api=api, name=name, before=None, after=facts_of(scope))
    return scope


@transaction.atomic
def scope_update(
    *, actor: Actor, scope: Scope, api: Api | None = None, seen: int | None = None, **values: Any
) -> Scope:
    """Change what people read of a scope, or who may have it: the next token goes by it. Its name stays.

    Args:
        api: whose history shows it, for a local one.
        seen: the edition of the scope that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Missing, Invalid, Stale.
    """
    actor.require(Capability.DESIGN_APIS)
    if "name" in values:
        raise Invalid({"name": "The name of a scope stays: tokens and revisions carry it."})
    _refuse(values)
    if api is not None:
        hold(api)
    hold(scope)
    values, before = mine_of(scope, seen, values)
    for field, value in values.items():
        setattr(scope, field, value)
    scope.save(update_fields=list(values))
    record(actor, "update_scope", scope, api=api, name=scope.name, before=before, after=values)
    return scope


@transaction.atomic
def scope_delete(*, actor: Actor, scope: Scope, api: Api | None = None, seen: int | None = None) -> None:
    """Raises: Forbidden, Missing; Conflict naming where it is in use; Stale where it was changed since."""
    actor.require(Capability.DESIGN_APIS)
    if api is not None:
        hold(api)
    hold(scope)
    require_unchanged(scope, seen)
    if uses := scoping.scope_uses(scope, actor):
        more = f" and {len(uses) - USES_SHOWN} more" if len(uses) > USES_SHOWN else ""
        raise Conflict(
            phrase("{scope} is in use: {uses}{more}.", scope=scope, uses="; ".join(uses[:USES_SHOWN]), more=more),
            code="in_use",
        )
    record(actor, "delete_scope", scope, api=api, name=scope.name, before=facts_of(scope), after=None)
    scope.delete()


def facts_of(scope: Scope) -> dict[str, Any]:
    """What people may change of a scope, as the history keeps it."""
    return {field: getattr(scope, field) for field in FIELDS}
