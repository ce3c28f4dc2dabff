"""What a history entry changed, as two trees: the part of an API that it is about, before and after.

The trees of all actions have one root: the fields of the design ("description", "tags" ...), "runtime", "security",
"endpoints" by key type, "topics", "scopes" and "documents" by name, "deployments" by environment, "state",
"default_version". An action that is not named here is a section of its own name, if it keeps `before` and `after`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from apis.differences import MISSING, Path, Tree, placed
from apis.lifecycle import Action

Sides = tuple[Tree, Tree]
_Reader = Callable[[Any, Any, Mapping[str, Any]], Sides]
# Parts of an endpoint that are not put together out of what two people made of them: their members belong together.
WHOLE: Final = frozenset({"security", "proxy", "dynamic", "tls"})
# What stands in the place of a secret that is another one now.
OLD_SECRET, NEW_SECRET = "another one", "a new one"


def sides(action: str, detail: Mapping[str, Any]) -> Sides:
    """What was before and after an entry, both as trees from the root; empty where it changed nothing of an API."""
    if "before" not in detail and "after" not in detail:
        return {}, {}
    before, after = detail.get("before"), detail.get("after")
    if "checklist" in detail and action in set(Action):
        return {"state": before}, {"state": after}
    read = _READERS.get(action)
    return read(before, after, detail) if read else (_under(action, before), _under(action, after))


def _under(name: str, value: Any) -> Tree:
    return {} if value is None else {name: value}


def _fields(before: Any, after: Any, detail: Mapping[str, Any]) -> Sides:
    return (dict(before) if isinstance(before, dict) else {}, dict(after) if isinstance(after, dict) else {})


def _design(before: Any, after: Any, detail: Mapping[str, Any]) -> Sides:
    """All of what a revision holds, or some of it."""
    old, new = _fields(before, after, detail)
    for side in (old, new):
        if "topics" in side:
            side["topics"] = by_name(side["topics"])
        if "endpoints" in side:
            side["endpoints"] = {key_type: unlisted(config) for key_type, config in side["endpoints"].items()}
    for path in detail.get("secrets_changed", ()):
        placed(old, ("endpoints", *path.split("/")), OLD_SECRET)
        placed(new, ("endpoints", *path.split("/")), NEW_SECRET)
    return old, new


def _endpoint(before: Any, after: Any, detail: Mapping[str, Any]) -> Sides:
    key_type = detail.get("key_type")
    if key_type is None:  # an entry of an older release
        return {}, {}
    old, new = ({"endpoints": {} if side is None else {key_type: unlisted(side)}} for side in (before, after))
    if before is not None and after is not None:
        for path in detail.get("secrets_changed", ()):
            way: Path = ("endpoints", key_type, *path.split("/"))
            placed(old, way, OLD_SECRET)
            placed(new, way, NEW_SECRET)
    return old, new


def unlisted(config: Mapping[str, Any]) -> Tree:
    """A config as it is shown, without the list of the secrets that are set."""
    return {name: dict(value) if isinstance(value, dict) else value for name, value in config.items()
            if name != "secrets_set"}  # fmt: skip


def by_name(rows: Any) -> Tree:
    """Topics as a tree by their names; what an older release wrote down as lines is no tree."""
    if not isinstance(rows, list):
        return {}
    return {row["name"]: {field: value for field, value in row.items() if field != "name"} for row in rows
            if isinstance(row, dict) and "name" in row}  # fmt: skip


def _named(section: str) -> _Reader:
    """Of things that have a name in the detail: scopes, documents."""

    def read(before: Any, after: Any, detail: Mapping[str, Any]) -> Sides:
        name = detail.get("name")
        if name is None:
            return {}, {}
        old, new = ({section: {} if side is None else {name: side}} for side in (before, after))
        return old, new

    return read


def _default(before: Any, after: Any, detail: Mapping[str, Any]) -> Sides:
    return {"default_version": before}, {"default_version": after}


def _deployed(before: Any, after: Any, detail: Mapping[str, Any]) -> Sides:
    return _under("deployments", before), _under("deployments", after)


_READERS: Final[dict[str, _Reader]] = {
    "create": _fields,
    "update": _fields,
    "update_topics": _design,
    "restore": _design,
    "update_definition": _fields,
    "endpoint": _endpoint,
    "endpoint_remove": _endpoint,
    "create_scope": _named("scopes"),
    "update_scope": _named("scopes"),
    "delete_scope": _named("scopes"),
    "create_document": _named("documents"),
    "update_document": _named("documents"),
    "delete_document": _named("documents"),
    "set_default_version": _default,
    "deploy": _deployed,
    "undeploy": _deployed,
}


def value_words(value: Any) -> str:
    """A value of a tree in words, for people; "" for nothing."""
    if value is MISSING or value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_member(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{_name(name)}: {words}" for name, inner in value.items() if (words := value_words(inner)))
    return str(value)


def _member(item: Any) -> str:
    if isinstance(item, dict) and set(item) == {"url", "weight"}:
        return str(item["url"]) if item["weight"] == 1 else f"{item['url']} (weight {item['weight']})"
    return f"({value_words(item)})" if isinstance(item, dict) else value_words(item)


def path_words(path: Path) -> str:
    """A place of a tree for people: ("runtime", "idle_s") becomes "runtime · idle s"."""
    return " · ".join(map(_name, path))


_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "bytes": "bytes"}
_NAMES: Final = {
    "urls": "URLs", "url": "URL", "url_mapping": "URL mapping", "token_url": "token URL", "api_plan": "API plan",
    "tls": "TLS", "ca": "authorities", "backend_jwt": "JWT for the backend", "email": "e-mail",
    "show_in_devportal": "shown in the developer portal", "max_sessions_per_ip": "max sessions per address",
}  # fmt: skip


def _name(name: str) -> str:
    """A member's name in words, its unit in brackets; a topic stays as it is."""
    if name.startswith("/") or name in _NAMES:
        return _NAMES.get(name, name)
    words, _, unit = name.rpartition("_")
    return f"{words.replace('_', ' ')} ({_UNITS[unit]})" if words and unit in _UNITS else name.replace("_", " ")
