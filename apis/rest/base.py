"""What every resource shares: the actor, strict bodies, pages, and answers that no cache keeps."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apis.permissions import Actor
from apis.rest.authentication import actor_of
from apis.rest.pagination import Pages
from apis.rest.parsers import BODY_LIMIT
from apis.rest.problems import BadQuery
from apis.roles import Capability


class Resource(APIView):
    """Base of all resources. Credentials, errors and content types follow settings.REST_FRAMEWORK."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    # One of these must be let through by the credential, unless the person's roles do not hold any either (then the
    # resource itself says what that means): a token that is too narrow is told so, and not shown an empty list.
    capabilities: ClassVar[tuple[Capability, ...]] = ()
    body_limit: ClassVar[int] = BODY_LIMIT  # bytes

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises: Forbidden for a token whose scopes leave nothing of `capabilities`."""
        super().initial(request, *args, **kwargs)
        if self.capabilities and any(one in self.actor.person.capabilities for one in self.capabilities):
            self.actor.require(*self.capabilities)

    @property
    def actor(self) -> Actor:
        """Who acts, narrowed to what their credential lets through."""
        return actor_of(self.request)

    def body(self, shape: type[serializers.Serializer], *, partial: bool = False) -> dict[str, Any]:
        """The request's body, checked for names and types by `shape`; rules are the services' business.

        Args:
            partial: PATCH, where every field may be left out.

        Raises: ValidationError, ParseError.
        """
        reader = shape(data=self.request.data, partial=partial)
        reader.is_valid(raise_exception=True)
        if partial and not reader.validated_data:
            raise ParseError("The body should name at least one field to change.")
        return dict(reader.validated_data)

    def optional_body(self, shape: type[serializers.Serializer]) -> dict[str, Any]:
        """Like `body`, where no body at all is the same as an empty object."""
        return self.body(shape) if self._has_body else {}

    def whole_body(self) -> Any:
        """The request's body as it is, for a service that checks all of it.

        Raises: ParseError, also for no body at all, which would otherwise ask for nothing but defaults.
        """
        if not self._has_body:
            raise ParseError("The body should be a JSON object.")
        return self.request.data

    @property
    def _has_body(self) -> bool:
        return self.request.META.get("CONTENT_LENGTH") not in {None, "", "0"}

    def page(
        self, rows: QuerySet[Any] | list[Any], shape: type[serializers.BaseSerializer], **context: Any
    ) -> Response:
        """One page of `rows`, each shown by `shape` with `context`."""
        pages = Pages()
        found = pages.paginate_queryset(rows, self.request, view=self)
        return pages.get_paginated_response(shape(found, many=True, context=context).data)

    def query(self, name: str, limit: int = 200) -> str:
        """A text parameter of the query, or "".

        Raises: BadQuery for one that is too long or holds a NUL.
        """
        text = self.request.query_params.get(name, "")
        if len(text) > limit or "\x00" in text:
            raise BadQuery({name: f"This should be at most {limit} characters, none of them NUL."})
        return text

    def choice(self, name: str, allowed: Any) -> str:
        """A parameter that names one of `allowed`, or "". Raises: BadQuery."""
        text = self.query(name)
        if name in self.request.query_params and text not in list(allowed):
            raise BadQuery({name: f"This should be one of: {', '.join(allowed)}."})
        return text

    def identifier(self, name: str) -> UUID | None:
        """A parameter that is an id, or None without it. Raises: BadQuery."""
        text = self.query(name)
        try:
            return UUID(text) if name in self.request.query_params else None
        except ValueError:
            raise BadQuery({name: "This should be an id (UUID)."}) from None

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Give a chunked body its length: without one, DRF takes it for no body at all."""
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            request._body = request.read(self.body_limit + 1)
            request.META["CONTENT_LENGTH"] = str(len(request._body))
        return super().initialize_request(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


class OwnTypes(Resource):
    """A resource that chooses the type of its answer itself: neither `Accept` nor `format` is the framework's then."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """Refusals are problem documents in any case."""
        renderer = self.get_renderers()[0]
        return renderer, renderer.media_type or ""
