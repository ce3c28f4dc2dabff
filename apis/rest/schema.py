"""How the API describes itself in OpenAPI: operations, their errors, pages, and the ways to authenticate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final, TypeVar

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from apis.rest.pagination import Pages
from apis.rest.problems import PROBLEM_TYPE

F = TypeVar("F", bound=Callable[..., Any])
_MEANS: Final[Mapping[int, str]] = {
    400: "The body or the query is not valid; `errors` names the fields.",
    401: "No credential, or one that is unknown, expired or revoked.",
    403: "The object may be seen, but your roles or the scopes of the token do not allow this.",
    404: "There is no such object, or you may not see it.",
    409: "It conflicts with what is there: a name that is taken, or a state in which this is not possible.",
    412: "It was changed since the state that `If-Match` names; `changes` says by whom, and what.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    429: "Too many tries; `Retry-After` says how many seconds to wait.",
    503: "Something that had to be asked does not answer now; try again.",
}


class ProblemPlace(serializers.Serializer):
    """Where in the request one problem is."""

    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body, e.g. `#/name`.")
    parameter = serializers.CharField(required=False, help_text="Name of the query parameter.")
    detail = serializers.CharField()


class ProblemChange(serializers.Serializer):
    """What somebody else changed meanwhile."""

    who = serializers.CharField()
    when = serializers.DateTimeField()
    action = serializers.CharField()
    field = serializers.CharField(help_text="A path, such as `runtime/idle_s`.")
    before = serializers.CharField(help_text="In words; empty for nothing.")
    after = serializers.CharField(help_text="In words; empty for nothing.")


class Problem(serializers.Serializer):
    """A problem document (RFC 9457)."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="A stable word for programs.")
    errors = ProblemPlace(many=True, required=False)  # type: ignore[assignment]
    changes = ProblemChange(many=True, required=False, help_text="With 412: what others changed meanwhile.")


_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "An `ETag` that was answered for this: the write goes on only while that is still the state. A step "
    "to be taken, such as a transition, takes the tag of the API too.",
}
_ETAG: Final = {"ETag": {"schema": {"type": "string"}, "description": "For `If-Match`."}}


class PortalSchema(AutoSchema):
    """drf-spectacular's schema; everything of interest is said by `operation`, and what all that has a tag has here."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        done = super().get_operation(*args, **kwargs)
        if done is None or not hasattr(self.view, "tells") or not self.view.tells(self.path):
            return done
        if self.method == "GET":
            done["responses"]["200"].setdefault("headers", _ETAG)
        else:
            done["parameters"] = [*done.get("parameters", ()), _IF_MATCH]
            done["responses"]["412"] = self._problem_of_412(done)
        return done

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Names that are not known are refused in bodies."""
        done = super()._map_serializer(serializer, direction, bypass_extensions)
        if direction == "request" and done.get("type") == "object":
            done.setdefault("additionalProperties", False)
        return done

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """A decimal is answered as text and taken as a number, too."""
        done = super()._map_serializer_field(field, direction, bypass_extensions)
        if direction == "request" and isinstance(field, serializers.DecimalField) and done.get("type") == "string":
            text = {name: done.pop(name) for name in ("type", "format", "pattern", "nullable") if name in done}
            done["anyOf"] = [text, {"type": "number"}]
        return done

    def _problem_of_412(self, done: dict[str, Any]) -> dict[str, Any]:
        """Like the other problems of this operation."""
        like = next(answer for code, answer in done["responses"].items() if code in {"401", "403", "404"})
        return {**like, "description": _MEANS[412]}


@cache
def page_of(row: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """The shape of one page of a list of `row`."""
    fields = {
        "count": serializers.IntegerField(help_text="Rows in all pages."),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": row(many=True),
        "__doc__": f"One page of a list of {row.__name__}.",
    }
    return type(f"{row.__name__}Page", (serializers.Serializer,), fields)


_PAGING: Final = (
    OpenApiParameter("page", int, description=Pages.page_query_description),
    OpenApiParameter("page_size", int, description=Pages.page_size_query_description),
)


def operation(
    name: str,
    summary: str,
    *,
    answer: Any = None,
    rows: type[serializers.Serializer] | None = None,
    body: Any = None,
    status: int = 200,
    errors: Sequence[int] = (),
    query: Sequence[OpenApiParameter] = (),
    example: Mapping[str, Any] | None = None,
    detail: str = "",
    public: bool = False,
    auth: Sequence[Any] | None = None,
    or_status: int | None = None,
    or_answer: Any = None,
    media: Sequence[str] = (),
    see_other: str = "",
) -> Callable[[F], F]:
    """Describe one method of a resource.

    Args:
        name: `resource_verb`; what comes before the first underscore is also the tag.
        answer: serializer of the 2xx body, None for no content; or `rows` for a page of a list.
        body: serializer of the request's body.
        errors: further statuses than 401 (always) and those that follow from a body (400, 415).
        example: an example body.
        public: no credential needed.
        auth: OpenAPI security requirements, where they are not those of all resources.
        or_status: another 2xx status with the same answer, or with `or_answer`.
        media: media types of the answer, where it is not JSON.
        see_other: when it is answered with 303 and a Location.
    """
    codes = {*errors, *(() if public else (401,)), *((400, 415) if body else ()), *((400, 404) if rows else ())}
    done = OpenApiResponse(page_of(rows) if rows else answer, description=HTTPStatus(status).phrase)
    good: dict[Any, Any] = {(status, one): done for one in media} if media else {status: done}
    if see_other:
        good[HTTPStatus.SEE_OTHER] = OpenApiResponse(description=see_other)
    others = (
        {or_status: OpenApiResponse(or_answer or answer, description=HTTPStatus(or_status).phrase)} if or_status else {}
    )
    problems = {(code, PROBLEM_TYPE): OpenApiResponse(Problem, description=_MEANS[code]) for code in sorted(codes)}
    return extend_schema(
        operation_id=name,
        summary=summary,
        description=detail or summary,
        tags=[name.split("_", maxsplit=1)[0].replace("-", " ")],
        parameters=[*query, *(_PAGING if rows else ())],
        request=body,
        responses={**good, **others, **problems},
        examples=[OpenApiExample("Example", value=dict(example), request_only=True)] if example else None,
        auth=[] if public else auth,
    )


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "apis.rest.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A personal token (POST /api/v1/tokens), or an OAuth 2.0 access token of a person that "
            "carries management scopes.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "apis.rest.authentication.PortalSession"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of the portals. Unsafe methods need the header X-CSRFToken.",
        }
