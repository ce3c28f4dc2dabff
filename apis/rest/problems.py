"""Every refusal as a problem document (RFC 9457): `type, title, status, detail, code`, and `errors` for bodies.

This is the only place that knows how an exception looks in HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from apis.errors import Invalid, ServiceError, Stale

PROBLEM_TYPE: Final = "application/problem+json"
SCOPE_CHALLENGE: Final = 'Bearer realm="wsportal", error="insufficient_scope"'  # RFC 6750 section 3.1
_WHOLE_BODY: Final = api_settings.NON_FIELD_ERRORS_KEY
_CODES: Final = {
    "not_authenticated": "missing_credentials",
    "authentication_failed": "invalid_token",
    "permission_denied": "forbidden",
}


class BadQuery(exceptions.APIException):
    """A query parameter that breaks a rule.

    Args:
        problems: parameter -> sentence.
    """

    status_code = HTTPStatus.BAD_REQUEST
    default_code = "invalid"

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("Some query parameters are not valid.")
        self.problems = problems


def problem(
    status: int,
    detail: str,
    code: str,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> Response:
    """A problem document as a DRF response.

    Args:
        errors: [{"pointer": "#/name", "detail": ...}] for bodies, [{"parameter": "page", "detail": ...}] for queries.
        members: further ones.
    """
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
    }
    if errors:
        document["errors"] = errors
    document |= members
    return Response(document, status=status, headers=headers, content_type=PROBLEM_TYPE)


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Returns None for a fault of ours, which stays a 500."""
    if isinstance(exc, ServiceError):
        return _of_service(exc)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, SuspiciousOperation | MultiPartParserError):
        exc = exceptions.ParseError("The request cannot be read.")
    return _of_framework(exc) if isinstance(exc, exceptions.APIException) else None


def _of_service(exc: ServiceError) -> Response:
    errors = None
    if isinstance(exc, Stale):
        return problem(HTTPStatus.PRECONDITION_FAILED, exc.detail, exc.code, changes=_changes(exc))
    if isinstance(exc, Invalid):
        errors = [{"pointer": pointer(name), "detail": text} for name, texts in exc.fields.items() for text in texts]
    headers = {"WWW-Authenticate": SCOPE_CHALLENGE} if exc.code == "insufficient_scope" else {}
    if wait_s := getattr(exc, "wait_s", None):  # TooOften
        headers["Retry-After"] = str(wait_s)
    return problem(exc.status, exc.detail, exc.code, errors, headers)


def _changes(exc: Stale) -> list[dict[str, str]]:
    return [
        {"who": one.who, "when": one.at.isoformat().replace("+00:00", "Z"), "action": one.action, "field": one.field,
         "before": one.before, "after": one.after}
        for one in exc.changes
    ]  # fmt: skip


def _of_framework(exc: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):  # Throttled
        headers["Retry-After"] = str(wait)
    if isinstance(exc, BadQuery):
        errors = [{"parameter": name, "detail": text} for name, text in exc.problems.items()]
        return problem(exc.status_code, str(exc.detail), "invalid", errors)
    if isinstance(exc, exceptions.ValidationError):
        errors = [{"pointer": pointer(path), "detail": text} for path, text in _flat(exc.detail)]
        return problem(exc.status_code, "Some fields are not valid.", "invalid", errors)
    code = getattr(exc.detail, "code", exc.default_code)
    return problem(exc.status_code, str(exc.detail), _CODES.get(code, code), headers=headers)


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """DRF's nested errors as (path, sentence) pairs; the path uses slashes, as services do."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            yield from _flat(inner, path if key == _WHOLE_BODY else f"{path}/{key}".removeprefix("/"))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _flat(inner, f"{path}/{index}" if isinstance(inner, dict | list) and inner else path)
    else:
        yield path, str(detail)


def pointer(path: str) -> str:
    """A path such as "timeouts/connect_ms" as a JSON pointer in fragment form (RFC 6901 section 6)."""
    return f"#/{quote(path, safe='/~')}" if path else "#"
