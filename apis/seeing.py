"""Two people at one page: the edition that a form was made with, and what its sender is told was changed meanwhile.

For the publisher portal and the administration alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest

from apis.errors import ServiceError, Stale

SEEN_LIMIT: Final = 18  # digits; ids of history entries are 64-bit integers


def seen_in(request: HttpRequest) -> int | None:
    """The edition that a form was made with, as its hidden field `seen` says; None where that says nothing."""
    return seen_of(request.POST)


def seen_of(data: Mapping[str, Any]) -> int | None:
    """The same of what a form sent."""
    text = str(data.get("seen") or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= SEEN_LIMIT else None


def edition(request: HttpRequest, newest: int) -> int:
    """The edition for the form that is shown: of a form that comes back, the one that it was made with."""
    seen = seen_in(request) if request.method == "POST" else None
    return newest if seen is None else seen


def in_section(stale: Stale, section: str) -> dict[str, Any]:
    """What to show in the form of a section: theirs and mine put together, mine where both changed the same."""
    return (stale.merged or {}).get(section, {})


def told(refusal: ServiceError | None) -> dict[str, Any]:
    """What the templates that show it need where somebody else was faster; else nothing."""
    return {"meanwhile": refusal.changes, "seen": refusal.seen} if isinstance(refusal, Stale) else {}
