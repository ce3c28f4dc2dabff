"""`python3 manage.py rotate_assertion_key`: sign with a new key; the JWKS keeps the old one for a day."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from gateway.assertions import KEPT, KEY_S, key_rotate


class Command(BaseCommand):
    """Make a new signing key the current one."""

    help = "Sign X-JWT-Assertion with a new key. The old public key stays in /.well-known/jwks.json for a day."

    def handle(self, *args: Any, **options: Any) -> None:
        key = key_rotate()
        hours = int(KEPT.total_seconds() // 3600)
        self.stdout.write(
            f"New key {key.kid}. Every gateway process signs with it within {KEY_S:g} s; "
            f"the old public key stays in /.well-known/jwks.json for {hours} h."
        )
