"""/apis/{id}/thumbnail: the picture of an API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, ClassVar, Final
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from apis.downloads import thumbnail_response
from apis.errors import Invalid, Missing
from apis.models import Api
from apis.pictures import BYTES_LIMIT
from apis.rest.base import OwnTypes
from apis.rest.designs import ApiResource
from apis.rest.fields import Body
from apis.rest.parsers import BodyTooLarge
from apis.rest.schema import operation
from apis.rest.uploads import FORM, FileField, UploadResource
from apis.services import thumbnails

TYPES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")


class PictureTooLarge(BodyTooLarge):
    """A picture over BYTES_LIMIT bytes."""

    default_detail = "A thumbnail has at most 1 MiB."


class ImageBody(BaseParser):
    """A body that is a picture; which kind, its content says."""

    media_type = "image/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The octets. Raises: PictureTooLarge."""
        octets = stream.read(BYTES_LIMIT + 1)
        if len(octets) > BYTES_LIMIT:
            raise PictureTooLarge
        return octets


class ThumbnailForm(Body):
    """A picture as the part of a form."""

    file = FileField(help_text="PNG, JPEG, GIF or WebP by its content, at most 1 MiB and 12,000,000 pixels.")


class ThumbnailAnswer(serializers.Serializer):
    """The picture as it is kept."""

    url = serializers.SerializerMethodField()
    media_type = serializers.CharField(help_text="image/png or image/jpeg.")
    width = serializers.IntegerField(help_text="Pixels; the longer side has at most 512.")
    height = serializers.IntegerField()

    def get_url(self, picture: Any) -> str:
        return f"/api/v1/apis/{picture.api_id}/thumbnail"


class Thumbnail(OwnTypes, UploadResource, ApiResource):
    parser_classes: ClassVar[list[Any]] = [ImageBody, MultiPartParser]  # type: ignore[misc]
    fields = ("thumbnail",)

    def whole(self, api: Api, **kwargs: Any) -> Any:
        picture = thumbnails.thumbnail_of(api)
        return None if picture is None else {"thumbnail": picture.digest}

    @operation(
        "apis_thumbnail", "Get the picture of an API", answer=OpenApiTypes.BINARY, errors=(404,),
        media=("image/png", "image/jpeg"),
        detail="PNG or JPEG, whatever was sent: it was encoded anew.",
    )  # fmt: skip
    def get(self, request: Request, api_id: UUID) -> HttpResponse:
        picture = thumbnails.thumbnail_of(self.api(api_id))
        if picture is None:
            raise Missing("This API has no thumbnail.")
        return thumbnail_response(picture)

    @operation(
        "apis_thumbnail_replace", "Give an API a picture",
        body={**dict.fromkeys(TYPES, OpenApiTypes.BINARY), FORM: ThumbnailForm},
        answer=ThumbnailAnswer, errors=(403, 404, 413),
        detail="As the body, or as the part `file` of a form. At most 1 MiB and 12,000,000 pixels; it is encoded anew, "
        "at most 512 pixels long, without what else was in the file.",
    )  # fmt: skip
    def put(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        place = "file" if self.is_form else ""
        sent: Any = request.data  # octets, or without a body something empty
        content = self.form(ThumbnailForm)["file"].octets if self.is_form else sent or b""
        try:
            picture = thumbnails.thumbnail_set(actor=self.actor, api=api, content=bytes(content))
        except Invalid as refusal:
            refusal.fields = {place: refusal.fields["thumbnail"]}
            raise
        return Response(ThumbnailAnswer(picture).data)

    @operation("apis_thumbnail_delete", "Take the picture of an API away", status=204, errors=(403, 404))
    def delete(self, request: Request, api_id: UUID) -> Response:
        thumbnails.thumbnail_remove(actor=self.actor, api=self.design(api_id))
        return Response(status=204)
