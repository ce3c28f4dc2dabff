"""Database files of tests. SQLite lets one write at a time: who must not wait for others has a file of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final
from weakref import WeakSet

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_opened: Final[WeakSet[BaseDatabaseWrapper]] = WeakSet()  # by whichever thread


def _note(connection: BaseDatabaseWrapper, **_: Any) -> None:
    _opened.add(connection)


connection_created.connect(_note)


def copied(target: str) -> None:
    """Copy the database file that is in use now, with what has been committed."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


@contextmanager
def on_file(name: str) -> Iterator[None]:
    """Django reads and writes this file meanwhile, in every thread. No transaction may be open at either end."""
    kept = connection.settings_dict["NAME"]
    _close_all()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        _close_all()
        connection.settings_dict["NAME"] = kept


def _close_all() -> None:
    """Threads that only wait for work (those of asgiref) keep their connections: to the file of the last test."""
    for one in list(_opened):
        one.inc_thread_sharing()
        one.close()
        one.dec_thread_sharing()
