"""`python3 manage.py screenshots`: a picture of every page, of a throw-away portal full of believable things."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand

from wsportal import env


class Command(BaseCommand):
    """Hands its arguments on as they are: what takes the pictures belongs to the tests, and not to the product."""

    help = "Take a picture of every page: screenshots [--out DIR] [--lang de] [--dark] [--width N] [AREA ...]"
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        command = [sys.executable, "-m", "tests.showroom", *argv[2:]]
        sys.exit(subprocess.run(command, cwd=env.ROOT, check=False).returncode)  # noqa: S603 - our own module

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("arguments", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        self.run_from_argv(["manage.py", "screenshots", *options["arguments"]])
