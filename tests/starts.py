"""Starting wsportal for real, as a person at a terminal does, on ports that are free here."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

from wsportal.env import ROOT, Ports

START_S = 90  # the machine of a test run may be busy
_OURS = re.compile(
    r"^(WSPORTAL_|PORTAL_|GATEWAY_|METRICS_)|^(VAR_DIR|DATABASE_URL|REDIS_URL|PORT_OFFSET|DEBUG)$|^DJANGO_"
)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_offset() -> int:
    """An offset at which none of the ports of CONTRACT section 2 is in use."""
    for _ in range(200):
        offset = random.randrange(20_000, 22_500)  # below what the kernel hands out to clients
        if all(is_free(port) for port in astuple(Ports.shifted(offset))):
            return offset
    raise RuntimeError("no free ports found")


class Start:
    """One `manage.py` process; what it says is read as it comes.

    Args:
        arguments: of manage.py.
        variables: its environment variables, instead of those of the test run that mean something to wsportal.
    """

    def __init__(self, *arguments: str, **variables: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not _OURS.search(name)}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**kept, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def until(self, said: str, timeout: float = START_S) -> None:
        """Wait until it has said a line that contains `said`."""
        deadline = time.monotonic() + timeout
        with self._news:
            while not any(said in line for line in self.lines):
                remaining = deadline - time.monotonic()
                assert remaining > 0, f"never said {said!r}:\n{self.output}"
                assert self._reader.is_alive(), f"ended without saying {said!r}:\n{self.output}"
                self._news.wait(remaining)

    def ended(self, timeout: float = START_S) -> int:
        """Wait for its end. Returns: its exit code."""
        code = self.process.wait(timeout)
        self._finish()
        assert "Traceback" not in self.output, self.output
        return code

    def stop(self, number: int = signal.SIGINT, timeout: float = 10) -> int:
        """Send a signal and wait for the end. Returns: the exit code."""
        self.process.send_signal(number)
        return self.ended(timeout)

    def kill(self) -> None:
        """Leave nothing behind, whatever a test did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._finish()

    def _finish(self) -> None:
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()


def up(folder: Path, offset: int, *arguments: str) -> Start:
    """`manage.py up` with its data in `folder`."""
    return Start("up", "--port-offset", str(offset), *arguments, VAR_DIR=str(folder))


def eventually(holds: Callable[[], bool], what: str, timeout: float = 10) -> None:
    """Wait until a fact about another process holds, which nobody announces."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, f"not {what} within {timeout} s"
        time.sleep(0.05)
