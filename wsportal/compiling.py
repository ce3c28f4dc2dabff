"""`manage.py compile`: makes the compiled form of the corridor with mypyc, from the source that otherwise runs itself.

An option for those who want the last third of the gateway's speed. It needs a C compiler and what
`requirements/fast.txt` names (`wsportal[fast]`); neither Django nor any setting takes part.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wsportal import compiled

NEEDS: Final = "requirements/fast.txt"
MOST_S: Final = 900
"""A build takes half a minute; on a machine where it takes this long, it is given up."""

CONFIGURATION: Final = """[mypy]
follow_imports = silent
ignore_missing_imports = true
"""
# Run by itself in a copy of the sources: setuptools and mypyc leave files where they run.
SCRIPT: Final = """
import sys
from mypyc.build import mypycify
from setuptools import setup
files = sys.argv[1:]
sys.argv = ["setup.py", "-q", "build_ext", "--build-lib", "built", "--build-temp", "objects"]
modules = mypycify(["--config-file", "mypy.ini", *files], opt_level="2", debug_level="0")
setup(name="corridor", packages=[], ext_modules=modules)
"""


class CompileError(Exception):
    """Why there is no build, as one sentence for the person at the terminal."""


def check_tools() -> None:
    """Raises: CompileError, unless a C compiler, Python's own headers and mypyc are here."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if shutil.which(compiler) is None:
        raise CompileError(
            f"There is no C compiler ({compiler}) here, and none is needed to run wsportal; to compile the corridor "
            "install one. On Debian or Ubuntu: sudo apt-get install gcc"
        )
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        raise CompileError(
            f"The C headers of Python {version} are missing. On Debian or Ubuntu: "
            f"sudo apt-get install python{version}-dev"
        )
    probe = [sys.executable, "-c", "import setuptools, mypyc.build"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:  # noqa: S603 - our own interpreter
        raise CompileError(
            "mypyc is not installed here. Install it with: "
            f"{_shown(sys.executable)} -m pip install --require-hashes -r {NEEDS}"
        )


def build(folder: Path = compiled.FOLDER, root: Path = compiled.ROOT) -> tuple[Path, float]:
    """Compile the corridor, whole or not at all, and remove builds of other sources.

    Args:
        folder: of builds; made if it is missing.
        root: the checkout.
    Returns: the build's folder, and how many seconds it took.
    Raises: CompileError.
    """
    check_tools()
    started = time.monotonic()
    name = compiled.digest(root)
    target = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as made:
            work = Path(made)
            _copy(root, work)
            _compile(work)
            if compiled.digest(work) != name:
                raise CompileError("The sources were changed while they were compiled; start again.")
            if target.exists():
                shutil.rmtree(target)
            (work / "built").rename(target)
    except OSError as error:
        raise CompileError(f"{error.filename or folder}: {error.strerror}") from None
    for other in folder.iterdir():
        if other != target and not other.name.startswith("."):
            shutil.rmtree(other, ignore_errors=True)
    return target, time.monotonic() - started


def remove(folder: Path = compiled.FOLDER) -> bool:
    """Go back to the source from the next start on. Returns: whether there was anything to remove."""
    there = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    return there


def _copy(root: Path, work: Path) -> None:
    for source in [*compiled.sources(root), root / "gateway" / "__init__.py"]:
        copy = work / source.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    (work / "mypy.ini").write_text(CONFIGURATION, encoding="ascii")


def _compile(work: Path) -> None:
    files = [name.replace(".", "/") + ".py" for name in compiled.MODULES]
    try:
        result = subprocess.run(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-c", SCRIPT, *files],
            cwd=work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MOST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CompileError(f"Compiling took more than {MOST_S} s and was given up.") from None
    if result.returncode:
        lines = [line for line in result.stdout.splitlines() if "error" in line.lower()] or result.stdout.splitlines()
        raise CompileError(f"Compiling failed: {lines[0].strip() if lines else f'exit code {result.returncode}'}")


def _shown(path: str) -> str:
    """A path as a person in the checkout types it."""
    where = Path(path)
    return str(where.relative_to(compiled.ROOT)) if where.is_relative_to(compiled.ROOT) else path


def main(arguments: Sequence[str]) -> int:
    """The command. Args: what stands behind `manage.py compile`. Returns: the exit code."""
    parser = argparse.ArgumentParser(
        prog="manage.py compile",
        description="Compile the gateway's hot modules; needs a C compiler. The next start of the gateway uses them.",
    )
    parser.add_argument("--remove", action="store_true", help="remove what was compiled: run from source again")
    parser.add_argument("--into", type=Path, default=compiled.FOLDER, help="folder of builds (default: var/compiled)")
    options = parser.parse_args(arguments)
    folder = options.into.absolute()
    if options.remove:
        _say("Removed; the next start runs from source." if remove(folder) else "There was nothing to remove.")
        return 0
    _say(f"Compiling {len(compiled.MODULES)} modules (about half a minute) ...")
    try:
        _, seconds = build(folder)
    except CompileError as error:
        sys.stderr.write(f"wsportal: {error}\n")
        return 1
    _say(f"Compiled in {seconds:.0f} s; the next start of the gateway uses it.")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
