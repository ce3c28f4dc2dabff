"""The gateway's own database threads: what is asked of the database never keeps the event loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, Final, TypeVar

from channels.db import DatabaseSyncToAsync
from django.db import OperationalError, connection, connections

from gateway import conf
from gateway.running import in_task

T = TypeVar("T")
CONNECTION_S: Final = 60


def _keep_connection() -> None:
    """Let this thread keep its connection for a while; to open one costs more than any query of ours."""
    for one in connections.all():
        if not one.settings_dict["OPTIONS"].get("pool"):
            changes = {"CONN_MAX_AGE": CONNECTION_S, "CONN_HEALTH_CHECKS": True}
            one.settings_dict = {**one.settings_dict, **changes}


class Threads:
    """A few threads, made at the first question.

    A database that is away is found out only after some seconds. Whoever has waited for a thread meanwhile is told so
    then, too, instead of finding it out once more: a handshake would wait for two such times, or for three.
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._away_at = float("-inf")  # when somebody last got no connection (monotonic)

    async def ask(self, query: Callable[..., T], *args: Any) -> T:
        """Run a database query in one of the threads.

        Raises:
            OperationalError: the database is away, or whatever the query raises.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(conf.get("DATABASE_THREADS"), "gateway-db", _keep_connection)
        await in_task()
        asked = DatabaseSyncToAsync(self._run, thread_sensitive=False, executor=self._threads)
        answer: T = await asked(monotonic(), query, args)
        return answer

    def _run(self, asked_at: float, query: Callable[..., T], args: tuple[Any, ...]) -> T:
        if asked_at < self._away_at:
            raise OperationalError("the database was found to be away while this waited for a thread")
        try:
            return query(*args)
        except OperationalError:
            if connection.connection is None:
                self._away_at = monotonic()
            raise
