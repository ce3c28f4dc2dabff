"""`python3 manage.py check_upgrade`: may the previous release run on the tables of this one while processes restart?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from wsportal import upgrades


class Command(BaseCommand):
    """Reads migrations only; it needs no database."""

    help = "Refuse migrations that the previous release could not work with during a rolling upgrade."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError, with one line for each problem."""
        if problems := upgrades.unsafe_migrations():
            raise CommandError("Not for a rolling upgrade:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.stdout.write("The previous release works on the tables of this one: a rolling upgrade is safe.")
