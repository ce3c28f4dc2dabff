"""Clients of key managers that belong to applications ("provide existing OAuth keys" in the reference)."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction

from apis import shapes
from apis.errors import Invalid, Taken, TooOften
from apis.foreign_tokens import TEXT_LIMIT
from apis.models import Application, KeyManager, MappedKey
from apis.permissions import Actor, require_own
from apis.roles import Capability
from apis.selectors_key_managers import mappable_key_managers
from apis.services.attempts import Attempts
from apis.services.holding import hold
from apis.services.key_requests import require_allowed
from apis.services.record import announce, record
from apis.services.requests import require_approved
from apis.services.trying_key_managers import client_of
from apis.shapes_key_managers import DEFAULT_CONFIG
from apis.words import phrase

PROOFS: Final = Attempts("map-key", limit=20)  # of one person in a minute: each asks the key manager


def _check(key_manager: str, key_type: str, consumer_key: str) -> KeyManager:
    """Raises: Invalid."""
    problems: dict[str, str] = {}
    row = mappable_key_managers().filter(name=key_manager).first() if "\x00" not in key_manager else None
    if row is None:
        problems["key_manager"] = "There is no such key manager whose clients could be mapped."
    if key_type not in shapes.KEY_TYPES:
        problems["key_type"] = phrase("This should be one of: {key_types}.", key_types=", ".join(shapes.KEY_TYPES))
    if not consumer_key or len(consumer_key) > TEXT_LIMIT or not consumer_key.isprintable():
        problems["consumer_key"] = phrase(
            "This should be the client id: one line of at most {text_limit} characters.", text_limit=TEXT_LIMIT
        )
    elif consumer_key != consumer_key.strip():
        problems["consumer_key"] = "This should have no spaces around it."
    if problems or row is None:
        raise Invalid(problems)
    return row


def _prove(actor: Actor, key_manager: KeyManager, consumer_key: str, access_token: str) -> None:
    """Whoever maps a client must be able to get its tokens, or anybody could have others' sessions count as theirs.

    Administrators need not, and nobody where the key manager asks for no proof. Raises: Invalid, TooOften.
    """
    if not access_token and (
        actor.can(Capability.ADMINISTER) or not key_manager.config.get("proof", DEFAULT_CONFIG["proof"])
    ):
        return
    if not access_token:
        text = "Show an access token that this client got from the key manager, as proof that it is yours."
        raise Invalid({"access_token": text})
    if wait_s := PROOFS.begin(str(actor.person.pk)):
        raise TooOften(wait_s)
    if client_of(key_manager, access_token).consumer_key != consumer_key:
        raise Invalid({"access_token": "This token was issued to another client."})


def key_map(
    *,
    actor: Actor,
    application: Application,
    key_manager: str,
    key_type: str,
    consumer_key: str,
    access_token: str = "",
) -> MappedKey:
    """Let tokens of a client of a key manager act for an application.

    Args:
        key_manager: its name.
        consumer_key: the client id there.
        access_token: one of this client, as proof; it is not kept.

    Raises: Missing, Forbidden; Invalid; Taken; TooOften.
    """
    require_own(actor, application)
    row = _check(key_manager, key_type, consumer_key)
    _prove(actor, row, consumer_key, access_token)  # asks the key manager, so before the transaction
    with transaction.atomic():
        require_approved(hold(application))
        require_allowed(actor, application, key_type)
        mapped = MappedKey(application=application, key_manager=row, key_type=key_type, consumer_key=consumer_key)
        try:
            with transaction.atomic():
                mapped.save()
        except IntegrityError:
            raise Taken(_taken(application, row, key_type)) from None
        record(actor, "map_key", application, key_manager=row.name, key_type=key_type, consumer_key=consumer_key)
        announce("application", application.pk)
    return mapped


def _taken(application: Application, key_manager: KeyManager, key_type: str) -> dict[str, str]:
    mine = MappedKey.objects.filter(application=application, key_manager=key_manager, key_type=key_type)
    if mine.exists():
        return {
            "key_type": phrase(
                "This application has a {key_type} client of {key_manager} already; remove it first.",
                key_type=key_type,
                key_manager=key_manager,
            )
        }
    return {"consumer_key": "This client belongs to an application already."}


@transaction.atomic
def key_unmap(*, actor: Actor, mapped_key: MappedKey) -> None:
    """Tokens of this client act for the application no longer; its sessions are closed within a second (4401).

    Raises: Missing, Forbidden.
    """
    application = hold(mapped_key).application
    require_own(actor, application)
    record(
        actor, "unmap_key", application, key_manager=mapped_key.key_manager.name, consumer_key=mapped_key.consumer_key
    )
    mapped_key.delete()
    announce("application", application.pk)
