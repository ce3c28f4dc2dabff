"""Forms of the publisher portal. They only read what was sent; what is valid, the services say.

A refusal of a service is put beside its fields with `take`, so the same sentences appear here as in REST.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from django import forms

from apis import selectors
from apis.errors import Invalid, ServiceError
from apis.publisher.pages import sentences
from apis.saying import all_said
from apis.shapes import DEFAULT_RUNTIME

_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Text(forms.CharField):
    """Text exactly as typed: nothing is trimmed and nothing is required here."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "strip": False, **options})


class ServiceForm(forms.Form):
    """A form whose rules live in a service.

    Attributes:
        FIELD_OF: where a service's name for a field differs from the form's.
    """

    FIELD_OF: Mapping[str, str] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "use_required_attribute": False, **options})

    def take(self, refusal: ServiceError) -> int:
        """Put a refusal beside its fields (or above the form). Returns: the HTTP status that fits."""
        if not isinstance(refusal, Invalid):
            self.add_error(None, sentences(refusal))
            return refusal.status
        for name, texts in refusal.fields.items():
            field = self.FIELD_OF.get(name, name)
            self.add_error(field if field in self.fields else None, all_said(texts))
        return refusal.status


def plan_choices() -> list[tuple[str, str]]:
    return [(plan.name, plan.name) for plan in selectors.business_plans()]


class DesignForm(ServiceForm):
    """Design a New WebSocket API."""

    name = Text(label="Name")
    context = Text(label="Context")
    version = Text(label="Version")
    endpoint = Text(label="Endpoint")
    business_plans = forms.MultipleChoiceField(label="Business Plan(s)", required=False, choices=plan_choices)


class PlansForm(ServiceForm):
    """Which business plans an API offers."""

    business_plans = forms.MultipleChoiceField(label="Business Plan(s)", required=False, choices=plan_choices)


class VersionForm(ServiceForm):
    """A new version of an API."""

    version = Text(label="Version")


class RevisionForm(ServiceForm):
    """Freeze the design, and perhaps put it on gateway environments at once."""

    description = Text(label="What changed (optional)")
    environments = forms.MultipleChoiceField(
        label="Deploy at once to",
        required=False,
        choices=lambda: [(row.name, row.name) for row in selectors.environments()],
    )


class RuntimeForm(ServiceForm):
    """What an API asks of every session."""

    max_message_bytes = Text(label="Largest message")
    max_session_s = Text(label="Longest session")
    idle_s = Text(label="Idle")
    keepalive_s = Text(label="Keepalive")
    slow_consumer_s = Text(label="Slow client")
    max_sessions = Text(label="In all")
    max_sessions_per_application = Text(label="Of one application")
    max_sessions_per_ip = Text(label="From one address")

    def limits(self) -> dict[str, int | str | None]:
        """What was sent, in the shape of `apis.shapes.runtime_limits`; empty is no limit, words stay words."""
        typed = {name: text.strip() for name, text in self.cleaned_data.items()}
        return {
            name: number(text) if text or DEFAULT_RUNTIME[name] is not None else None for name, text in typed.items()
        }


def number(text: str) -> int | str:
    """A whole number, or the text as it was (which a service then names as not a number)."""
    return int(text) if _WHOLE.fullmatch(text.strip()) else text


def decimal(text: str) -> float | str:
    """A finite number, or the text as it was."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text
