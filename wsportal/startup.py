"""What `up` and `serve` do before the server runs: claim, check, prepare. Every failure is one sentence."""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

DEMO_START_SECONDS: Final = 20


class StartError(Exception):
    """Why wsportal does not start, as one sentence for the person at the terminal."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process: two starts on one database would count every plan twice.

    The claim is the kernel's and ends with the process, however that ends. Raises: StartError.
    """
    try:
        handle = (folder / "up.lock").open("w")
    except OSError as error:
        raise StartError(f"{folder} cannot be written ({error.strerror}).") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"Another `up` runs on {folder}; name another folder in VAR_DIR for this one.") from None
        except OSError:  # a file system without locks
            pass
        yield


def check_ports(host: str, ports: Mapping[str, int]) -> None:
    """Make sure that every port is free before anything is started.

    Args:
        host: the address to listen on.
        ports: what for -> port.
    Raises: StartError naming the ports, or what is wrong with the host.
    """
    taken = [f"{port} ({purpose})" for purpose, port in ports.items() if _is_taken(host, port)]
    if taken:
        what = f"Port {taken[0]} is" if len(taken) == 1 else f"Ports {', '.join(taken)} are"
        raise StartError(f"{what} in use on {host}. Stop what uses it, or move all ports: --port-offset 1000")


def _is_taken(host: str, port: int) -> bool:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
            probe.bind(address)
    except OSError as error:  # includes socket.gaierror
        if error.errno == errno.EADDRINUSE:
            return True
        if error.errno == errno.EACCES:
            raise StartError(f"Port {port} needs more rights than this user has.") from None
        raise StartError(f"--host {host} cannot be listened on ({error.strerror}).") from None
    return False


def pending_migrations() -> int:
    """How many migrations the database lacks. Raises: StartError when it does not answer."""
    try:
        executor = MigrationExecutor(connection)
        return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError as error:
        raise StartError(f"The database does not answer: {_first_line(error)}") from None


def migrate() -> None:
    """Bring the database up to date. Raises: StartError."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        raise StartError(f"The database cannot be prepared: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


class DemoBackend:
    """The demo backend as a process of its own, which ends when this one does, even when this one is killed.

    It holds the reading end of a pipe and stops at its end; it is in a session of its own, so that Ctrl-C reaches
    the gateway first and clients are closed properly.
    """

    def __init__(self, host: str, port: int) -> None:
        self._command = [
            sys.executable,
            "-m",
            "wsportal.demo_backend",
            "--until-eof",
            "--host",
            host,
            "--port",
            str(port),
        ]
        self._root = Path(__file__).resolve().parent.parent
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command,
            cwd=self._root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        output = cast(IO[str], process.stdout)
        ready, _, _ = select.select([output], [], [], DEMO_START_SECONDS)
        said = output.readline().strip() if ready else "it did not answer"
        if not said.startswith("demo backend on"):
            self.__exit__(None, None, None)
            raise StartError(f"The demo backend did not start: {said}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
