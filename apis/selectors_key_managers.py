"""Reads about key managers and the clients of theirs that belong to applications."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apis.errors import Missing
from apis.models import Application, KeyManager, MappedKey
from apis.permissions import Actor
from apis.roles import Capability
from apis.shapes_key_managers import RESIDENT_ID
from apis.shapes_security import RESIDENT


def resident() -> KeyManager:
    """The built-in key manager: always there, and no row."""
    description = "The built-in authorization server: opaque access tokens of consumer keys made here."
    return KeyManager(pk=UUID(RESIDENT_ID), name=RESIDENT, description=description, validation="resident")


def key_managers(actor: Actor) -> list[KeyManager]:
    """The built-in one, then the others by name; those that are disabled are shown to administrators only."""
    rows = KeyManager.objects.all()
    return [resident(), *(rows if actor.can(Capability.ADMINISTER) else rows.filter(enabled=True))]


def key_manager_get(actor: Actor, key_manager_id: UUID | str) -> KeyManager:
    """Raises: Missing."""
    found = next((row for row in key_managers(actor) if str(row.pk) == str(key_manager_id)), None)
    if found is None:
        raise Missing("There is no such key manager.")
    return found


def is_resident(key_manager: KeyManager) -> bool:
    """Whether it is the built-in one, which nobody changes."""
    return str(key_manager.pk) == RESIDENT_ID


def key_manager_names() -> list[str]:
    """What an API can name: the built-in one first."""
    return [RESIDENT, *KeyManager.objects.values_list("name", flat=True)]


def mappable_key_managers() -> QuerySet[KeyManager]:
    """Those whose clients can be mapped to an application."""
    return KeyManager.objects.filter(enabled=True)


def mapped_keys_of(application: Application) -> QuerySet[MappedKey]:
    """The clients of key managers that belong to an application."""
    return MappedKey.objects.filter(application=application).select_related("key_manager")


def mapped_key_get(application: Application, mapped_key_id: UUID | str) -> MappedKey:
    """Raises: Missing."""
    found = mapped_keys_of(application).filter(pk=mapped_key_id).first()
    if found is None:
        raise Missing("This application has no such client.")
    return found
