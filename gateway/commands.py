"""Commands to live sessions, whichever process carries them: close these, renew the token of that one.

A command is a row that a Change announces; every process reads it at its next tick, which is woken at once in the
process that wrote it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Container, Iterable
from typing import Any, Final

from gateway import carrying
from gateway.core import principals
from gateway.core.selection import Selection
from gateway.core.session import Session
from gateway.models import SessionCommand
from gateway.registry import Registry

ROUND: Final = 200  # sessions that are closed before anybody else gets a turn


def give(kind: str, body: dict[str, Any]) -> str:
    """Write a command down.

    Returns: the subject of the Change that announces it: its key, and something that tells it from another command
    which had the same key in a table that began anew.
    """
    return f"{SessionCommand.objects.create(kind=kind, body=body).pk}.{secrets.token_hex(8)}"


def load(subjects: Iterable[str], mine: Container[str] = ()) -> list[tuple[str, dict[str, Any]]]:
    """(kind, body) of these commands, in the order they were given. One query.

    Args:
        mine: sessions of this process; it asks about their fresh tokens from now on.
    """
    keys = [subject.partition(".")[0] for subject in subjects]
    rows = list(SessionCommand.objects.filter(pk__in=keys).order_by("pk").values_list("kind", "body"))
    for kind, body in rows:
        if kind == "renew" and body["session"] in mine:
            carrying.unpacked(body["principal"])
    return rows


async def obey(registry: Registry, commands: Iterable[tuple[str, dict[str, Any]]]) -> list[Session]:
    """Do what is commanded to the sessions of this process. Returns: those with another token, to be judged again."""
    renewed: list[Session] = []
    for kind, body in commands:
        if kind == "close":
            which = Selection.from_json(body["which"])
            old = [one for one in chosen(registry, which) if which.session or one.started_at <= body["before"]]
            await close(old, body["code"], body["reason"])  # who came back meanwhile is not sent away again
        elif kind == "renew":
            session = registry.sessions.get(body["session"])
            if session is not None:
                registry.renew(session, principals.from_json(body["principal"]))
                renewed.append(session)
    return renewed


def chosen(registry: Registry, which: Selection) -> list[Session]:
    """The sessions that are meant, by the narrowest way to them."""
    if which.session:
        one = registry.sessions.get(which.session)
        candidates = [one] if one is not None else []
    else:
        ways = (("api", which.api), ("application", which.application), ("person", which.person))
        narrow = next(((kind, subject) for kind, subject in ways if subject), None)
        candidates = registry.find(*narrow) if narrow else list(registry.sessions.values())
    return [session for session in candidates if which.matches(session)]


async def close(sessions: list[Session], code: int, reason: str) -> None:
    """Close them, and let others have a turn now and then."""
    for number, session in enumerate(sessions, 1):
        session.close(code, reason)
        if number % ROUND == 0:
            await asyncio.sleep(0)
