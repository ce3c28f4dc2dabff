"""A principal as JSON and back: what is kept of it with a ticket. The credential itself is never in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from gateway.core.snapshot import Principal

_LEFT_OUT: Final = frozenset({"restrictions"})  # they were judged when the ticket was minted


def as_json(principal: Principal) -> dict[str, Any]:
    """Every field of it that JSON can say."""
    found = {one.name: getattr(principal, one.name) for one in fields(Principal) if one.name not in _LEFT_OUT}
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


def from_json(value: Mapping[str, Any]) -> Principal:
    """What `as_json` wrote; fields that are not known here any more are left out."""
    known = {one.name: one.default for one in fields(Principal) if one.name not in _LEFT_OUT}
    facts = {name: content for name, content in value.items() if name in known}
    sets = {name: frozenset(content) for name, content in facts.items() if isinstance(known[name], frozenset)}
    return Principal(**{**facts, **sets})
