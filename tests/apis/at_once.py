"""Several calls at one moment, each in a thread and with a connection of its own, and stories on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from django.db import connection

from apis.errors import ServiceError
from tests.engines import PostgreSQL

ROOT = Path(__file__).resolve().parents[2]


def at_once(*calls: Callable[[], object]) -> list[str]:
    """What came of each call: "done", the code of its refusal, or "fault"."""
    barrier, answers = threading.Barrier(len(calls)), ["fault"] * len(calls)

    def run(index: int) -> None:
        barrier.wait(30)
        try:
            calls[index]()
            answers[index] = "done"
        except ServiceError as refusal:
            answers[index] = refusal.code
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def told_on_postgresql(story: str) -> str:
    """What a program prints that runs in a shell of Django, on an empty PostgreSQL server of its own.

    Args:
        story: Python; an exception in it fails the test with its traceback.
    """
    server = PostgreSQL()
    environment = {**os.environ, "WSPORTAL_MODE": "test", "DATABASE_URL": server.url}
    try:
        for arguments in (["migrate", "--verbosity=0"], ["shell", "--verbosity=0", "-c", story]):
            done = subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), *arguments],
                env=environment, capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
    finally:
        server.stop()
    return done.stdout
