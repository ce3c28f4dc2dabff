"""What somebody has typed into a long form and not sent yet."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class FormDraft(models.Model):
    """One form of one person, as it was when they stopped typing. `apis.services.drafts` says which fields are kept."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="form_drafts")
    form = models.CharField(max_length=100, help_text="which form it is: a word, or a word, a colon and an id")
    fields = models.JSONField(help_text="name: text, or a list of texts; never a secret")
    updated_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("person", "form"), name="one_draft_per_form_and_person")]

    def __str__(self) -> str:
        return f"{self.form} of {self.person}"
