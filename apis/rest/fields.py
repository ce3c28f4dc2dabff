"""Strict body fields: a JSON string is a string, a number a number, and an unknown name an error."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

LIST_LIMIT = 100


class Body(serializers.Serializer):
    """Base of all request bodies: names and types are checked here, rules by the services."""

    default_error_messages = {"invalid": "The body should be a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        """Raises: ValidationError for wrong types and unknown names alike, all at once."""
        problems: dict[str, Any] = {}
        if isinstance(data, dict):
            known = ", ".join(self.fields) or "none"
            for name in data.keys() - self.fields.keys():
                escaped = name.replace("~", "~0").replace("/", "~1")  # RFC 6901 section 3
                problems[escaped] = f"This field is not known here; known are {known}."
        try:
            done = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**error.detail, **problems}) from None  # type: ignore[dict-item]
        if problems:
            raise serializers.ValidationError(problems)
        return done


class Text(serializers.CharField):
    """A JSON string, kept as it is: no trimming, and being empty is the services' business."""

    default_error_messages = {"invalid": "This should be a text."}

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_blank": True, "trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """true or false, not a word or number that means it."""

    default_error_messages = {"invalid": "This should be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A JSON whole number."""

    default_error_messages = {"invalid": "This should be a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Id(serializers.UUIDField):
    """A UUID as text."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Texts(serializers.ListField):
    """A list of texts."""

    child = Text()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": LIST_LIMIT, **options})


@extend_schema_field(OpenApiTypes.ANY)
class Raw(serializers.Field):
    """Any JSON value: the service that takes it checks its shape and names the place of each problem."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value
