"""What the pages of the administration are called in, in the language of who reads them.

Django takes a column's heading from the function that fills it or from the field of the model, and a page's from the
model. All of them are English words here, as everywhere; they are said when a page is made. The models themselves stay
as they are: their names are in migrations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.contrib.admin.filters import ChoicesFieldListFilter
from django.db.models import Field
from django.utils.functional import lazy
from unfold.decorators import display

from apis.saying import said

say_later = lazy(said, str)
"""A word that is translated whenever it is shown."""

MODEL_LABELS: Final = {
    "role": ("role", "roles"),
    "apicategory": ("API category", "API categories"),
    "businessplan": ("business plan", "business plans"),
    "applicationplan": ("application plan", "application plans"),
    "apiplan": ("API plan", "API plans"),
    "customplan": ("custom plan", "custom plans"),
    "application": ("application", "applications"),
    "approval": ("approval", "approvals"),
    "approvalrules": ("what needs approval", "what needs approval"),
    "denypolicy": ("deny policy", "deny policies"),
    "historyentry": ("history entry", "history"),
    "environment": ("environment", "environments"),
    "api": ("API", "APIs"),
    "keymanager": ("key manager", "key managers"),
    "accesstoken": ("access token", "access tokens"),
    "person": ("person", "people"),
    "personaltoken": ("personal token", "personal tokens"),
    "scope": ("scope", "scopes"),
    "apidocument": ("document", "documents"),
    "comment": ("comment", "comments"),
    "rating": ("rating", "ratings"),
    "subscription": ("subscription", "subscriptions"),
    "livesession": ("live session", "live sessions"),
}
"""Name of a model -> one of them, many of them."""

FIELD_LABELS: Final = {
    "name": "Name",
    "description": "Description",
    "alias_of": "Also counts as",
    "on_spent": "When it is spent",
    "limits": "Limits",
    "billing": "Billing",
    "key": "Key",
    "enabled": "Enabled",
    "owner": "Owner",
    "plan": "Plan",
    "state": "State",
    "created_at": "Created",
    "created": "Created",
    "updated_at": "Changed",
    "asked_at": "Asked",
    "decided_at": "Decided",
    "subject": "About",
    "kind": "Kind",
    "expires_at": "Expires",
    "expires": "Expires",
    "api": "API",
    "application": "Application",
    "person": "Person",
    "user": "Person",
    "ip": "Address",
    "actor_name": "Who",
    "via": "By way of",
    "at": "When",
    "host": "Host",
    "version": "Version",
    "provider": "Provider",
    "display_name": "Display name",
    "tags": "Tags",
    "business_plans": "Business plans",
    "business_plan": "Business plan",
    "api_plan": "API plan",
    "access_roles": "Design seen by",
    "visible_roles": "Seen in the developer portal by",
    "environment": "Environment",
    "issuer": "Issuer",
    "validation": "Validation",
    "scope": "Scopes",
    "client_type": "Client type",
    "authorization_grant_type": "Grant type",
    "roles": "Roles",
    "is_active": "Active",
    "source": "Content",
    "visibility": "Who finds it",
    "type": "Type",
    "author_name": "Author",
    "reply_to": "Answer to",
    "content": "Text",
    "edited_at": "Edited",
    "last_used_at": "Last used",
    "application_name": "Application",
    "client": "Client",
    "started_at": "Since",
    "process": "Process",
    "token_kind": "Came with",
    "key_type": "Keys",
    "origin": "Page",
    "upstream": "Endpoint",
    "throttled": "Throttled",
    "api_name": "API",
    "rating": "Stars",
    "rated_at": "Rated",
    "context": "Context",
    "username": "User name",
    "email": "E-mail address",
    "last_login": "Last sign-in",
    "date_joined": "Since",
}
"""Name of a field -> its heading, wherever pages show the field as the model has it."""


APP_LABELS: Final = {
    "apis": "API management",
    "gateway": "Gateway",
    "oauth2_provider": "Access by OAuth",
}
"""Name of an app -> what stands above its pages."""


class SaidChoices(ChoicesFieldListFilter):
    """A filter by a field with choices, in the reader's language."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": said(choice["display"])}


def speak(page: Any) -> None:
    """Let everything that Django and unfold read off a page of the administration be said in the reader's language.

    Args:
        page: a ModelAdmin, as soon as it is made.
    """
    kind = type(page)
    for name in dir(kind):
        function = getattr(kind, name, None)
        if callable(function) and type(getattr(function, "short_description", None)) is str:
            function.short_description = say_later(function.short_description)
    meta = page.model._meta
    meta.app_config.verbose_name = say_later(APP_LABELS[meta.app_label])
    one, many = MODEL_LABELS.get(meta.model_name, (meta.verbose_name, meta.verbose_name_plural))
    meta.verbose_name, meta.verbose_name_plural = say_later(one), say_later(many)
    for field in meta.get_fields():
        if isinstance(field, Field) and (field.name in FIELD_LABELS or type(field.verbose_name) is str):
            field.verbose_name = say_later(FIELD_LABELS.get(field.name, str(field.verbose_name)))
    if page.search_help_text:
        page.search_help_text = say_later(page.search_help_text)
    _speak_choices(page, {one.name for one in meta.get_fields() if getattr(one, "flatchoices", None)})


def _speak_choices(page: Any, names: set[str]) -> None:
    """Columns, facts and filters of fields with choices: rows themselves go on saying them in English."""
    for name in names:
        setattr(page, f"said_{name}", _choice(page.model._meta.get_field(name)))

    def others(shown: Any) -> Any:
        return tuple(f"said_{one}" if one in names else one for one in shown) if shown else shown

    page.list_display, page.list_display_links = others(page.list_display), others(page.list_display_links)
    if page.fields and page.fields == page.readonly_fields:
        page.fields = page.readonly_fields = others(page.fields)
    page.list_filter = tuple(
        (one, SaidChoices) if isinstance(one, str) and one in names else one for one in page.list_filter
    )


def _choice(field: Any) -> Callable[[Any], str]:
    """What fills a column with the choice of a field."""

    @display(description=field.verbose_name, ordering=field.name)
    def column(row: Any) -> str:
        return said(getattr(row, f"get_{field.name}_display")())

    return column


def badge(word: str) -> tuple[str, str]:
    """A word of ours as unfold's labels take it: by which its colour is found, and what people read."""
    return word, said(word)
