"""What people write about an API: documents, comments and ratings."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from apis.models.api import Api


class ApiDocument(models.Model):
    """A document of an API: Markdown, a link, or a file whose bytes are in `DocumentFile`."""

    class Type(models.TextChoices):
        """What it is for (section 9 of the reference)."""

        HOWTO = "howto", "How-to"
        SAMPLES = "samples", "Samples and SDKs"
        PUBLIC_FORUM = "public_forum", "Public forum"
        SUPPORT_FORUM = "support_forum", "Support forum"
        OTHER = "other", "Other"

    class Source(models.TextChoices):
        """Where its content is."""

        INLINE = "inline", "Text"
        URL = "url", "Link"
        FILE = "file", "File"

    class Visibility(models.TextChoices):
        """Who finds it."""

        API = "api", "Everybody who sees the API"
        PRIVATE = "private", "Only people who see its design"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=50)
    type = models.CharField(max_length=16, choices=Type.choices, default=Type.HOWTO)
    other_type = models.CharField(max_length=50, blank=True, default="", help_text="what it is, where type is other")
    summary = models.CharField(max_length=500, blank=True, default="")
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.API)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.INLINE)
    content = models.TextField(blank=True, default="", help_text="Markdown, where the source is inline")
    url = models.CharField(max_length=2000, blank=True, default="", help_text="where the source is url")
    file_name = models.CharField(max_length=120, blank=True, default="", help_text="where the source is file")
    media_type = models.CharField(max_length=100, blank=True, default="", help_text="of the file, by its content")
    size_bytes = models.PositiveIntegerField(default=0, help_text="of the file")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "document"
        constraints = [models.UniqueConstraint(fields=("api", "name"), name="one_document_per_name")]
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def type_label(self) -> str:
        """What people read as its type."""
        return self.other_type or ApiDocument.Type(self.type).label

    @property
    def is_image(self) -> bool:
        return self.media_type.startswith("image/")


class DocumentFile(models.Model):
    """The bytes of a document that is a file; a table of its own, so that no list reads them."""

    document = models.OneToOneField(ApiDocument, primary_key=True, on_delete=models.CASCADE, related_name="file")
    octets = models.BinaryField()

    def __str__(self) -> str:
        return f"file of {self.document_id}"


class Comment(models.Model):
    """What somebody says about an API, or the answer to it (one level deep)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="comments")
    reply_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="replies")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="comments")
    author_name = models.CharField(max_length=150, help_text="outlives the person")
    content = models.TextField()
    is_removed = models.BooleanField(default=False, help_text="gone, and only kept because of its replies")
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=("api", "-created_at"))]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.content[:60]}"


class Rating(models.Model):
    """How one person likes an API."""

    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="ratings")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    rating = models.PositiveSmallIntegerField()
    rated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("api", "person"), name="one_rating_per_person"),
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=5), name="one_to_five_stars"),
        ]

    def __str__(self) -> str:
        return f"{self.rating} of 5 for {self.api}"
