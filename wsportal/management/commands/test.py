"""`python3 manage.py test`: every check and test of the project; with arguments, pytest with those."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand

from wsportal import env

ROOMS: Final = ("apis", "gateway", "wsportal", "manage.py")
FEW: Final = 3
"""So many failures may have come from the company of the other tests; more of them have a cause of their own."""
_TOOLS: Final = Path(sys.executable).parent


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


@dataclass(frozen=True, slots=True)
class Step:
    """One check: a heading and the command that decides it by its exit code."""

    heading: str
    command: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)

    def passes(self) -> bool:
        """Run it, its output going where ours goes."""
        sys.stdout.write(f"\n== {self.heading} ==\n")
        sys.stdout.flush()
        variables = env.for_children(**self.variables)
        return subprocess.run(self.command, cwd=env.ROOT, env=variables, check=False).returncode == 0  # noqa: S603


def _production() -> dict[str, str]:
    """Variables of a production start, with nothing secret in them."""
    return {"WSPORTAL_MODE": "serve", "DJANGO_SECRET_KEY": secrets.token_urlsafe(50), "VAR_DIR": str(env.VAR_DIR)}


def checks() -> list[Step]:
    """What is looked at before the tests run."""
    return [
        Step("Style: ruff check", _python("-m", "ruff", "check", ".")),
        Step("Layout: ruff format", _python("-m", "ruff", "format", "--check", ".")),
        Step("Types: mypy", _python("-m", "mypy", *ROOMS)),
        Step("Rooms and their imports: import-linter", (str(_TOOLS / "lint-imports"), "--no-cache", "--no-logo")),
        Step("Templates: djlint", (str(_TOOLS / "djlint"), "templates", "--lint", "--quiet")),
        Step(
            "Settings: check --deploy",
            _python("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
            _production(),
        ),
        Step("Migrations: makemigrations --check", _python("manage.py", "makemigrations", "--check", "--dry-run")),
    ]


def pytest_step(arguments: Sequence[str]) -> Step:
    """The tests: all of them on two workers, or what the arguments say."""
    chosen = tuple(arguments) or ("-n", "2", "--dist", "loadfile")
    return Step("Tests: pytest", _python("-m", "pytest", *chosen))


def failed_tests() -> list[str]:
    """The tests that failed in pytest's last run, by its own notes."""
    notes = env.ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
    return sorted(json.loads(notes.read_text(encoding="utf-8"))) if notes.exists() else []


def again_step() -> Step:
    """Those tests once more, one by one."""
    return Step("The tests that failed, alone", _python("-m", "pytest", "--last-failed", "-n", "0"))


def pass_alone() -> bool:
    """Run again, one by one, the few tests that failed beside all the others; name those that depend on company.

    Returns: whether they passed. A test that passes only alone is a bug that is told, not one that hides the rest.
    """
    failed = failed_tests()
    if not 0 < len(failed) <= FEW:
        return False
    if not again_step().passes():
        return False
    sys.stdout.write("\nPassed alone, but failed beside the others; please mend:\n")
    sys.stdout.writelines(f"  {name}\n" for name in failed)
    return True


def run(arguments: Sequence[str]) -> int:
    """Run everything, or only pytest where `arguments` are given.

    Returns: the exit code, 0 only when every step passed. The summary of pytest comes last.
    """
    tests = pytest_step(arguments)
    if arguments:
        return 0 if tests.passes() else 1
    failed = [step.heading for step in checks() if not step.passes()]
    if failed:
        sys.stdout.write(f"\nNot passed so far: {'; '.join(failed)}\n")
    return 0 if (tests.passes() or pass_alone()) and not failed else 1


class Command(BaseCommand):
    """Hands its arguments to pytest as they are, so Django's own option parser stays out of the way."""

    help = "Run every check and test of the project. Arguments go to pytest: test tests/gateway -k close"
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(run(argv[2:]))

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("arguments", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(run(options["arguments"]))
