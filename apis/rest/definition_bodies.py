"""AsyncAPI documents in requests and answers: YAML or JSON exactly as written, so that problems name real lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, ClassVar, Final

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apis.asyncapi.documents import SIZE_LIMIT
from apis.rest.fields import Body, Text, Texts
from apis.rest.parsers import BodyTooLarge, JSONBody
from apis.rest.problems import BadQuery
from apis.rest.renderers import JSONLine
from apis.rest.uploads import FileField, UploadResource

JSON: Final = "application/json"
YAML: Final = "application/yaml"  # RFC 9512
# AsyncAPI's own media types (3.0, "Format"), and what people send YAML as.
MEDIA_TYPES: Final = (
    JSON, YAML, "application/vnd.aai.asyncapi+json", "application/vnd.aai.asyncapi+yaml",
    "application/vnd.aai.asyncapi", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain",
)  # fmt: skip
_SYNTAX: Final = {"yaml": YAML, "json": JSON}


class DocumentTooLarge(BodyTooLarge):
    """A document over its own limit."""

    default_detail = f"A document has at most {SIZE_LIMIT} bytes."


class RawBody(BaseParser):
    """The bytes of a body."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Raises: DocumentTooLarge."""
        octets = stream.read(SIZE_LIMIT + 1)
        if len(octets) > SIZE_LIMIT:
            raise DocumentTooLarge
        return octets


RAW: Final = [type(f"Raw{index}", (RawBody,), {"media_type": name}) for index, name in enumerate(MEDIA_TYPES)]


class _Text(BaseRenderer):
    """A document as its text; a problem document as JSON."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return data.encode() if isinstance(data, str) else JSONLine().render(data)


class JsonText(_Text):
    media_type = JSON
    format = "json"
    charset = None


class YamlText(_Text):
    media_type = YAML
    format = "yaml"
    charset: str | None = None


class TextYaml(YamlText):
    media_type = "text/yaml"
    charset = "utf-8"


class XYaml(YamlText):
    media_type = "application/x-yaml"


class Syntax(DefaultContentNegotiation):
    """`?format=` before Accept; another format is a bad query, not a missing resource."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        chosen = request.query_params.get("format", "")
        if chosen and chosen not in _SYNTAX:
            raise BadQuery({"format": f"This should be one of: {', '.join(_SYNTAX)}."})
        return super().select_renderer(request, renderers, format_suffix)


class ImportBody(Body):
    """Where a document is, and what the API is to be called where it shall not be as the document says."""

    url = Text(required=False, help_text="https:// address of the document; no redirect is followed.")
    definition = Text(required=False, help_text="The document itself as a text; exactly one of the two.")
    name = Text(required=False)
    context = Text(required=False)  # type: ignore[assignment]
    version = Text(required=False)
    business_plans = Texts(required=False, help_text="Names.")


class ImportForm(Body):
    """A document as a file."""

    file = FileField(help_text="YAML or JSON, at most 1 MiB.")
    name = Text(required=False)
    context = Text(required=False)  # type: ignore[assignment]
    version = Text(required=False)


class CheckBody(Body):
    """Where a document is."""

    url = Text(required=False)
    definition = Text(required=False, help_text="The document itself as a text; exactly one of the two.")


class CheckForm(Body):
    """A document as a file."""

    file = FileField()


class DefinitionResource(UploadResource):
    """A resource whose body is a document: as it is, as a file, or named by its address."""

    parser_classes: ClassVar[list[Any]] = [*RAW, MultiPartParser]  # type: ignore[misc]

    def document(self) -> bytes:
        """The body as a document. Raises: ParseError where there is none."""
        if not isinstance(self.request.data, bytes) or not self.request.data.strip():
            raise ParseError("The body should be an AsyncAPI document, YAML or JSON.")
        return self.request.data

    def sent(self, plain: type[serializers.Serializer], form: type[serializers.Serializer]) -> dict[str, Any]:
        """What was sent: {"document": bytes} or {"url": text}, and the further fields of `plain` or `form`.

        A JSON object with `asyncapi` in it is a document; any other is in the shape of `plain`.
        """
        if self.is_form:
            values = self.form(form)
            octets: bytes = values.pop("file").octets
            return {**values, "document": octets}
        octets = self.document()
        if (self.request.content_type or "").partition(";")[0].strip().lower() != JSON:
            return {"document": octets}
        if b'"asyncapi"' in octets[:SIZE_LIMIT] and self._is_document(octets):
            return {"document": octets}
        reader = plain(data=JSONBody().parse(BytesIO(octets)))
        reader.is_valid(raise_exception=True)
        values = dict(reader.validated_data)
        text, url = values.pop("definition", None), values.get("url")
        if (text is None) == (url is None):
            raise serializers.ValidationError({"url": "Give exactly one of `url` and `definition`."})
        return values if text is None else {**values, "document": text.encode(errors="surrogatepass")}

    @staticmethod
    def _is_document(octets: bytes) -> bool:
        """Whether `asyncapi` stands at the top of a JSON text; so has what is no JSON, to be told where it breaks."""
        try:
            value = json.loads(octets)
        except (ValueError, RecursionError):
            return True
        return isinstance(value, dict) and "asyncapi" in value
