"""Request bodies: JSON, bounded, and nothing in them that a database or a log could choke on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.parsers import BaseParser

BODY_LIMIT: Final = 1 << 20
DEPTH_LIMIT: Final = 32


class BodyTooLarge(APIException):
    """A body over BODY_LIMIT bytes (RFC 9110 section 15.5.14)."""

    status_code = 413
    default_detail = f"A request body has at most {BODY_LIMIT} bytes."
    default_code = "too_large"


class JSONBody(BaseParser):
    """UTF-8 JSON as RFC 8259 has it: no NaN, no name twice, no NUL, no lone surrogate, at most 32 levels deep."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Raises: BodyTooLarge, ParseError, ValidationError naming the place of a forbidden character."""
        octets = stream.read(BODY_LIMIT + 1)
        if len(octets) > BODY_LIMIT:
            raise BodyTooLarge
        try:
            value = json.loads(octets.decode(), object_pairs_hook=_once, parse_constant=_refuse)
        except RecursionError:
            raise ParseError(f"The body nests deeper than {DEPTH_LIMIT} levels.") from None
        except ValueError as error:  # also a UnicodeDecodeError, and a number of thousands of digits
            raise ParseError(f"The body is not valid JSON: {str(error)[:200]}") from None
        _check(value, "", DEPTH_LIMIT)
        return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    done = dict(pairs)
    if len(done) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return done


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _check(value: Any, path: str, depth: int) -> None:
    if depth == 0:
        raise ParseError(f"The body nests deeper than {DEPTH_LIMIT} levels.")
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, f"{path}/{index}", depth - 1)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, path)
            _check(inner, f"{path}/{key}", depth - 1)


def _check_text(text: str, path: str) -> None:
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValidationError({path.removeprefix("/") or "non_field_errors": "This contains a forbidden character."})
