"""The corridor's modules as machine code: found, checked against their source, and used in place of it.

`manage.py compile` (`wsportal.compiling`) makes them from the very source that runs without it; this module decides
at each start whether they may be used, with the standard library only and before anything else is imported. A build
carries the digest of the sources it was made of, as the name of its folder: after a change it is not found any more,
so compiled code never runs beside a source it was not made of.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "var" / "compiled"
"""Where builds lie, one folder each."""
VARIABLE: Final = "WSPORTAL_COMPILED"
"""Environment variable: "off" to run from source whatever there is, or another folder of builds."""
SUFFIX: Final[str] = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
RECIPE: Final = "1"  # part of the digest; another number where builds are made another way

MODULES: Final[tuple[str, ...]] = (
    *(f"gateway.core.{name}" for name in ("flow", "frames", "wire")),
    *(
        f"gateway.relay.{name}"
        for name in ("legs", "link", "owner", "poller", "sockets", "tls", "tls_leg", "transports")
    ),
)  # fmt: skip
"""What is compiled: what runs per frame. What runs per handshake is mostly called by modules that cannot be, and a call
from one kind of code into the other costs more than is gained: compiled, too, it made handshakes 2 to 8 % dearer."""


@dataclass(frozen=True, slots=True)
class State:
    """What this process runs on.

    Attributes:
        compiled: machine code is used.
        stale: there is a build, but of other sources: a sentence to tell; "" if not.
    """

    compiled: bool = False
    stale: str = ""


_state = State()


def state() -> State:
    """What `activate` found."""
    return _state


def sources(root: Path = ROOT) -> list[Path]:
    """Every file that a build depends on: the compiled modules, and all that they may take constants from."""
    return sorted([*root.glob("gateway/core/*.py"), *root.glob("gateway/relay/*.py")])


def digest(root: Path = ROOT) -> str:
    """A name for these sources, this list of modules and this Python."""
    found = hashlib.sha256("\0".join((RECIPE, SUFFIX, *MODULES)).encode())
    for path in sources(root):
        content = path.read_bytes()
        found.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:32]


def chosen_folder() -> Path | None:
    """Where builds are looked for in this process; None where they are switched off."""
    word = os.environ.get(VARIABLE, "")
    if word.lower() == "off":
        return None
    return Path(word).absolute() if word else FOLDER


def activate(folder: Path | None = None) -> State:
    """Use the build of exactly these sources, if there is one. Call it before `gateway` is imported.

    Args:
        folder: of builds; by default the one that the environment names.
    """
    global _state  # noqa: PLW0603 - one process, one answer
    folder = folder or chosen_folder()
    _state = State()
    if folder is None or not folder.is_dir():
        return _state
    build = folder / digest()
    files = {name: build / (name.replace(".", "/") + SUFFIX) for name in MODULES}
    if not all(path.is_file() for path in files.values()):
        if any(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir()):
            _state = State(stale="The compiled corridor is of other sources and is not used: python3 manage.py compile")
        return _state
    if any(name in sys.modules for name in MODULES):
        raise RuntimeError("the corridor was imported before its compiled form could be chosen")
    # mypyc keeps the code of all modules in one library beside them; each module's own file only names it
    files |= {path.name.removesuffix(SUFFIX): path for path in build.glob(f"*__mypyc{SUFFIX}")}
    sys.meta_path.insert(0, _Finder(files))
    _state = State(compiled=True)
    return _state


class _Finder:
    """Finds the compiled modules, and nothing else."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """See importlib.abc.MetaPathFinder."""
        file = self._files.get(name)
        if file is None:
            return None
        loader = importlib.machinery.ExtensionFileLoader(name, str(file))
        return importlib.util.spec_from_file_location(name, file, loader=loader)
