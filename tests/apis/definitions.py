"""Definitions on their way through REST."""

from __future__ import annotations

from typing import Any

from tests.core.asyncapi_samples import LAMPS_2

YAML = "application/yaml"


def send(caller: Any, method: str, path: str, text: str | bytes, kind: str = YAML, **headers: str) -> Any:
    """A body as it is, in the media type `kind`. Returns: the response of Django."""
    data = text.encode() if isinstance(text, str) else text
    sent = getattr(caller.client, method)(
        "/api/v1" + path, data=data, content_type=kind, headers={**caller.headers, **headers}
    )
    return sent


def imported(caller: Any, text: str = LAMPS_2, query: str = "?context=/lamps", kind: str = YAML) -> dict[str, Any]:
    """The API that a document becomes, as REST answers it."""
    answer = send(caller, "post", f"/apis/import-asyncapi{query}", text, kind)
    assert answer.status_code == 201, answer.content
    return answer.json()
