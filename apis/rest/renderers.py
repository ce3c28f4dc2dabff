"""Answers as JSON that a terminal can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer


class JSONLine(JSONRenderer):
    """JSON that ends with a line break, so that the next thing in a shell starts on its own line."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        text: bytes = super().render(data, accepted_media_type, renderer_context)
        return text + b"\n" if text else text
