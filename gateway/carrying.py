"""A principal on its way to the process that carries its session: with a ticket, or with a renewal.

Where a key manager must be asked about a token again and again, the token goes along, sealed, for as long as the row
that holds it lives (half a minute with a ticket, two minutes with a renewal). No other row holds a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog

from apis.sealing import Unreadable, seal, unseal
from gateway.core import principals
from gateway.core.foreign_ids import TokenId
from gateway.core.snapshot import Principal
from gateway.foreign import KIND, foreign_tokens

log = structlog.get_logger("gateway")

SEALED: Final = "sealed"


def packed(principal: Principal, token: str) -> dict[str, Any]:
    """A principal as JSON, with the token that it was shown by where it must be asked about again."""
    facts = principals.as_json(principal)
    if principal.kind == KIND and TokenId.read(principal.token_id).asked:
        facts[SEALED] = seal(token)
    return facts


def unpacked(facts: Mapping[str, Any]) -> Principal:
    """What was packed. From here on this process asks about its token. It may ask the database."""
    principal = principals.from_json(facts)
    if SEALED in facts:
        try:
            token = unseal(facts[SEALED])
        except Unreadable:  # packed by a process with other keys: it lives until it expires
            log.warning("token_not_asked_about", key_manager=principal.key_manager)
        else:
            foreign_tokens.watch(principal.key_manager, token, principal.expires_at or 0.0)
    return principal
