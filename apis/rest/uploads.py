"""Files in request bodies: multipart/form-data (RFC 7578) beside JSON, bounded before anything is read."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from apis.file_kinds import FILE_LIMIT
from apis.rest.base import Resource
from apis.rest.parsers import BODY_LIMIT, BodyTooLarge, JSONBody
from apis.services.documents import Upload

FORM_LIMIT: Final = FILE_LIMIT + BODY_LIMIT  # bytes: a file, what is said about it, and what separates the parts
FORM: Final = "multipart/form-data"


class FileTooLarge(BodyTooLarge):
    """A body with a file over FORM_LIMIT bytes."""

    default_detail = f"A file has at most {FILE_LIMIT} bytes."


@extend_schema_field(OpenApiTypes.BINARY)
class FileField(serializers.Field):
    """A part of a form that is a file."""

    default_error_messages = {"invalid": "This should be a file, sent with its name as a part of multipart/form-data."}

    def to_internal_value(self, data: Any) -> Upload:
        if not hasattr(data, "chunks"):
            self.fail("invalid")
        return Upload(data.name or "", data.read(FILE_LIMIT + 1))

    def to_representation(self, value: Any) -> Any:
        return value


class UploadResource(Resource):
    """A resource whose bodies may be forms with a file."""

    parser_classes: ClassVar[list[Any]] = [JSONBody, MultiPartParser]  # type: ignore[misc]
    body_limit: ClassVar[int] = FORM_LIMIT

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises: FileTooLarge by what the body says its length is."""
        if self.is_form and int(request.META.get("CONTENT_LENGTH") or 0) > FORM_LIMIT:
            raise FileTooLarge
        super().initial(request, *args, **kwargs)

    @property
    def is_form(self) -> bool:
        """Whether the body is a form rather than JSON."""
        return (self.request.content_type or "").partition(";")[0].strip().lower() == FORM

    def form(self, shape: type[serializers.Serializer]) -> dict[str, Any]:
        """The parts of a form, checked for names and types by `shape` as `body` checks JSON.

        Raises: ValidationError, ParseError.
        """
        parts = self.request.data
        plain = {name: parts[name] for name in parts} if isinstance(parts, QueryDict) else parts
        twice = {name for name in parts if isinstance(parts, QueryDict) and len(parts.getlist(name)) > 1}
        if twice:
            raise serializers.ValidationError(dict.fromkeys(twice, "This stands twice in the form."))
        reader = shape(data=plain)
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)
