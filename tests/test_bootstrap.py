"""`python3 manage.py` on a machine that has nothing but Python, and on one where something is wrong.

A checkout here is a temporary folder with the real prelude, small lock files and a `manage.py` that says
where it woke up. `uv` is a script on PATH that makes a real environment and writes down what it was asked.
"""

from __future__ import annotations

import ast
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from wsportal import bootstrap

ROOT = bootstrap.ROOT
MANAGE = """
import sys
from wsportal import bootstrap
bootstrap.enter_environment(sys.argv)
print("awake in", sys.prefix, "with", *sys.argv[1:])
"""
UV = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
  venv) exec "$4" -m venv --without-pip "$5" ;;
  pip) . "{install}" ;;
esac
"""


@dataclass
class Checkout:
    root: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.start(*arguments).done()

    def start(self, *arguments: str) -> Start:
        command = [sys.executable, "manage.py", *arguments]
        return Start(
            subprocess.Popen(
                command, cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )

    def asked(self) -> list[str]:
        """The verbs uv was asked since the last look."""
        log = self.root / "uv.log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return [line.split()[0] for line in lines]

    def on_install(self, script: str) -> None:
        (self.root / "install.sh").write_text(script)

    def lock(self, name: str, content: str) -> None:
        (self.root / "requirements" / name).write_text(content)


@dataclass
class Start:
    process: subprocess.Popen[str]

    def done(self) -> subprocess.CompletedProcess[str]:
        out, err = self.process.communicate(timeout=60)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(self.process.args, self.process.returncode, out, err)


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    """A checkout on a machine without uv."""
    root = tmp_path / "check out"
    (root / "wsportal").mkdir(parents=True)
    shutil.copy(ROOT / "wsportal" / "bootstrap.py", root / "wsportal")
    (root / "wsportal" / "__init__.py").touch()
    (root / "manage.py").write_text(MANAGE)
    (root / "requirements").mkdir()
    checkout = Checkout(root, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1"})
    checkout.lock("base.txt", "# nothing\n")
    checkout.lock("dev.txt", "# nothing more\n")
    return checkout


@pytest.fixture
def checkout(bare: Checkout) -> Checkout:
    """A checkout on a machine with uv, in a terminal where another virtual environment is active."""
    tools = bare.root / "tools"
    tools.mkdir()
    uv = tools / "uv"
    uv.write_text(UV.format(log=bare.root / "uv.log", install=bare.root / "install.sh"))
    uv.chmod(0o755)
    bare.on_install("exit 0\n")
    bare.env |= {"PATH": f"{tools}:/usr/bin:/bin", "VIRTUAL_ENV": str(bare.root / "another")}
    return bare


def test_a_bare_clone_builds_its_environment_and_goes_on_inside(checkout: Checkout) -> None:
    result = checkout.run("up", "--host", "a b")
    assert result.returncode == 0
    assert result.stdout == f"awake in {checkout.root / '.venv'} with up --host a b\n"
    assert result.stderr.splitlines()[0] == "Building .venv from requirements/base.txt (about a minute) ..."
    assert checkout.asked() == ["venv", "pip"]


def test_the_install_is_bound_to_the_hashes_of_the_lock(checkout: Checkout) -> None:
    checkout.run("up")
    (call,) = [line for line in (checkout.root / "uv.log").read_text().splitlines() if line.startswith("pip")]
    assert "--require-hashes" in call
    assert call.endswith("requirements/base.txt")
    assert f"--python {checkout.root / '.venv/bin/python'}" in call


def test_the_second_start_installs_nothing_and_says_nothing(checkout: Checkout) -> None:
    checkout.run("up")
    checkout.asked()
    result = checkout.run("up")
    assert (result.returncode, result.stderr, checkout.asked()) == (0, "", [])


def test_a_new_lock_is_installed_into_the_environment_that_is_there(checkout: Checkout) -> None:
    checkout.run("up")
    checkout.asked()
    checkout.lock("base.txt", "# a newer one\n")
    assert "Updating .venv from requirements/base.txt" in checkout.run("up").stderr
    assert checkout.asked() == ["pip"]


def test_going_back_and_forth_between_up_and_test_installs_each_once(checkout: Checkout) -> None:
    for command in ("up", "test", "up", "test", "up"):
        checkout.run(command)
    assert checkout.asked() == ["venv", "pip", "pip"]


def test_the_development_set_serves_up_as_well(checkout: Checkout) -> None:
    checkout.run("test")
    checkout.asked()
    checkout.run("up")
    assert checkout.asked() == []


def test_started_with_the_environments_own_python_a_new_lock_is_noticed_too(checkout: Checkout) -> None:
    checkout.run("up")
    checkout.asked()
    checkout.lock("base.txt", "# a newer one\n")
    command = [checkout.root / ".venv/bin/python", "manage.py", "up"]
    result = subprocess.run(command, cwd=checkout.root, env=checkout.env, capture_output=True, text=True, check=True)
    assert "awake in" in result.stdout
    assert checkout.asked() == ["pip"]


def test_an_install_that_was_killed_is_built_anew(checkout: Checkout) -> None:
    checkout.on_install("kill -9 $PPID\n")
    assert checkout.run("up").returncode == -9
    (checkout.root / ".venv" / "half-written").touch()
    checkout.on_install("exit 0\n")
    checkout.asked()
    assert checkout.run("up").returncode == 0
    assert checkout.asked() == ["venv", "pip"]
    assert not (checkout.root / ".venv" / "half-written").exists()


def test_an_environment_whose_python_is_gone_is_built_anew(checkout: Checkout) -> None:
    checkout.run("up")
    checkout.asked()
    python = checkout.root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/usr/bin/python3.1")
    assert checkout.run("up").returncode == 0
    assert checkout.asked() == ["venv", "pip"]


def test_two_starts_at_once_install_once(checkout: Checkout) -> None:
    checkout.on_install("sleep 0.5\n")
    first, second = checkout.start("up"), checkout.start("up")
    results = [first.done(), second.done()]
    assert [result.returncode for result in results] == [0, 0]
    assert checkout.asked() == ["venv", "pip"]
    assert sum("Waiting for another start" in result.stderr for result in results) == 1


def test_a_failed_install_is_one_line_and_the_next_start_tries_again(checkout: Checkout) -> None:
    checkout.on_install("echo resolving; echo 'error: no route to host'; exit 2\n")
    result = checkout.run("up")
    assert result.returncode == 1
    assert result.stderr.splitlines()[1:] == [
        "wsportal: Installing requirements/base.txt failed: error: no route to host"
    ]
    checkout.on_install("exit 0\n")
    checkout.asked()
    assert checkout.run("up").returncode == 0
    assert checkout.asked() == ["pip"]


def test_ctrl_c_during_the_install_is_one_line(checkout: Checkout) -> None:
    checkout.on_install("kill -2 $PPID; sleep 5\n")
    heard = signal.getsignal(signal.SIGINT)
    # Whoever starts the tests in the background (`pytest &`) has them ignore Ctrl+C, and children inherit that. A
    # handler of this process, by contrast, is the default in a child.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        start = checkout.start("up")
    finally:
        signal.signal(signal.SIGINT, heard)
    result = start.done()
    assert result.returncode == 130
    assert result.stderr.splitlines()[-1] == "wsportal: interrupted; the next start begins again."


def test_a_missing_lock_is_one_line(checkout: Checkout) -> None:
    (checkout.root / "requirements" / "base.txt").unlink()
    result = checkout.run("up")
    assert result.returncode == 1
    assert "requirements/base.txt" in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_uv_pip_does_it_and_its_last_line_is_shown(bare: Checkout) -> None:
    assert bare.run("up").returncode == 0
    bare.lock("base.txt", f"no-such-thing==1.0 --hash=sha256:{'0' * 64}\n")
    result = bare.run("up")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(
        "wsportal: Installing requirements/base.txt failed: ERROR: No matching"
    )


def pretend(bare: Checkout, code: str) -> None:
    """Python runs this before anything else."""
    folder = bare.root / "pretended"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    bare.env["PYTHONPATH"] = str(folder)


def test_debian_without_python3_venv_is_told_what_to_install(bare: Checkout) -> None:
    pretend(bare, "import sys; sys.modules['ensurepip'] = None; sys._base_executable = '/usr/bin/python3'")
    result = bare.run("up")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].endswith("sudo apt-get install python3-venv")
    assert not (bare.root / ".venv").exists()


def test_an_old_python_is_told_so(bare: Checkout) -> None:
    shutil.copy(ROOT / "manage.py", bare.root)
    pretend(bare, "import sys; sys.version_info = (3, 9, 2, 'final', 0)")
    result = bare.run("up")
    assert (result.returncode, result.stderr) == (1, "wsportal needs Python 3.11 or newer; this is Python 3.9.\n")


@pytest.mark.parametrize("version", [(3, 7), (3, 8), (3, 9), (3, 10)])
def test_an_old_python_can_read_the_entry_point(version: tuple[int, int]) -> None:
    ast.parse((ROOT / "manage.py").read_text(), feature_version=version)


def test_a_folder_that_cannot_be_written_is_one_line(bare: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(bootstrap.tempfile, "TemporaryFile", refuse)
    with pytest.raises(
        bootstrap.BootstrapError, match=re.escape(f"{bare.root} cannot be written (Read-only file system)")
    ):
        bootstrap.Environment(bare.root).ensure()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("up", {"WSPORTAL_MODE": "up"}),
        ("up --port-offset 100 --host 10.0.0.7", {"PORT_OFFSET": "100", "WSPORTAL_HOST": "10.0.0.7"}),
        ("up --port-offset=-7", {"PORT_OFFSET": "-7"}),
        ("serve gateway --port-offset 1 --workers 1", {"WSPORTAL_MODE": "serve", "PORT_OFFSET": "1"}),
        ("test --host x tests/core", {"WSPORTAL_MODE": "test", "WSPORTAL_HOST": None}),
        ("migrate --port-offset 1", {"WSPORTAL_MODE": "manage", "PORT_OFFSET": None}),
        ("", {"WSPORTAL_MODE": "manage", "DJANGO_SETTINGS_MODULE": "wsportal.settings"}),
    ],
)
def test_what_the_command_line_decides_reaches_the_settings(
    monkeypatch: pytest.MonkeyPatch, line: str, expected: dict[str, str | None]
) -> None:
    for name in ("WSPORTAL_MODE", "PORT_OFFSET", "WSPORTAL_HOST", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    bootstrap.pass_on_options(["manage.py", *line.split()])
    assert {name: os.environ.get(name) for name in expected} == expected


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==([^\s;]+)", text, re.MULTILINE))


def test_the_development_lock_holds_every_pin_of_the_other_one() -> None:
    base = pins("base.txt")
    assert len(base) > 20
    assert base.items() <= pins("dev.txt").items()


def test_no_lock_names_a_registry() -> None:
    for name in ("base.txt", "dev.txt"):
        assert "://" not in (ROOT / "requirements" / name).read_text()
