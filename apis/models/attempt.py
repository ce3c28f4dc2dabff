"""Failed tries, counted where every process sees them."""

from __future__ import annotations

from django.db import models


class Attempt(models.Model):
    """How often somebody tried one thing within one window; `apis.services.attempts` writes and forgets the rows."""

    key = models.CharField(max_length=100, primary_key=True)
    count = models.IntegerField()
    until = models.FloatField(db_index=True, help_text="epoch seconds; after that the row means nothing")

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
