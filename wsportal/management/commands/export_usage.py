"""`python3 manage.py export_usage --from 2026-11-01 --to 2026-12-01 --format csv --output usage.csv`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway import exporting
from gateway.models import UsageRecord

CHUNK = 2_000  # records in memory at once


def moment_of(text: str) -> datetime:
    """A date or a moment of the command line; UTC unless it says otherwise. Raises: ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text} is no date such as 2026-11-01 or 2026-11-01T12:00:00Z") from None


class Command(BaseCommand):
    """Write usage records to a file, however many they are."""

    help = "Export usage records that ended in a span of time, as CloudEvents (JSON batch) or CSV."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="start", required=True, type=moment_of, help="2026-11-01, UTC")
        parser.add_argument("--to", dest="end", required=True, type=moment_of, help="not included")
        parser.add_argument("--format", choices=[*exporting.WRITERS], default=exporting.CLOUDEVENTS)
        parser.add_argument("--api", type=UUID, help="id of an API")
        parser.add_argument("--application", type=UUID, help="id of an application")
        parser.add_argument("--output", type=Path, help="a file, complete or not there; standard output without it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["start"] > options["end"]:
            raise CommandError("--from should not be after --to.")
        rows = exporting.between(UsageRecord.objects.all(), options["start"], options["end"])
        if options["api"]:
            rows = rows.filter(api_id=options["api"])
        if options["application"]:
            rows = rows.filter(application_id=options["application"])
        pieces = exporting.WRITERS[options["format"]](rows.iterator(chunk_size=CHUNK))
        if options["output"] is None:
            self._to_stdout(pieces)
        else:
            self._to_file(options["output"], pieces)

    def _to_stdout(self, pieces: Iterable[str]) -> None:
        for piece in pieces:
            self.stdout.write(piece, ending="")

    @staticmethod
    def _to_file(output: Path, pieces: Iterable[str]) -> None:
        """Beside its place first: whoever waits for the file never finds half of it."""
        part = output.with_name(output.name + ".part")
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                file.writelines(pieces)
            part.replace(output)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None
