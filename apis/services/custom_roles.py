"""Roles beside the built-in ones: administrators keep them, people hold them, APIs, scopes and plans name them.

Source: section 4.1 of the reference, "Custom roles".
"""

from __future__ import annotations

import re
from typing import Any, Final

from django.db import IntegrityError, transaction

from apis import selectors_portal
from apis.errors import Conflict, Invalid, Taken
from apis.models import Role
from apis.permissions import Actor
from apis.roles import BUILT_IN_ROLES, Capability
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.row_editions import mine_of
from apis.validators import text_problem
from apis.words import phrase

NAME_LIMIT: Final = 60
# "Internal/creator" and its kin of the reference, and names that directories of people have; none that needs quoting.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@-]*")
USES_SHOWN: Final = 5
FIELDS: Final = ("description", "alias_of")


def _name_problem(name: Any) -> str:
    if not isinstance(name, str):
        return "This should be a text."
    if not name:
        return "Name should not be empty."
    if len(name) > NAME_LIMIT or not _NAME.fullmatch(name):
        return phrase(
            "A role has at most {name_limit} letters, digits and _ . / : @ -, and begins with a letter or digit.",
            name_limit=NAME_LIMIT,
        )
    if name.lower() in BUILT_IN_ROLES:
        return phrase("{name} is a built-in role.", name=name)
    return ""


def _problems(values: dict[str, Any]) -> dict[str, str]:
    problems = dict.fromkeys(values.keys() - {"name", *FIELDS}, "This field is not known here.")
    if "name" in values:
        problems["name"] = _name_problem(values["name"])
    if "description" in values:
        text = values["description"]
        problems["description"] = (
            text_problem(text, 500, "Description") if isinstance(text, str) else "This should be a text."
        )
    if "alias_of" in values and values["alias_of"] not in ("", *BUILT_IN_ROLES):
        problems["alias_of"] = phrase(
            "This should be empty or one of: {built_in_roles}.", built_in_roles=", ".join(BUILT_IN_ROLES)
        )
    return {field: text for field, text in problems.items() if text}


@transaction.atomic
def role_create(*, actor: Actor, name: str, **values: Any) -> Role:
    """Keep one more role.

    Args:
        values: any of FIELDS; `alias_of` names the built-in role that it also counts as, or is "".

    Raises: Forbidden for anybody but administrators; Invalid, also for a built-in name; Taken, whatever the case of
        the letters.
    """
    actor.require(Capability.ADMINISTER)
    if problems := _problems({"name": name, **values}):
        raise Invalid(problems)
    taken = Taken({"name": phrase("A role named {name} already exists.", name=name)})
    if Role.objects.filter(name__iexact=name).exists():
        raise taken
    try:
        with transaction.atomic():
            role = Role.objects.create(name=name, **values)
    except IntegrityError:
        raise taken from None
    record(actor, "create_role", role, after={"name": name, **{field: getattr(role, field) for field in FIELDS}})
    return role


@transaction.atomic
def role_update(*, actor: Actor, role: Role, seen: int | None = None, **values: Any) -> Role:
    """Change what a role means; who holds it may more or less at once. Its name stays: people and APIs carry it.

    Args:
        seen: the edition of the role that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Missing, Invalid, Stale; Conflict where an administrator would lose the own way in.
    """
    actor.require(Capability.ADMINISTER)
    if "name" in values:
        raise Invalid({"name": "The name of a role stays: people and APIs carry it."})
    if problems := _problems(values):
        raise Invalid(problems)
    hold(role)
    values, before = mine_of(role, seen, values)
    for field, value in values.items():
        setattr(role, field, value)
    role.save(update_fields=list(values))
    if "alias_of" in values:
        me = hold(actor.person)
        if Capability.ADMINISTER not in me.capabilities:
            raise Conflict("You cannot take the administrator role from yourself.", code="own_access")
        for person in selectors_portal.role_holders(role.name):
            announce("person", person.pk)
    record(actor, "update_role", role, before=before, after=values)
    return role


@transaction.atomic
def role_delete(*, actor: Actor, role: Role) -> None:
    """Raises: Forbidden, Missing; Conflict naming where it is in use."""
    actor.require(Capability.ADMINISTER)
    hold(role)
    if uses := selectors_portal.role_uses(role):
        more = f" and {len(uses) - USES_SHOWN} more" if len(uses) > USES_SHOWN else ""
        raise Conflict(
            phrase("{role} is in use: {uses}{more}.", role=role, uses="; ".join(uses[:USES_SHOWN]), more=more),
            code="in_use",
        )
    record(actor, "delete_role", role, before={field: getattr(role, field) for field in ("name", *FIELDS)})
    role.delete()
