"""How a definition stands in the history."""

from __future__ import annotations

import hashlib
from typing import Final

from apis.words import phrase

TOLD_LIMIT: Final = 64 * 1024  # characters


def definition_told(text: str) -> str:
    """The text itself, or of a long one how long it is and its digest: a history of copies would outgrow everything."""
    if len(text) <= TOLD_LIMIT:
        return text
    return phrase(
        "{number} characters, SHA-256 {hexdigest}",
        number=len(text),
        hexdigest=hashlib.sha256(text.encode()).hexdigest(),
    )
