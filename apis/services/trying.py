"""An endpoint that somebody wants to try before saving it, or as it is stored: checked, with its secrets readable.

The gateway does the trying; what leaves this module must not be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from apis import sealing, shapes
from apis.errors import Invalid, Missing, TooOften
from apis.models import Api, Endpoint
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import sealed
from apis.services.attempts import Attempts
from apis.services.configuring import endpoint_checked
from apis.shapes_endpoint import complete, with_secrets
from apis.shapes_upstream_security import TOKEN
from apis.words import phrase

SUBPROTOCOLS_LIMIT: Final = 10
TRIALS: Final = Attempts("endpoint-test", limit=12)
LOOKS: Final = Attempts("endpoint-look", limit=60)


def endpoint_to_try(*, actor: Actor, api: Api, key_type: str, config: Any = None) -> dict[str, Any]:
    """The complete, valid config of an endpoint, its secrets as plain text. It counts as one try of this person.

    Args:
        config: as for `endpoint_configure`; None for what is stored. Stored secrets fill the gaps, but only where no
            address is new: who wants to show one somewhere else must know it, or save the endpoint, which is recorded.

    Raises: Forbidden, Missing, Invalid, TooOften.
    """
    actor.require(Capability.DESIGN_APIS)
    row = api.endpoints.filter(key_type=key_type).first() if key_type in shapes.KEY_TYPES else None
    if row is None and (config is None or key_type not in shapes.KEY_TYPES):
        raise Missing(phrase("This API has no {key_type} endpoint.", key_type=key_type))
    full = _unsaved(config, row) if row is None or config is not None else _stored(row.config)
    if wait_s := TRIALS.begin(str(actor.person.pk)):
        raise TooOften(wait_s, phrase("At most {limit} tests a minute", limit=TRIALS.limit))
    return full


def count_look(actor: Actor) -> None:
    """Count one look of this person at whether upstreams can be reached. Raises: TooOften."""
    if wait_s := LOOKS.begin(str(actor.person.pk)):
        raise TooOften(wait_s, phrase("At most {limit} tests a minute", limit=LOOKS.limit))


def _unsaved(config: Any, row: Endpoint | None) -> dict[str, Any]:
    full = endpoint_checked(config, row)
    if row is not None and not _addresses(full) <= _addresses(complete(row.config)):
        kept = sealed.kept_paths(config, row.config)
        if kept:
            told = "To try what is stored at another address, give it again; or save first."
            raise Invalid(dict.fromkeys(kept, told))
    return full


def subprotocols(text: str) -> list[str]:
    """The subprotocols to offer in a test, out of text with commas or spaces between them.

    Raises: Invalid, naming `subprotocols`.
    """
    found = text.replace(",", " ").split()
    if len(found) > SUBPROTOCOLS_LIMIT or len(set(found)) < len(found) or not all(map(TOKEN.fullmatch, found)):
        told = phrase(
            "This should be at most {most} different names: letters, digits, hyphens and dots.", most=SUBPROTOCOLS_LIMIT
        )
        raise Invalid({"subprotocols": told})
    return found


def _stored(config: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return with_secrets(config, sealing.unseal)
    except sealing.Unreadable:
        raise Invalid({"security": sealed.UNREADABLE}) from None


def _addresses(config: Mapping[str, Any]) -> set[str]:
    """Every scheme, host and port that a handshake with this config may show a secret to."""
    urls = [item["url"] for item in config["urls"]] + [*config["dynamic"]["targets"].values()]
    urls += [config["proxy"]["url"], config["security"].get("token_url", "")]
    parts = [urlsplit(url) for url in urls if url]
    return {f"{one.scheme}://{one.netloc.lower()}" for one in parts}
