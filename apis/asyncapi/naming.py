"""Names for parts of a document."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

LIMIT: Final = 60


def slug(text: str) -> str:
    """A text as the key of a part: letters, digits, - and _ (AsyncAPI 3.0, "Components Object"), at most 60 of them."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:LIMIT].strip("-")


def free(name: str, taken: Container[str]) -> str:
    """The name, or where it is taken the name with a number."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
