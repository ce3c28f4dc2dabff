"""Secrets of endpoints on their way in (kept, changed or cleared), and the same secrets under a new key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models, transaction

from apis import sealing
from apis.shapes import Problems
from apis.shapes_endpoint import complete, secrets_in, with_secrets
from apis.shapes_upstream_security import SECRETS

UNREADABLE = "What is stored cannot be read any more (was the key changed?); give it again."


def opened(given: Any, stored: Mapping[str, Any] | None) -> tuple[Any, Problems]:
    """A config as somebody sent it, with the secrets that it does not mention taken from the stored one.

    A secret that is left out or null keeps what is stored, where the type of security is the same (and for the proxy,
    where there is a user name); "" clears it. `secrets_set`, which an answer shows, is ignored.

    Args:
        given: whatever was sent; what is wrong with it, apis.shapes_endpoint.endpoint_config says.
        stored: the endpoint's config now (sealed), or None.

    Returns:
        The config with every secret as plain text, and a problem for each stored one that cannot be read any more.
    """
    if not isinstance(given, dict):
        return given, {}
    config = deepcopy({name: value for name, value in given.items() if name != "secrets_set"})
    kept, problems = _kept(config, complete(stored) if stored else None)
    for name, members in _rooms(config).items():
        for member in members:
            if config[name].get(member, "") is None:
                config[name][member] = ""
    for (name, member), text in kept.items():
        config[name][member] = text
    return config, problems


def _rooms(config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The members of a config, as somebody sent it, that are secrets: by section."""
    security = config.get("security")
    kind = security.get("type") if isinstance(security, dict) else None
    found = {"security": SECRETS.get(kind, ()) if isinstance(kind, str) else ()}
    return {**found, "proxy": ("password",) if isinstance(config.get("proxy"), dict) else ()}


def given_secrets(config: Any) -> dict[tuple[str, str], str]:
    """The secrets that a config, as somebody sent it, names itself: (section, member) -> what was sent."""
    if not isinstance(config, dict):
        return {}
    rooms = _rooms(config)
    named = ((name, member) for name, members in rooms.items() for member in members)
    return {(name, member): text for name, member in named if (text := config[name].get(member)) is not None}


def _kept(config: Mapping[str, Any], stored: Mapping[str, Any] | None) -> tuple[dict[tuple[str, str], str], Problems]:
    kept: dict[tuple[str, str], str] = {}
    problems: Problems = {}
    rooms = _rooms(config)
    for name, member in secrets_in(stored) if stored else ():
        assert stored is not None  # noqa: S101  (for the type checker)
        sealed = stored[name][member]
        if not sealed or member not in rooms[name] or config[name].get(member) is not None:
            continue
        same = config[name].get("username") if name == "proxy" else config[name]["type"] == stored[name]["type"]
        if not same:
            continue
        try:
            kept[name, member] = sealing.unseal(sealed)
        except sealing.Unreadable:
            problems[f"{name}/{member}"] = UNREADABLE
    return kept, problems


def sealed(config: Mapping[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """The config with its secrets sealed; one that did not change keeps the very text that is stored."""
    before = {(name, member): stored[name][member] for name, member in secrets_in(stored)} if stored else {}
    known = {_plain(text): text for text in before.values() if text}
    return with_secrets(config, lambda plain: known.get(plain) or sealing.seal(plain))


def _plain(text: str) -> str | None:
    try:
        return sealing.unseal(text)
    except sealing.Unreadable:
        return None


def changed(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """The paths of the secrets that differ between two sealed configs, for the history."""
    old, new = ({f"{name}/{member}": config[name][member] for name, member in secrets_in(config)} if config else {}
                for config in (before, after))  # fmt: skip
    return sorted(path for path in old.keys() | new.keys() if old.get(path, "") != new.get(path, ""))


def kept_paths(given: Any, stored: Mapping[str, Any]) -> list[str]:
    """The paths of the stored secrets that `opened` takes for those that a config does not mention."""
    if not isinstance(given, dict):
        return []
    return [f"{name}/{member}" for name, member in _kept(given, complete(stored))[0]]


@dataclass(slots=True)
class Resealed:
    """What became of the stored secrets: how many have the newest key now, and how many no key opens."""

    done: int = 0
    unreadable: int = 0


def secrets_reseal() -> Resealed:
    """Seal every stored secret with the newest key: endpoints, revisions, deployments, and whatever else keeps some.

    What can be read keeps its content; what cannot stays as it is and is counted.
    """
    result = Resealed()
    for model, field in _keeping():
        rows = model._default_manager.filter(**{f"{field.name}__icontains": sealing.PREFIX}).values_list(
            "pk", flat=True
        )
        for key in list(rows):
            with transaction.atomic():
                row = model._default_manager.select_for_update().filter(pk=key).first()
                if row is not None:
                    setattr(row, field.name, _anew(getattr(row, field.name), result))
                    row.save(update_fields=[field.name])
    return result


def _keeping() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    for label in ("apis", "gateway"):
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.fields:
                if isinstance(field, models.JSONField | models.TextField):
                    yield model, field


def _anew(value: Any, result: Resealed) -> Any:
    if isinstance(value, dict):
        return {name: _anew(inner, result) for name, inner in value.items()}
    if isinstance(value, list):
        return [_anew(inner, result) for inner in value]
    if not sealing.is_sealed(value):
        return value
    try:
        fresh = sealing.reseal(value)
    except sealing.Unreadable:
        result.unreadable += 1
        return value
    result.done += 1
    return fresh
