"""Builds the project's own environment, `.venv`, from the hashed lock files, with the standard library only.

`manage.py` calls `enter_environment` before anything else. What it promises:

* The environment matches the lock: a stamp in `.venv` holds the digest of what was installed.
* An install that was cut off is noticed and built anew; two starts at once take turns.
* Whatever goes wrong is one sentence on stderr and exit code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
OWN_COMMANDS: Final = ("up", "serve", "test")


class BootstrapError(Exception):
    """Why there is no environment, as one sentence for the person at the terminal."""


def enter_environment(argv: Sequence[str]) -> None:
    """Return inside the project's environment: build or mend it if need be, then start `argv` again in it.

    Args:
        argv: the command line, `manage.py` first. The commands `test` and `screenshots` get the development set.
    """
    environment = Environment(ROOT, development=argv[1:2] in (["test"], ["screenshots"]))
    try:
        if os.name == "nt":
            raise BootstrapError("wsportal runs on Linux and macOS; on Windows use WSL.")
        if environment.ensure() or not environment.is_active():
            sys.stdout.flush()
            os.execv(environment.python, [str(environment.python), *argv])  # noqa: S606 - no shell is wanted
    except BootstrapError as error:
        sys.exit(f"wsportal: {error}")
    except OSError as error:  # a missing lock file, a full disk
        sys.exit(f"wsportal: {error.filename or '.venv'}: {error.strerror}")
    except KeyboardInterrupt:
        sys.stderr.write("\nwsportal: interrupted; the next start begins again.\n")
        sys.exit(130)


def pass_on_options(argv: Sequence[str]) -> None:
    """Put what the command line decides where the settings find it: they are loaded before any command runs."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("command", nargs="?", default="")
    parser.add_argument("--host")
    parser.add_argument("--port-offset")
    options, _ = parser.parse_known_args(list(argv[1:]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "wsportal.settings"
    if options.command in OWN_COMMANDS:
        os.environ["WSPORTAL_MODE"] = options.command
    else:
        os.environ.setdefault("WSPORTAL_MODE", "manage")
    if options.command in ("up", "serve"):
        if options.host:
            os.environ["WSPORTAL_HOST"] = options.host
        if options.port_offset:
            os.environ["PORT_OFFSET"] = options.port_offset


class Environment:
    """The virtual environment of one checkout.

    Args:
        root: the checkout; holds `requirements/` and gets `.venv`.
        development: install what the tests need besides what the product needs.
    """

    def __init__(self, root: Path, *, development: bool = False) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.lock = root / "requirements" / ("dev.txt" if development else "base.txt")
        # The development lock includes the other one, pin for pin, so installing it serves both.
        self.locks = [root / "requirements" / "base.txt", self.lock] if development else [self.lock]
        self._unfinished = self.folder / "unfinished"

    def is_active(self) -> bool:
        """Whether this very process runs in it. Another active virtual environment does not count."""
        return Path(sys.prefix).resolve() == self.folder.resolve()

    def ensure(self) -> bool:
        """Make the environment match the lock.

        Returns: whether anything was installed.
        Raises: BootstrapError.
        """
        if self._is_current():
            return False
        with self._turn():
            if self._is_current():  # another start was faster
                return False
            self._check_writable()
            self._install()
        return True

    def _stamp(self, lock: Path) -> Path:
        return self.folder / f"{lock.name}.sha256"

    def _digest(self, lock: Path) -> str:
        # The interpreter is part of it: after a distribution upgrade the same link is another Python.
        return hashlib.sha256(lock.read_bytes() + str(self.python.resolve()).encode()).hexdigest()

    def _is_current(self) -> bool:
        if not self.python.exists() or self._unfinished.exists():
            return False
        stamp = self._stamp(self.lock)
        return stamp.exists() and stamp.read_text(encoding="ascii") == self._digest(self.lock)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One install at a time per checkout; the lock is the kernel's, so a killed start leaves none behind."""
        import fcntl  # noqa: PLC0415 - not on Windows, which is refused above

        with self.lock.parent.joinpath("base.txt").open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Waiting for another start that is building .venv ...")
                fcntl.flock(handle, fcntl.LOCK_EX)
            except OSError:  # a file system without locks (some network drives): go on without turns
                pass
            yield

    def _check_writable(self) -> None:
        folder = self.folder if self.folder.exists() else self.root
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise BootstrapError(
                f"{folder} cannot be written ({error.strerror}); .venv has to be built there."
            ) from None

    def _install(self) -> None:
        started = time.monotonic()
        uv = shutil.which("uv")
        name = f"requirements/{self.lock.name}"
        if self._unfinished.exists() or not self._can_install(uv):
            say(f"Building .venv from {name} (about a minute) ...")
            self._create(uv)
        else:
            say(f"Updating .venv from {name} ...")
        self._unfinished.touch()
        tool = [uv, "pip", "install", "--python", str(self.python)] if uv else [str(self.python), *PIP_INSTALL]
        try:
            run([*tool, "--quiet", "--require-hashes", "-r", str(self.lock)], f"Installing {name} failed")
        except BootstrapError:
            self._unfinished.unlink()  # it ended by itself, so every package is whole
            raise
        for lock in self.locks:
            self._stamp(lock).write_text(self._digest(lock), encoding="ascii")
        self._unfinished.unlink()
        say(f"Built .venv in {time.monotonic() - started:.0f} s.")

    def _can_install(self, uv: str | None) -> bool:
        """Whether an environment stands here that packages can be put into."""
        if not self.python.exists():
            return False
        probe = ["-c", "pass"] if uv else ["-m", "pip", "--version"]
        return subprocess.run([self.python, *probe], capture_output=True, check=False).returncode == 0

    def _create(self, uv: str | None) -> None:
        # The base one: if this very environment is being replaced, its own link to Python is about to go.
        python = getattr(sys, "_base_executable", "") or sys.executable
        if uv is None and importlib.util.find_spec("ensurepip") is None:
            name = Path(python).name
            package = f"{name}-venv" if name.startswith("python3") else "python3-venv"
            raise BootstrapError(
                "Python's venv module is incomplete here. "
                f"On Debian or Ubuntu install the missing part with: sudo apt-get install {package}"
            )
        tool = [uv, "venv", "--quiet", "--python", python] if uv else [python, "-m", "venv"]
        try:
            if self.folder.exists():
                shutil.rmtree(self.folder)
        except OSError as error:
            raise BootstrapError(f"{self.folder} is damaged and cannot be removed ({error.strerror}).") from None
        run([*tool, str(self.folder)], "Creating .venv failed")


PIP_INSTALL: Final = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input")


def run(command: Sequence[str], problem: str) -> None:
    """Run a tool quietly.

    Raises: BootstrapError with `problem` and the last line the tool said.
    """
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise BootstrapError(f"{problem}: {command[0]}: {error.strerror}") from None
    if result.returncode:
        lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
        raise BootstrapError(f"{problem}: {lines[-1] if lines else f'exit code {result.returncode}'}")


def say(line: str) -> None:
    """Progress on stderr, so that the output of a command stays its own."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
