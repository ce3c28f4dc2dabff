"""`python3 manage.py prune_usage --before 2026-01-01`: let go of old usage records."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apis.errors import Invalid
from gateway.retention import usage_prune
from wsportal.management.commands.export_usage import moment_of


class Command(BaseCommand):
    """Delete usage records that ended before a moment."""

    help = "Delete usage records that ended before a moment (UTC); the history keeps that it was done."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", required=True, type=moment_of, help="2026-01-01 or 2026-01-01T12:00:00Z")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = usage_prune(options["before"])
        except Invalid as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{count} usage records that ended before {options['before']:%Y-%m-%d %H:%M} UTC are gone.")
