"""/apis/{id}/documents: what there is to read about an API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors_social
from apis.downloads import document_response
from apis.errors import Invalid
from apis.file_kinds import KINDS
from apis.models import Api, ApiDocument
from apis.rest.base import OwnTypes
from apis.rest.designs import ApiResource
from apis.rest.fields import Body, Text
from apis.rest.schema import operation
from apis.rest.uploads import FORM, FileField, UploadResource
from apis.services import documents
from apis.services.documents import Upload
from apis.shapes_social import DOCUMENT_TYPES, DOCUMENT_VISIBILITIES

MEDIA: Final = tuple(
    sorted({"text/markdown", *(kind.media_type.partition(";")[0] for kind in KINDS.values())})
)  # of contents
EXAMPLE: Final = {"name": "First steps", "type": "howto", "content": "# Connect\n\nGet a token, then connect."}


@extend_schema_field(serializers.ChoiceField(DOCUMENT_TYPES))
class TypeField(Text):
    """Checked by apis.shapes_social."""


@extend_schema_field(serializers.ChoiceField(DOCUMENT_VISIBILITIES))
class VisibilityField(Text):
    """Checked by apis.shapes_social."""


class DocumentWords(Body):
    """What is said about a document."""

    name = Text(help_text="Once in an API, at most 50 characters.")
    type = TypeField(required=False, help_text="howto unless given; forums are links.")
    other_type = Text(required=False, help_text="What it is, where the type is other.")
    summary = Text(required=False)
    visibility = VisibilityField(
        required=False, help_text="api: whoever sees the API; private: only people who see its design."
    )


class DocumentBody(DocumentWords):
    """A document that is a text or a link: exactly one of `content` and `url`."""

    content = Text(required=False, help_text="Markdown.")
    url = Text(required=False, help_text="http:// or https://")


class DocumentForm(DocumentWords):
    """A document that is a file."""

    file = FileField(help_text="At most 5 MiB; its content must be what its name says.")


class ContentBody(Body):
    """A text in the place of what the document held."""

    content = Text(help_text="Markdown.")


class ContentForm(Body):
    """A file in the place of what the document held."""

    file = FileField()


class DocumentAnswer(serializers.Serializer):
    """A document. Its content is at `/content`."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(DOCUMENT_TYPES)
    other_type = serializers.CharField()
    summary = serializers.CharField()
    visibility = serializers.ChoiceField(DOCUMENT_VISIBILITIES)
    source = serializers.ChoiceField(ApiDocument.Source.values)  # type: ignore[assignment]
    url = serializers.CharField(help_text="Where the source is url.")
    file_name = serializers.CharField(help_text="Where the source is file.")
    media_type = serializers.CharField(help_text="Of the file, by its content.")
    size_bytes = serializers.IntegerField(help_text="Of the file.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DocumentResource(UploadResource, ApiResource):
    """Base of everything below /apis/{id}/documents."""

    fields = ("documents",)

    def document(self, api_id: UUID, document_id: UUID) -> ApiDocument:
        """Raises: Missing."""
        return selectors_social.document_get(self.actor, self.api(api_id), document_id)

    def written(self, api_id: UUID) -> Api:
        """The API, for somebody who writes its documents. Raises: Missing, Forbidden."""
        api = self.api(api_id)
        self.actor.require(*selectors_social.WRITERS)
        return api

    def content_of(self, json: type[Body], form: type[Body], *, partial: bool = False) -> dict[str, Any]:
        """The body, whichever of the two it is, as the services take it."""
        if not self.is_form:
            return self.body(json, partial=partial)
        values = self.form(form)
        upload: Upload = values.pop("file")
        return {**values, "upload": upload}

    @staticmethod
    def shown(document: ApiDocument, status: int = 200) -> Response:
        where = f"/api/v1/apis/{document.api_id}/documents/{document.pk}"
        headers = {"Location": where} if status == 201 else None
        return Response(DocumentAnswer(document).data, status=status, headers=headers)


class Documents(DocumentResource):
    @operation("apis_documents", "List the documents of an API that you may read", rows=DocumentAnswer, errors=(404,))
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.page(selectors_social.documents_of(self.actor, self.api(api_id)), DocumentAnswer)

    @operation(
        "apis_documents_create",
        "Write a document (creators and publishers)",
        body={"application/json": DocumentBody, FORM: DocumentForm},
        answer=DocumentAnswer,
        status=201,
        errors=(403, 404, 409, 413),
        detail="A text or a link as JSON, a file as a form. The content of a file is judged, not its name: PDF, text, "
        "Markdown, CSV, JSON, YAML, PNG, JPEG, GIF, WebP, ZIP and office files without macros are taken.",
        example=EXAMPLE,
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        api = self.written(api_id)
        values = self.content_of(DocumentBody, DocumentForm)
        with file_named():
            return self.shown(documents.document_create(actor=self.actor, api=api, **values), 201)


class OneDocument(DocumentResource):
    @operation("apis_documents_read", "Show what is said about a document", answer=DocumentAnswer, errors=(404,))
    def get(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        return self.shown(self.document(api_id, document_id))

    @operation(
        "apis_documents_update",
        "Change a document",
        body={"application/json": DocumentBody},
        answer=DocumentAnswer,
        errors=(403, 404, 409),
        detail="A text or a link that is given takes the place of what the document held.",
        example={"summary": "From nothing to the first message in five minutes"},
    )
    def patch(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        document = self.document(api_id, document_id)
        self.actor.require(*selectors_social.WRITERS)
        if self.is_form:
            raise UnsupportedMediaType(FORM)
        values = self.body(DocumentBody, partial=True)
        return self.shown(documents.document_update(actor=self.actor, document=document, **values))

    @operation("apis_documents_delete", "Delete a document", status=204, errors=(403, 404))
    def delete(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        documents.document_delete(actor=self.actor, document=self.document(api_id, document_id))
        return Response(status=204)


class DocumentContent(OwnTypes, DocumentResource):
    @operation(
        "apis_documents_content",
        "Get the content of a document",
        answer=OpenApiTypes.BINARY,
        media=MEDIA,
        see_other="It is a link.",
        errors=(404,),
        detail="Markdown or the file, always to be saved and never as a page; where it is a link, 303 leads there.",
    )
    def get(self, request: Request, api_id: UUID, document_id: UUID) -> HttpResponseBase:
        return document_response(self.document(api_id, document_id))

    @operation(
        "apis_documents_replace",
        "Set the content of a document: a text as JSON, or a file as a form",
        body={"application/json": ContentBody, FORM: ContentForm},
        answer=DocumentAnswer,
        errors=(403, 404, 413),
        example={"content": "# Connect"},
    )
    def put(self, request: Request, api_id: UUID, document_id: UUID) -> Response:
        document = self.document(api_id, document_id)
        self.actor.require(*selectors_social.WRITERS)
        values = self.content_of(ContentBody, ContentForm)
        with file_named():
            return self.shown(documents.document_update(actor=self.actor, document=document, **values))

    def whole(self, api: Api, **kwargs: Any) -> Any:
        """A content is written by the tag of its document."""
        return DocumentAnswer(self.document(api.pk, kwargs["document_id"])).data


@contextmanager
def file_named() -> Iterator[None]:
    """The services call it `upload`, a form `file`."""
    try:
        yield
    except Invalid as refusal:
        refusal.fields = {"file" if name == "upload" else name: texts for name, texts in refusal.fields.items()}
        raise
