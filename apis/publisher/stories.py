"""History entries in words: what was done, and what was before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apis.lifecycle import ACTION_LABELS, CHECK_ITEM_LABELS, LABELS, Action, State
from apis.models import HistoryEntry

TITLES: Final[dict[str, str]] = {
    "create": "Created the API",
    "update": "Changed the design",
    "endpoint": "Configured an endpoint",
    "endpoint_remove": "Removed an endpoint",
    "update_topics": "Changed the topics",
    "create_scope": "Named a scope",
    "update_scope": "Changed a scope",
    "delete_scope": "Deleted a scope",
    "create_document": "Wrote a document",
    "update_document": "Changed a document",
    "delete_document": "Deleted a document",
    "delete_comment": "Removed a comment",
    "set_default_version": "Moved the default version",
    "runtime": "Set the runtime limits",
    "security": "Set how it is protected",
    "create_test_key": "Made a test key",
    "create_version": "Created this version",
    "create_revision": "Made a revision",
    "deploy": "Deployed a revision",
    "undeploy": "Undeployed a revision",
    "restore": "Restored a revision",
    "delete_revision": "Deleted a revision",
    "inherit_subscriptions": "Took over subscriptions",
    "subscribe": "Subscribed",
    "change_plan": "Changed a subscription's plan",
    "unsubscribe": "Unsubscribed",
    "block": "Blocked a subscription",
    "unblock": "Unblocked a subscription",
    "close_session": "Closed a session",
    "close_sessions": "Closed sessions",
    "inspect_session": "Looked at the frames of a session",
    "create_deny_policy": "Made a deny policy",
    "update_deny_policy": "Changed a deny policy",
    "delete_deny_policy": "Deleted a deny policy",
    "seed": "Set up as the demo",
}
# What every entry holds besides its facts, or what its title says already.
_NOT_FACTS: Final = {"before", "after", "number"}


@dataclass(frozen=True, slots=True)
class Story:
    """One history entry for a page.

    Attributes:
        subject: what it was done to, where that is not the API itself.
        changes: (what, before, after) for everything that differs; "" where there was nothing.
        facts: (what, value) of anything else that was written down.
    """

    title: str
    who: str
    at: datetime
    subject: str
    changes: list[tuple[str, str, str]]
    facts: list[tuple[str, str]]


def story(entry: HistoryEntry) -> Story:
    """An entry in words; an action without words here is shown by its name."""
    detail: dict[str, Any] = entry.detail
    moved = "checklist" in detail and entry.action in set(Action)  # only transitions keep check items
    title = TITLES.get(entry.action) or entry.action.replace("_", " ").capitalize()
    before, after = detail.get("before"), detail.get("after")
    if moved:
        title = ACTION_LABELS[Action(entry.action)]
        before, after = _label(before), _label(after)
        detail = {**detail, "checklist": [CHECK_ITEM_LABELS.get(item, item) for item in detail["checklist"]]}
    facts = [(_words(name), _text(value)) for name, value in detail.items() if name not in _NOT_FACTS and value]
    api = str(entry.api) if entry.api else ""
    subject = entry.subject if entry.subject != api else ""
    return Story(title, entry.actor_name, entry.at, subject, _differences(before, after), facts)


def _label(state: Any) -> str:
    return LABELS[State(state)] if state in set(State) else str(state)


def _differences(before: Any, after: Any) -> list[tuple[str, str, str]]:
    old, new = _flat(before), _flat(after)
    names = dict.fromkeys([*old, *new])
    return [
        (_words(name), old.get(name, ""), new.get(name, "")) for name in names if old.get(name, "") != new.get(name, "")
    ]


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """Nested facts as path -> text: {"timeouts": {"idle_s": 0}} becomes {"timeouts/idle_s": "0"}."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = list(enumerate(value, start=1))
    else:
        return {} if value is None else {path: _text(value)}
    flat: dict[str, str] = {}
    for name, inner in items:
        flat |= _flat(inner, f"{path}/{name}" if path else str(name))
    return flat


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _words(path: str) -> str:
    return path.replace("_", " ").replace("/", " · ")
