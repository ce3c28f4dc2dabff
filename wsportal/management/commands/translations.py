"""`python3 manage.py translations`: the catalogues in `locale/` are brought up to date with the source and compiled."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Collects every text that a page may show, merges it into each language's .po file, and writes its .mo file."""

    help = "Collect, merge and compile translations (docs/translation.md). Needs requirements/dev.txt, not GNU gettext."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--add", metavar="CODE", default="", help="begin a new language, such as fr")
        parser.add_argument("--missing", action="store_true", help="list what is not translated yet, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError where a code is none of a language, or the development set is not installed."""
        try:
            from wsportal import catalogues  # noqa: PLC0415 - Babel is there for developers only
        except ImportError as error:
            raise CommandError(
                "This needs Babel: install requirements/dev.txt (python3 manage.py test does)."
            ) from error
        found = catalogues.collected()
        try:
            languages = catalogues.languages() | ({options["add"]} if options["add"] else set())
            for code in sorted(languages):
                merged = catalogues.merged(code, found)
                if options["missing"]:
                    for message in catalogues.missing(merged):
                        self.stdout.write(f"{code}: {message.id!r}")
                else:
                    catalogues.write(code, merged)
                    left = len(catalogues.missing(merged))
                    self.stdout.write(f"{code}: {len(merged)} texts, {left} to be translated.")
        except ValueError as error:
            raise CommandError(str(error)) from error
