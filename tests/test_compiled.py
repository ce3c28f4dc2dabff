"""The corridor as machine code: an option that behaves like its source, and is never used beside another source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsportal import compiled, compiling

RUN = """
import sys
from pathlib import Path
from wsportal import compiled
if not compiled.activate(Path(sys.argv[1])).compiled:
    sys.exit("the build was not used")
import gateway.core.frames, gateway.relay
assert gateway.core.frames.__file__.endswith(compiled.SUFFIX), gateway.core.frames.__file__
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""


def python(script: str, *arguments: object, timeout: int = 60, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WSPORTAL_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=compiled.ROOT,
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the build of these sources."""
    try:
        compiling.check_tools()
    except compiling.CompileError as error:
        pytest.skip(f"the corridor cannot be compiled here: {error}")
    folder = tmp_path_factory.mktemp("compiled")
    compiling.build(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_the_compiled_corridor_passes_the_tests_of_its_source(builds: Path) -> None:
    tests = ("tests/core", "tests/gateway/test_relay.py", "tests/gateway/test_relay_discard.py")
    result = python(RUN, builds, "-q", "-n", "0", "-p", "no:cacheprovider", *tests, timeout=600)
    assert result.returncode == 0, result.stdout[-4000:]
    assert " passed" in result.stdout


def test_a_build_of_other_sources_is_not_used_and_that_is_said_in_one_line(builds: Path, tmp_path: Path) -> None:
    shutil.copytree(builds, tmp_path / "old")
    (build,) = (tmp_path / "old").iterdir()
    build.rename(build.with_name("0" * 32))
    say = (
        "from wsportal import compiled; print(compiled.activate()); import gateway.core.frames as f; print(f.__file__)"
    )
    told = python(say, WSPORTAL_COMPILED=str(tmp_path / "old")).stdout.splitlines()
    assert "compiled=False" in told[0]
    assert "python3 manage.py compile" in told[0]
    assert told[1].endswith("frames.py")
    fresh = python(say, WSPORTAL_COMPILED=str(builds)).stdout.splitlines()
    assert "compiled=True, stale=''" in fresh[0]
    assert fresh[1].endswith(compiled.SUFFIX)
    off = python(say, WSPORTAL_COMPILED="off").stdout.splitlines()
    assert "compiled=False, stale=''" in off[0]


def test_what_a_build_is_of_changes_with_every_source_it_may_depend_on(tmp_path: Path) -> None:
    for source in compiled.sources():
        copy = tmp_path / source.relative_to(compiled.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    assert compiled.digest(tmp_path) == compiled.digest()
    seen = {compiled.digest(tmp_path)}
    for name in ("gateway/core/frames.py", "gateway/core/rejections.py", "gateway/relay/link.py"):
        with (tmp_path / name).open("a") as file:
            file.write("\n")
        seen.add(compiled.digest(tmp_path))
    (tmp_path / "gateway/core/another.py").touch()
    seen.add(compiled.digest(tmp_path))
    assert len(seen) == 5


def test_without_a_compiler_there_is_one_sentence_and_nothing_is_left_behind(tmp_path: Path) -> None:
    say = (
        "import sys; from pathlib import Path; from wsportal import compiling\n"
        "try: compiling.build(Path(sys.argv[1]))\n"
        "except compiling.CompileError as error: print(error)"
    )
    result = python(say, tmp_path / "new", CC="no-such-compiler")
    assert result.stdout.startswith("There is no C compiler (no-such-compiler) here")
    assert result.stdout.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_going_back_to_the_source_is_one_word(builds: Path, tmp_path: Path) -> None:
    shutil.copytree(builds, tmp_path / "mine")
    command = 'import sys, manage; sys.argv[0] = "manage.py"; manage.main()'
    for answer in ("Removed; the next start runs from source.", "There was nothing to remove."):
        result = python(command, "compile", "--remove", "--into", tmp_path / "mine")
        assert answer in result.stdout
    assert not (tmp_path / "mine").exists()
