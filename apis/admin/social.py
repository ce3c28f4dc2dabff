"""What people write about APIs: documents, and comments and ratings to be moderated."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from apis import selectors, selectors_social
from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Choice, Lines, Pick, Text
from apis.errors import Invalid
from apis.file_kinds import ACCEPTED, FILE_LIMIT
from apis.models import Api, ApiDocument, Comment, Rating
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.services import comments, documents, ratings
from apis.services.documents import Upload
from apis.shapes_social import RATINGS
from apis.words import phrase

HELD: Final = ("content", "url", "upload")


class DocumentForm(ServiceForm):
    """A document of an API. Which API is chosen once."""

    mandatory = ("api", "name")

    api = Pick(Api.objects.none(), label="API")
    name = Text(help_text="Once in the API, at most 50 characters.")
    type = Choice(choices=ApiDocument.Type.choices, help_text="Forums are links.")
    other_type = Text(label="What it is", help_text="Shown instead of Other.")
    summary = Lines(rows=2)
    visibility = Choice(label="Who finds it", choices=ApiDocument.Visibility.choices)
    content = Lines(rows=16, label="Text", help_text="Markdown. A document is one of three: a text, a link or a file.")
    url = Text(label="Link", width="max-w-4xl")
    upload = forms.FileField(
        required=False,
        label="File",
        allow_empty_file=True,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ACCEPTED}),
        help_text="At most 5 MiB; its content must be what its name says.",
    )

    class Meta:
        model = ApiDocument
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            stored = {name: getattr(self.instance, name) for name in (*documents.WORDS, "content", "url")}
            self.initial = {**stored, **self.initial}

    def values(self) -> dict[str, Any]:
        """What was typed, as the services take it; of text, link and file those that were changed."""
        typed = self.cleaned_data
        values = {name: typed[name] for name in documents.WORDS if typed[name] or name not in {"type", "visibility"}}
        for name in ("content", "url"):
            if typed[name] and typed[name] != self.initial.get(name):
                values[name] = typed[name]
        if typed["upload"]:
            values["upload"] = Upload(typed["upload"].name or "", typed["upload"].read(FILE_LIMIT + 1))
        return values


class SeenOnly(ServiceAdmin):
    """Pages about what belongs to APIs: only of those whose design the person sees."""

    sees: ClassVar[tuple[Capability, ...]] = (Capability.SEE_APIS, Capability.ADMINISTER)
    list_select_related: tuple[str, ...] = ("api__version_set",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        seen = selectors.apis_visible(self.actor(request)).order_by().values("pk")
        return super().get_queryset(request).filter(api__in=seen)


@admin.register(ApiDocument)
class DocumentAdmin(SeenOnly):
    """Creators and publishers write them."""

    form = DocumentForm
    adds = changes = deletes = selectors_social.WRITERS
    list_display = ("name", "api", "kind", "source", "visibility", "updated_at")
    list_filter = ("type", "source", "visibility")
    search_fields = ("name", "summary", "api__version_set__name")
    add_fieldsets = ((None, {"fields": ("api", *documents.WORDS)}), ("Content", {"fields": HELD}))
    fieldsets = (
        (None, {"fields": ("api", *documents.WORDS)}),
        ("Content", {"fields": ("held", *HELD)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("api", "held") if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, with the APIs that this person sees to choose from."""
        form = super().get_form(request, obj, change, **kwargs)
        if form.base_fields.get("api"):
            form.base_fields["api"] = copy(form.base_fields["api"])
            form.base_fields["api"].queryset = selectors.apis_visible(self.actor(request))
        return form

    @display(description="Type")
    def kind(self, document: ApiDocument) -> str:
        return said(document.type_label)

    @display(description="Now")
    def held(self, document: ApiDocument) -> str:
        if document.source != ApiDocument.Source.FILE:
            return said(document.get_source_display())
        address = reverse("publisher:document_content", args=[document.api_id, document.pk])
        return format_html(
            '<a href="{}">{}</a>, {}',
            address,
            document.file_name,
            said(phrase("{count:,} bytes", count=document.size_bytes)),
        )

    def create(self, actor: Actor, form: Any) -> ApiDocument:
        api = form.cleaned_data["api"]
        if api is None:
            raise Invalid({"api": "Choose an API."})
        return documents.document_create(actor=actor, api=api, **form.values())

    def update(self, actor: Actor, obj: ApiDocument, form: Any) -> None:
        documents.document_update(actor=actor, document=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: ApiDocument) -> None:
        documents.document_delete(actor=actor, document=obj)


@admin.register(Comment)
class CommentAdmin(SeenOnly):
    """Read by who sees the API, removed by publishers and administrators."""

    deletes = (Capability.PUBLISH_APIS,)
    list_display = ("said", "author_name", "api", "created_at", "edited_at")
    list_filter = ("created_at",)
    search_fields = ("content", "author_name", "api__version_set__name")
    fields = ("api", "author_name", "created_at", "edited_at", "reply_to", "content")
    readonly_fields = fields
    list_select_related = ("api__version_set", "reply_to")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(is_removed=False)

    @display(description="Comment")
    def said(self, comment: Comment) -> str:
        return comment.content[:100]

    def remove(self, actor: Actor, obj: Comment) -> None:
        comments.comment_delete(actor=actor, comment=obj)


@admin.register(Rating)
class RatingAdmin(SeenOnly):
    """Who gave how many stars; publishers and administrators take away what is not meant as a rating."""

    sees = deletes = (Capability.PUBLISH_APIS,)
    list_display = ("stars", "person", "api", "rated_at")
    list_display_links = ("stars",)
    list_filter = ("rating", "rated_at")
    search_fields = ("person__username", "api__version_set__name")
    fields = ("stars", "person", "api", "rated_at")
    readonly_fields = fields
    list_select_related = ("api__version_set", "person")
    ordering = ("-rated_at",)

    @display(description="Stars", ordering="rating")
    def stars(self, rating: Rating) -> str:
        return "★" * rating.rating + "☆" * (RATINGS[-1] - rating.rating)

    def remove(self, actor: Actor, obj: Rating) -> None:
        ratings.rating_delete(actor=actor, rating=obj)
