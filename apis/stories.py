"""History entries in words: what was done, by whom, by which way, and what was before and after, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Final

from apis.differences import MISSING, Difference, Path, differences
from apis.happenings import path_words, sides, value_words
from apis.lifecycle import ACTION_LABELS, CHECK_ITEM_LABELS, LABELS, Action, State
from apis.models import HistoryEntry
from apis.shapes_topics import topic_line, topic_of

# What is not about an API: the administration shows these.
_BESIDE_TITLES: Final[dict[str, str]] = {
    "prune_usage": "Let go of old usage",
    "create_api_key": "Made an API key",
    "revoke_api_key": "Revoked an API key",
    "create_application": "Created an application",
    "update_application": "Changed an application",
    "delete_application": "Deleted an application",
    "create_category": "Created an API category",
    "update_category": "Changed an API category",
    "delete_category": "Deleted an API category",
    "create_environment": "Created an environment",
    "update_environment": "Changed an environment",
    "delete_environment": "Deleted an environment",
    "create_key_manager": "Created a key manager",
    "update_key_manager": "Changed a key manager",
    "delete_key_manager": "Deleted a key manager",
    "create_person": "Created a person",
    "update_person": "Changed a person",
    "set_password": "Set a password",
    "create_plan": "Created a plan",
    "update_plan": "Changed a plan",
    "delete_plan": "Deleted a plan",
    "create_role": "Created a role",
    "update_role": "Changed a role",
    "delete_role": "Deleted a role",
    "delete": "Deleted an API",
    "generate_keys": "Generated keys",
    "update_keys": "Changed keys",
    "regenerate_secret": "Made a new secret",
    "generate_token": "Generated a token",
    "mint_token": "Made a personal token",
    "revoke_token": "Revoked a personal token",
    "revoke_access_token": "Revoked an access token",
    "map_key": "Mapped a client",
    "unmap_key": "Let a mapped client go",
    "register_client": "Registered a client",
    "update_client": "Changed a client",
    "delete_client": "Deleted a client",
    "update_approval_rules": "Changed what needs approval",
    "prerelease": "Pre-release",
}
TITLES: Final[dict[str, str]] = {
    "create": "Created the API",
    "update": "Changed the design",
    "endpoint": "Configured an endpoint",
    "endpoint_remove": "Removed an endpoint",
    "update_topics": "Changed the topics",
    "update_definition": "Changed the definition",
    "import_definition": "Imported a definition",
    "thumbnail": "Changed the thumbnail",
    "create_scope": "Named a scope",
    "update_scope": "Changed a scope",
    "delete_scope": "Deleted a scope",
    "create_document": "Wrote a document",
    "update_document": "Changed a document",
    "delete_document": "Deleted a document",
    "delete_comment": "Deleted a comment",
    "delete_rating": "Deleted a rating",
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
    "ask_subscription": "Asked for a subscription",
    "ask_plan_change": "Asked for another plan",
    "ask_transition": "Asked for a step of the lifecycle",
    "ask_application": "Asked for an application",
    "ask_keys": "Asked for keys",
    "ask_deployment": "Asked to deploy a revision",
    "approve_request": "Approved a request",
    "reject_request": "Rejected a request",
    "withdraw_request": "Took a request back",
    "block": "Blocked a subscription",
    "unblock": "Unblocked a subscription",
    "close_session": "Closed a session",
    "close_sessions": "Closed sessions",
    "inspect_session": "Looked at the frames of a session",
    "create_deny_policy": "Made a deny policy",
    "update_deny_policy": "Changed a deny policy",
    "delete_deny_policy": "Deleted a deny policy",
    "seed": "Set up as the demo",
    **_BESIDE_TITLES,
}
# What every entry holds besides its facts, or what its title says already.
_NOT_FACTS: Final = frozenset({"before", "after", "number", "secrets_changed", "key_type", "name", "restored", "roles"})
# How many steps of a path the title and the subject say already.
_SAID: Final = {
    "endpoint": 2, "endpoint_remove": 2, "update_topics": 1,
    "create_scope": 2, "update_scope": 2, "delete_scope": 2,
    "create_document": 2, "update_document": 2, "delete_document": 2,
}  # fmt: skip
LONG: Final = 160  # characters; a longer text is compared line by line
_AROUND: Final = 2  # lines that did not change, shown around those that did
LINES_LIMIT: Final = 400  # lines of one text; what is longer is shown as before and after only


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text that was changed: `kind` is "same", "removed", "added" or "gap"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that an entry changed, in words.

    Attributes:
        label: which, "" where the title says it.
        before, after: "" for nothing.
        lines: a long text compared line by line; none for short values.
    """

    label: str
    before: str
    after: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One history entry for a page or an answer.

    Attributes:
        via: by which way, "" where that is not known.
        subject: what it was done to, where that is not the API itself.
        facts: (what, value) of anything else that was written down.
        restored: the entry that was undone by this, or None.
    """

    pk: int
    action: str
    title: str
    who: str
    via: str
    at: datetime
    subject: str
    changes: list[Told]
    facts: list[tuple[str, str]]
    restored: int | None


def title_of(entry: HistoryEntry) -> str:
    """What was done, in words; an action without words here is shown by its name."""
    if "checklist" in entry.detail and entry.action in set(Action):  # only transitions keep check items
        return ACTION_LABELS[Action(entry.action)]
    return action_words(entry.action)


def action_words(action: str) -> str:
    """The word of an action for people."""
    return TITLES.get(action) or action.replace("_", " ").capitalize()


def story(entry: HistoryEntry) -> Story:
    """An entry in words."""
    detail: dict[str, Any] = entry.detail
    checked = [CHECK_ITEM_LABELS.get(item, item) for item in detail.get("checklist", ())]
    facts = [(path_words((name,)), value_words(value)) for name, value in {**detail, "checklist": checked}.items()
             if name not in _NOT_FACTS and value]  # fmt: skip
    api = str(entry.api) if entry.api else ""
    return Story(
        pk=entry.pk,
        action=entry.action,
        title=title_of(entry),
        who=entry.actor_name,
        via=entry.via,
        at=entry.at,
        subject=entry.subject if entry.subject != api else "",
        changes=changes_of(entry),
        facts=facts,
        restored=detail.get("restored"),
    )


def changes_of(entry: HistoryEntry) -> list[Told]:
    """What an entry changed, field by field. Secrets are only said to be others now."""
    before, after = sides(entry.action, entry.detail)
    every = (told for one in differences(before, after) for told in _told(entry.action, one))
    found = [told for told in every if told.before != told.after]  # nothing and an empty list read the same
    if entry.action == "update_key_manager" and entry.detail.get("secrets_changed"):
        found.append(Told("client secret", "another one", "a new one"))
    return found


def told_of(one: Difference) -> list[Told]:
    """A difference in words, whatever action it is about."""
    return list(_told("", one))


def _told(action: str, one: Difference) -> Iterator[Told]:
    old, new = _members(one.path, one.before), _members(one.path, one.after)
    if old is not None and new is not None and (old or new):
        for inner in differences(old, new, one.path):
            yield from _told(action, inner)
    else:
        yield _plain(action, one)


def _members(path: Path, value: Any) -> dict[str, Any] | None:
    """What a value is made of, to be told one by one: something that was made or is gone, or a list of things that have
    names (properties), by those names. None for a value, and for a topic, which is told in a line."""
    if value is MISSING or value is None or value == []:
        return {}
    if isinstance(value, dict):
        return None if path[0] == "topics" else value
    if not isinstance(value, list) or not all(isinstance(item, dict) and "name" in item for item in value):
        return None
    return {item["name"]: {key: inner for key, inner in item.items() if key != "name"} for item in value}


def _plain(action: str, one: Difference) -> Told:
    before, after = (_words(one.path, value) for value in (one.before, one.after))
    label = path_words(_unsaid(action, one.path))
    if max(len(before), len(after)) > LONG or "\n" in before + after:
        return Told(label, before, after, tuple(line_diff(before, after)))
    return Told(label, before, after)


def _unsaid(action: str, path: Path) -> Path:
    said = _SAID.get(action, 1 if path[0] in {action, "state"} else 0)
    return path[said:] or (() if said else path)


def _words(path: Path, value: Any) -> str:
    if path == ("state",) and value in set(State):
        return LABELS[State(value)]
    if path[0] == "topics" and len(path) == 2 and isinstance(value, dict):
        return topic_line(topic_of({**value, "name": path[1]}))
    return value_words(value)


def line_diff(before: str, after: str) -> Iterator[Line]:
    """Two texts line by line: what went, what came, and a little around it."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > LINES_LIMIT:
        return
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_AROUND):
        if group[0][1] or group[0][3]:
            yield Line("gap", "")
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                yield from (Line("same", text) for text in old[start:end])
            else:
                yield from (Line("removed", text) for text in old[start:end])
                yield from (Line("added", text) for text in new[new_start:new_end])
