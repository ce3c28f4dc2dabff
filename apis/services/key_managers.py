"""Key managers outside of this product: administrators name them, change them, try them out and take them away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from apis.errors import Conflict, Invalid, Taken
from apis.models import Api, Deployment, KeyManager
from apis.permissions import Actor
from apis.roles import Capability
from apis.sealing import seal
from apis.selectors_key_managers import is_resident
from apis.services.configuring import address_problem
from apis.services.holding import hold
from apis.services.record import announce, record
from apis.services.row_editions import mine_only
from apis.shapes_key_managers import DEFAULT_CONFIG, DEFAULT_FACTS, SECRET, key_manager
from apis.shapes_security import security_of
from apis.words import phrase

# Other values of these, and a token that counted may count no longer.
_TERMS = frozenset({"validation", "issuer", *DEFAULT_CONFIG}) - {"proof", "scope_claim"}


def _values(given: Mapping[str, Any], stored: KeyManager | None) -> dict[str, Any]:
    """Every field, the secret sealed. A secret that is left out or null keeps what is stored; "" clears it.

    Raises: Invalid.
    """
    before = fields_of(stored) if stored is not None else {}
    secret = before.pop(SECRET, "")
    plain = given.get(SECRET)
    full, problems = key_manager({**before, **{name: value for name, value in given.items() if name != SECRET}})
    if plain is not None:
        _, more = key_manager({**full, SECRET: plain})
        problems = {**more, **problems}
    places = {name: address_problem(full[name]) for name in ("jwks_url", "introspection_url") if name not in problems}
    problems = {**problems, **{name: text for name, text in places.items() if text}}
    if problems:
        raise Invalid(problems)
    if plain is not None:
        secret = seal(plain) if plain else ""
    return {**full, SECRET: secret}


def fields_of(row: KeyManager) -> dict[str, Any]:
    """Every field of a key manager, the secret as it is kept (sealed)."""
    return {**{name: getattr(row, name) for name in DEFAULT_FACTS}, **DEFAULT_CONFIG, **row.config}


def _shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Every field but secrets, for the history."""
    return {name: value for name, value in values.items() if name != SECRET}


def filled(row: KeyManager, values: Mapping[str, Any]) -> KeyManager:
    """Put fields into a row that is not saved yet; of those that are left out, what it has stays."""
    full = {**fields_of(row), **values}
    for name in DEFAULT_FACTS:
        setattr(row, name, full[name])
    row.config = {name: full[name] for name in DEFAULT_CONFIG}
    return row


def _fill(row: KeyManager, values: Mapping[str, Any]) -> None:
    filled(row, values)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        same_name = KeyManager.objects.filter(name=row.name).exclude(pk=row.pk).exists()
        field = "name" if same_name else "issuer"
        raise Taken({field: phrase("Another key manager has this {field}.", field=field)}) from None


@transaction.atomic
def key_manager_create(*, actor: Actor, **values: Any) -> KeyManager:
    """Name a key manager (shape: apis.shapes_key_managers.key_manager).

    Raises: Forbidden for anybody but administrators; Invalid, Taken.
    """
    actor.require(Capability.ADMINISTER)
    row = KeyManager()
    _fill(row, _values(values, None))
    record(actor, "create_key_manager", row, after=_shown(fields_of(row)))
    announce("key_manager", row.pk)
    return row


@transaction.atomic
def key_manager_update(*, actor: Actor, key_manager: KeyManager, seen: int | None = None, **values: Any) -> KeyManager:
    """Change a key manager. Sessions whose token counted under other terms are closed within a second (4401), and so
    are all of a disabled one.

    Args:
        seen: the edition of the key manager that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Invalid, Taken, Stale; Conflict for the built-in one and for another name.
    """
    _require_row(actor, key_manager)
    hold(key_manager)
    before = fields_of(key_manager)
    after = _values(values, key_manager)
    if seen is not None:
        typed = {name: after[name] for name in values if name != SECRET}
        touched = (SECRET,) if values.get(SECRET) is not None else ()
        after = {
            **before,
            **mine_only(key_manager, seen, _shown(before), typed, touched=touched),
            SECRET: after[SECRET],
        }
    if after["name"] != before["name"]:
        raise Conflict("APIs name a key manager, so its name stays.", code="name_stays")
    changed = [name for name in after if after[name] != before[name]]
    if _TERMS & set(changed):
        key_manager.terms += 1
    _fill(key_manager, after)
    record(
        actor, "update_key_manager", key_manager, before=_shown(before), after=_shown(after),
        secrets_changed=[name for name in changed if name == SECRET],
    )  # fmt: skip
    announce("key_manager", key_manager.pk)
    return key_manager


@transaction.atomic
def key_manager_delete(*, actor: Actor, key_manager: KeyManager) -> None:
    """Take a key manager away, and with it every client of it that belongs to an application; its sessions are closed.

    Raises: Forbidden; Conflict for the built-in one, and while an API names it.
    """
    _require_row(actor, key_manager)
    hold(key_manager)
    if users := _users(key_manager.name):
        raise Conflict(
            phrase("{key_manager} is named by {users}.", key_manager=key_manager, users=", ".join(users[:5])),
            code="in_use",
        )
    key = key_manager.pk
    applications = list(key_manager.mapped_keys.values_list("application_id", flat=True))
    before = _shown(fields_of(key_manager))
    record(actor, "delete_key_manager", key_manager, before=before)
    key_manager.delete()
    announce("key_manager", key)
    for application in set(applications):
        announce("application", application)


def _users(name: str) -> list[str]:
    """The APIs whose security names this key manager, in their design or where they are deployed."""
    designs = [(f"{api}", api.security) for api in Api.objects.select_related("version_set")]
    deployed = [
        (f"{row.api} (deployed)", security_of(row.design))
        for row in Deployment.objects.select_related("api__version_set", "revision")
    ]
    return [title for title, security in (*designs, *deployed) if name in security.get("key_managers", ())]


def _require_row(actor: Actor, key_manager: KeyManager) -> None:
    actor.require(Capability.ADMINISTER)
    if is_resident(key_manager):
        raise Conflict("The built-in key manager stays as it is.", code="built_in")
