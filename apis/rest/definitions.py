"""/apis/{id}/asyncapi, /apis/import-asyncapi and /asyncapi/validate: AsyncAPI in and out."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import describing, selectors
from apis.asyncapi.dumping import dumped
from apis.asyncapi.model import Reading
from apis.models import Api, Revision
from apis.permissions import can_see_api
from apis.rest.answers import ApiAnswer
from apis.rest.definition_bodies import (
    JSON,
    YAML,
    CheckBody,
    CheckForm,
    DefinitionResource,
    ImportBody,
    ImportForm,
    JsonText,
    Syntax,
    TextYaml,
    XYaml,
    YamlText,
)
from apis.rest.designs import ApiResource
from apis.rest.problems import BadQuery
from apis.rest.schema import operation
from apis.rest.uploads import FORM
from apis.roles import Capability
from apis.services import defining

FORMAT: Final = OpenApiParameter("format", str, enum=["json", "yaml"], description="Before the Accept header.")
REVISION: Final = OpenApiParameter("revision", int, description="Number of a revision, for people who see designs.")
ABOUT: Final = OpenApiParameter("api", UUID, description="Judge it as the definition of this API.")
NAMES: Final = [
    OpenApiParameter(name, str, description="Where the body is the document itself and says another one, or none.")
    for name in ("name", "context", "version")
]
EXAMPLE: Final = {"url": "https://example.com/chat.asyncapi.yaml", "context": "/chat"}


class ProblemRow(serializers.Serializer):
    """One thing wrong with a document, or one that has no effect here."""

    line = serializers.IntegerField(allow_null=True, help_text="From 1; null where the place is not known.")
    column = serializers.IntegerField(allow_null=True)
    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901); empty for the whole document.")
    level = serializers.ChoiceField(["error", "warning"])
    text = serializers.CharField()


class DefinitionAnswer(serializers.Serializer):
    """What is understood of a document."""

    valid = serializers.BooleanField(help_text="Whether it can become an API, or its definition.")
    version = serializers.CharField(help_text="Of AsyncAPI, as the document says.")
    problems = ProblemRow(many=True)
    summary = serializers.DictField(
        allow_null=True,
        help_text="What would be made of it: `name`, `context` (null where it does not say), `version`, `endpoints`, "
        "`topics`, `scopes`, `schemes` and more; null where it is no AsyncAPI document.",
    )


def judged(reading: Reading) -> Response:
    """A reading as an answer."""
    return Response(
        {
            "valid": reading.is_valid,
            "version": reading.version,
            "problems": [problem.row for problem in reading.problems],
            "summary": reading.design.summary if reading.design is not None else None,
        }
    )


class Definition(DefinitionResource, ApiResource):
    fields = ("definition", "topics")
    renderer_classes: ClassVar[list[Any]] = [JsonText, YamlText, TextYaml, XYaml]  # type: ignore[misc]
    content_negotiation_class = Syntax

    def whole(self, api: Api, **kwargs: Any) -> Any:
        """One tag for both formats; a frozen one has its own."""
        if self.query("revision"):
            return None
        return self._written(self.api(api.pk))

    @operation(
        "apis_asyncapi",
        "Show the AsyncAPI definition of an API",
        answer=OpenApiTypes.OBJECT,
        errors=(400, 404),
        query=(FORMAT, REVISION),
        detail="The one that somebody wrote as it is, or one of AsyncAPI 3.0.0 made of the design. People who may not "
        "see designs get one of what is deployed, with the gateway for servers. JSON unless YAML is asked for, with "
        "`?format=yaml` or the Accept header.",
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        api = self.api(api_id)
        revision = self._revision(api)
        syntax = getattr(getattr(request, "accepted_renderer", None), "format", "json")
        return Response(describing.as_syntax(self._written(api, revision), syntax))

    def _written(self, api: Api, revision: Revision | None = None) -> str:
        base = describing.base_of(self.request)
        if can_see_api(self.actor, api):
            return describing.written(api, base, revision)
        return dumped(describing.offered(api, base), "yaml")

    def _revision(self, api: Api) -> Revision | None:
        """Raises: BadQuery; Missing; Forbidden for somebody who may not see designs."""
        text = self.query("revision")
        if not text:
            return None
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            raise BadQuery({"revision": "This should be the number of a revision."})
        self.design(api.pk)
        return selectors.revision_get(api, int(text))

    @operation(
        "apis_asyncapi_replace",
        "Set the AsyncAPI definition of an API",
        body={JSON: OpenApiTypes.OBJECT, YAML: OpenApiTypes.OBJECT},
        answer=DefinitionAnswer,
        errors=(403, 404, 413),
        detail="Its topics take the place of those of the design, scopes that they name are made, and servers that are "
        "not the gateway become endpoints at once. The text is kept as it is. `errors` have a pointer into the "
        "document each, and the line in words.",
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        self.actor.require(Capability.DESIGN_APIS)
        return judged(defining.definition_replace(actor=self.actor, api=api, text=self.document()))

    @operation(
        "apis_asyncapi_drop",
        "Let the definition be made of the design again",
        status=204,
        errors=(403, 404, 409),
        detail="Topics stay. 409 where nobody wrote one.",
    )
    def delete(self, request: Request, api_id: UUID) -> Response:
        defining.definition_drop(actor=self.actor, api=self.design(api_id))
        return Response(status=204)


class Import(DefinitionResource, ApiResource):
    @operation(
        "apis_asyncapi_import",
        "Make an API of an AsyncAPI document",
        body={JSON: ImportBody, YAML: OpenApiTypes.OBJECT, FORM: ImportForm},
        answer=ApiAnswer,
        status=201,
        errors=(403, 409, 413, 429),
        query=NAMES,
        example=EXAMPLE,
        detail="The body is the document itself (JSON or YAML), a form with the file, or JSON with its `url` or, as a "
        "text, `definition`. `context` has to be given unless the document has `x-context`.",
    )
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.DESIGN_APIS)
        values = self.sent(ImportBody, ImportForm)
        url = values.pop("url", None)
        text = values.pop("document", b"") if url is None else defining.definition_fetch(actor=self.actor, url=url)
        named = {name: self.query(name) for name in ("name", "context", "version")}
        chosen = {**{name: value for name, value in named.items() if value}, **values}
        return self.answer(defining.api_import(actor=self.actor, text=text, **chosen), 201)


class Validate(DefinitionResource, ApiResource):
    @operation(
        "asyncapi_validate",
        "Say what would be made of an AsyncAPI document, and what is wrong with it",
        body={JSON: CheckBody, YAML: OpenApiTypes.OBJECT, FORM: CheckForm},
        answer=DefinitionAnswer,
        errors=(403, 404, 413, 429),
        query=(ABOUT,),
        example={"url": EXAMPLE["url"]},
        detail="Nothing is changed. A document that is not valid is answered with 200, too.",
    )
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.DESIGN_APIS)
        about = self.identifier("api")
        api = self.design(about) if about is not None else None
        values = self.sent(CheckBody, CheckForm)
        url = values.get("url")
        text = values.get("document", b"") if url is None else defining.definition_fetch(actor=self.actor, url=url)
        return judged(defining.definition_check(actor=self.actor, text=text, api=api))
