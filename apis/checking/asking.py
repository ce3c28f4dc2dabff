"""Questions that only the data plane can answer: it registers who answers them when it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apis.checking.found import Found
from apis.models import Api

askers: list[Callable[[Api], Iterable[Found]]] = []
"""Each finds something about an API, from rows alone: a page waits for it."""

counters: list[Callable[[Api], int]] = []
"""Each counts clients that are connected to an API now."""


def clients_of(api: Api) -> int | None:
    """How many clients are connected now, or None where nobody can tell."""
    return sum(count(api) for count in counters) if counters else None
