"""Who did what when (HistoryEntry), and what other processes must look at again (Change)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from apis.models.api import Api


class Unalterable(Exception):
    """Somebody tried to change or delete history: a fault of ours, never of a person's input."""


class Entries(models.QuerySet["HistoryEntry"]):
    """Entries are written once and stay."""

    def update(self, **values: Any) -> int:
        raise Unalterable("History is not changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise Unalterable("History is not deleted.")


class HistoryEntry(models.Model):
    """One named action. Names are copied, so the entry outlives the people and things it speaks of.

    Nothing here changes or deletes an entry. Where a person or an API goes, the database empties the reference to it.
    """

    api = models.ForeignKey(Api, null=True, on_delete=models.SET_NULL, related_name="history")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150)
    subject = models.CharField(max_length=200, help_text="what it was done to, in words")
    action = models.CharField(max_length=50)
    detail = models.JSONField(default=dict)
    via = models.CharField(
        max_length=150, default="", db_default="", blank=True, help_text="by which way, e.g. a token's name"
    )
    about = models.CharField(
        max_length=80, default="", db_default="", blank=True, help_text="the row it was done to, where that has one"
    )
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = Entries.as_manager()

    class Meta:
        verbose_name_plural = "history"
        ordering = ("-at", "-id")
        indexes = [models.Index(fields=("about", "id"), name="history_by_row")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Unalterable("History is not changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise Unalterable("History is not deleted.")


def row_name(row: models.Model) -> str:
    """How an entry names the row it was done to, which outlives that row."""
    return f"{row._meta.model_name}:{row.pk}"


class Change(models.Model):
    """The outbox of the control plane: gateways in other processes read rows behind the last id they saw.

    Rows are written in the transaction they announce and are worthless after a minute.
    """

    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
