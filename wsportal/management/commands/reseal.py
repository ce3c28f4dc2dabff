"""`python3 manage.py reseal`: stored secrets are sealed with the newest of ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apis.services import sealed


class Command(BaseCommand):
    """Put the newest key in front of ENCRYPTION_KEYS, restart, run this; then the older keys may be taken away."""

    help = "Seal every stored secret with the newest key."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError where a secret cannot be read with any key; the others are sealed anew all the same."""
        result = sealed.secrets_reseal()
        self.stdout.write(f"{result.done} secret(s) are sealed with the newest key now.")
        if result.unreadable:
            raise CommandError(f"{result.unreadable} secret(s) cannot be read with any of the keys; give them again.")
