"""Questions that only the data plane can answer: it registers who answers them when it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apis.checking.found import Found
from apis.models import Api

askers: list[Callable[[Api], Iterable[Found]]] = []
"""Each finds something about an API, from rows alone: a page waits for it."""

lookers: list[Callable[[Api], Iterable[Found]]] = []
"""Each looks for itself whether something is so just now, and takes seconds: only who asks for it waits for it."""

counters: list[Callable[[Api], int]] = []
"""Each counts clients that are connected to an API now."""


def asked(api: Api) -> list[Found]:
    """What the askers find."""
    return [one for ask in askers for one in ask(api)]


def looked(api: Api, told: Iterable[Found]) -> list[Found]:
    """What the lookers find, each thing once, without what rows have `told` (`asked`) of the same place already."""
    known = {_place(one) for one in told}
    return [one for one in dict.fromkeys(one for look in lookers for one in look(api)) if _place(one) not in known]


def _place(one: Found) -> tuple[str, str]:
    return one.code, dict(one.names).get("url", "")


def clients_of(api: Api) -> int | None:
    """How many clients are connected now, or None where nobody can tell."""
    return sum(count(api) for count in counters) if counters else None
