"""How an API is found and recognised in the portals: categories and thumbnails."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from apis.models.lookups import ItemsContain, NamesAny, NamesContain, ShownContain

for lookup in (NamesAny, NamesContain, ItemsContain, ShownContain):
    models.JSONField.register_lookup(lookup)


def names_field(help_text: str) -> models.JSONField[Any, Any]:
    """A column with a JSON list, empty unless given; also for a release that does not know it yet."""
    return models.JSONField(
        default=list, blank=True, db_default=models.Value([], models.JSONField()), help_text=help_text
    )


class ApiCategory(models.Model):
    """A heading under which the developer portal shows APIs. Administrators keep them, creators choose."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=50, unique=True)
    description = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "API category"
        verbose_name_plural = "API categories"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Thumbnail(models.Model):
    """The picture of an API, as we encoded it ourselves. It lives here because all state lives in the database."""

    api = models.OneToOneField("Api", on_delete=models.CASCADE, related_name="thumbnail", primary_key=True)
    content = models.BinaryField()
    media_type = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content, hexadecimal: its ETag")
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"thumbnail of {self.api}"
