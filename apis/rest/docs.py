"""The description of the API: /schema for programs, /docs for people, and the answer to unknown addresses."""

from __future__ import annotations

from typing import Any

from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class SchemaDocument(SpectacularAPIView):
    """OpenAPI 3, JSON unless YAML is asked for."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2]


class DocsPage(SpectacularSwaggerSplitView):
    """Swagger UI with our own template: no inline style, no inline script."""

    template_name = "rest/docs.html"
    url_name = "rest:schema"


class UnknownAddress(APIView):
    """Whatever stands under /api/ and is no resource: 404 as a problem document, for every method."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        raise NotFound("There is no such resource; /api/v1/docs lists what there is.", code="not_found")

    post = put = patch = delete = head = options = get
